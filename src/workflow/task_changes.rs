//! Creates and changes tasks, and waits until Azure shows their identities.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::azure::poll::{Accepted, StatusSource};
use crate::azure::task::Task;
use crate::azure::{Error, Operation, OperationKind};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::workflow::desired::{Desired, TaskChange};
use crate::workflow::observe::Observed;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::wait::{Ended, Wait};

/// How often to create a task again that vanishes while Azure is creating it.
const RECREATIONS: u32 = 2;

/// For how long Azure's reads may miss a new task.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// The principal IDs of the tasks' identities.
pub(crate) type Principals = BTreeMap<TaskName, String>;

/// The tasks while they are being changed.
pub(crate) struct Tasks<'a> {
    writer: Writer<'a>,
    desired: &'a Desired,
    /// The tasks that Azure is still deleting.
    leaving: BTreeSet<TaskName>,
    /// The tasks before the changes.
    known: BTreeMap<TaskName, &'a Task>,
    principals: Mutex<Principals>,
    /// The tasks that Azure is still working on.
    unready: Mutex<BTreeSet<TaskName>>,
}

/// A change of a task that Azure has accepted.
#[derive(Debug)]
pub(crate) struct Started {
    name: TaskName,
    change: TaskChange,
    accepted: Accepted<Task>,
}

impl<'a> Tasks<'a> {
    /// The tasks of an observed workflow.
    pub(crate) fn new(writer: Writer<'a>, desired: &'a Desired, observed: &'a Observed) -> Self {
        let known = observed.tasks.iter().map(|(&name, task)| (name, task));
        Self::of(writer, desired, known, observed.leaving.clone())
    }

    /// These tasks. Azure is still deleting the ones that are `leaving`.
    pub(crate) fn of(
        writer: Writer<'a>,
        desired: &'a Desired,
        known: impl IntoIterator<Item = (TaskName, &'a Task)>,
        leaving: BTreeSet<TaskName>,
    ) -> Self {
        let known: BTreeMap<TaskName, &Task> = known.into_iter().collect();
        let principal = |(&name, task): (&TaskName, &&Task)| {
            let principal = task.principal_id()?;
            Some((name, principal.to_owned()))
        };
        Self {
            writer,
            desired,
            leaving,
            principals: Mutex::new(known.iter().filter_map(principal).collect()),
            known,
            unready: Mutex::default(),
        }
    }

    /// Starts to create or change a task. It records the task once Azure has accepted it, because the task
    /// exists from then on.
    pub(crate) async fn start(
        &self,
        name: TaskName,
        change: &TaskChange,
    ) -> Result<Started, Error> {
        if self.leaving.contains(&name) {
            self.writer.wait_until_gone(name).await?;
        }
        let registry = self.writer.registry;
        let accepted = match change {
            TaskChange::Put(body) => registry.start_put_task(name.as_str(), body).await,
            TaskChange::Patch(patch) => {
                match registry.start_patch_task(name.as_str(), patch).await {
                    // The list contained the task, but it has been deleted since.
                    Err(error) if error.is_gone() => {
                        let body = self.desired.task(name);
                        registry.start_put_task(name.as_str(), &body).await
                    }
                    started => started,
                }
            }
        };
        let accepted = accepted.inspect_err(|error| self.writer.record_doubt(error))?;
        self.note(name, &self.changed(name, change, &accepted.resource));
        Ok(Started {
            name,
            change: change.clone(),
            accepted,
        })
    }

    /// Waits until Azure shows the task's identity. If another actor deletes the task in the meantime, it creates
    /// the task again.
    pub(crate) async fn finish(&self, started: Started) -> Result<(), Error> {
        let Started {
            name,
            change,
            accepted,
        } = started;
        let mut outcome = self.until_known(name, &change, accepted).await;
        for _ in 0..RECREATIONS {
            match &outcome {
                Err(error) if error.is_gone() => {}
                _ => break,
            }
            tracing::info!(%name, "creating a task again that was deleted in the meantime");
            let put = TaskChange::Put(Box::new(self.desired.task(name)));
            outcome = match self.start(name, &put).await {
                Ok(again) => self.until_known(name, &put, again.accepted).await,
                Err(error) => Err(error),
            };
        }
        outcome.inspect_err(|error| self.writer.record_doubt(error))
    }

    /// Waits until the task has an identity. If only the task itself shows whether Azure has finished, the look
    /// at all changes waits for that.
    async fn until_known(
        &self,
        name: TaskName,
        change: &TaskChange,
        accepted: Accepted<Task>,
    ) -> Result<(), Error> {
        let shows_itself = accepted.polling.source == StatusSource::Resource;
        let task = if shows_itself && accepted.resource.principal_id().is_some() {
            if !accepted.resource.is_ready() {
                let mut unready = self.unready.lock().unwrap_or_else(PoisonError::into_inner);
                unready.insert(name);
            }
            accepted.resource
        } else {
            self.writer.registry.wait_task(accepted).await?
        };
        self.note(name, &self.changed(name, change, &task));
        match task.principal_id() {
            Some(_) => Ok(()),
            None => self.wait_for_identity(name, Some(change)).await,
        }
    }

    /// Waits for the identity of a task that needs no other change.
    pub(crate) async fn wait_for_late_identity(&self, name: TaskName) -> Result<(), Error> {
        match self.wait_for_identity(name, None).await {
            // The wait for the changes notices that, and the task is created again.
            Err(error) if error.is_gone() => Ok(()),
            waited => waited,
        }
    }

    async fn wait_for_identity(
        &self,
        name: TaskName,
        change: Option<&TaskChange>,
    ) -> Result<(), Error> {
        let registry = self.writer.registry;
        let operation = || {
            let id = registry.id().task_id(name.as_str());
            Operation::new(OperationKind::WaitForTask, id)
        };
        let what = format!("Azure shows the identity of task {name}");
        let mut wait = Wait::new(registry.budget(), what, Backoff::until_shown());
        loop {
            let task = match registry.get_task(name.as_str()).await {
                Ok(task) => Some(task),
                // A new task may be missing from Azure's reads for a moment.
                Err(error) if error.is_gone() && wait.paused() < SHOWN_WITHIN => None,
                Err(error) => return Err(error),
            };
            if let Some(task) = task.filter(|task| task.principal_id().is_some()) {
                let changed = change.map(|change| self.changed(name, change, &task));
                self.note(name, changed.as_ref().unwrap_or(&task));
                return Ok(());
            }
            wait.pause().await.map_err(|ended| match ended {
                Ended::NotYet => Error::inconsistent(
                    operation(),
                    "Azure has accepted the task, but the task's managed identity has not appeared.",
                ),
                Ended::Stopped(why) => Error::stopped(&operation(), why),
            })?;
        }
    }

    /// Returns the task after a change that Azure has accepted. For a while, Azure's reads may return an older
    /// task, so only the identity and the provisioning state come from `read`.
    fn changed(&self, name: TaskName, change: &TaskChange, read: &Task) -> Task {
        let mut base = self.known.get(&name).map_or(read, |known| *known).clone();
        base.id.clone_from(&read.id);
        let state = &read.properties.provisioning_state;
        base.properties.provisioning_state.clone_from(state);
        if read.principal_id().is_some() {
            base.identity.clone_from(&read.identity);
        }
        change.applied_to(&base)
    }

    fn note(&self, name: TaskName, task: &Task) {
        if let Some(id) = task.principal_id() {
            self.principals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, id.to_owned());
        }
        self.writer.record_task(name, task);
    }

    /// Returns the principals of the tasks that have an identity.
    pub(crate) fn principals(&self) -> Principals {
        let principals = self.principals.lock();
        principals.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the tasks that Azure was still working on when it accepted their change.
    pub(crate) fn into_unready(self) -> BTreeSet<TaskName> {
        let unready = self.unready.into_inner();
        unready.unwrap_or_else(PoisonError::into_inner)
    }
}
