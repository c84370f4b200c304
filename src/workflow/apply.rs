//! Applies [`Changes`]. Independent changes run in parallel, and a failed one doesn't stop the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;

use crate::azure::poll::Accepted;
use crate::azure::task::Task;
use crate::azure::{Error, Operation, OperationKind};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::workflow::changes::{Changes, Grant};
use crate::workflow::desired::{Desired, TaskChange};
use crate::workflow::grant;
use crate::workflow::observe::Observed;
use crate::workflow::recorded_writes::{Writer, failed};
use crate::workflow::wait::{Ended, Wait};

/// Applies the changes and returns the errors. It records each success at once. After a failure it skips
/// only the steps that depend on the failed one.
///
/// The trigger task of an unfinished workflow comes first, with its mark and a disabled timer. So whatever
/// happens later, the next apply knows that the workflow is unfinished.
pub(crate) async fn apply(
    writer: Writer<'_>,
    desired: &Desired,
    changes: &Changes,
    observed: &Observed,
) -> Vec<Error> {
    let principals: Principals = observed
        .tasks
        .iter()
        .filter_map(|(&name, task)| Some((name, task.principal_id()?.to_owned())))
        .collect();
    let tasks = Tasks {
        writer,
        desired,
        leaving: observed.leaving.clone(),
        known: observed
            .tasks
            .iter()
            .map(|(&name, task)| (name, task))
            .collect(),
        principals: Mutex::new(principals),
    };
    let mut started = Vec::with_capacity(changes.tasks.len());
    let mut later = Vec::with_capacity(changes.tasks.len());
    for (name, change) in &changes.tasks {
        if *name == TaskName::Trigger && desired.mark.is_some() {
            match tasks.start(*name, change).await {
                Ok(task) => started.push(task),
                Err(error) => return vec![error],
            }
        } else {
            later.push((*name, change));
        }
    }
    let finished = started.into_iter().map(|task| tasks.finish(task));
    let changed = later.into_iter().map(async |(name, change)| {
        let started = tasks.start(name, change).await?;
        tasks.finish(started).await
    });
    let is_unchanged = |name: &TaskName| changes.tasks.iter().all(|(changed, _)| changed != name);
    let late = observed.tasks.iter().filter_map(|(name, task)| {
        let waits = task.principal_id().is_none() && is_unchanged(name);
        waits.then(|| tasks.wait_for_late_identity(*name))
    });
    let orphans = changes.orphans.iter();
    let orphans = orphans.map(async |(key, orphan)| writer.revoke(key, &orphan.id).await);
    let policy = async {
        if changes.push_policy {
            writer.push_policy(&desired.policy).await
        } else {
            Ok(())
        }
    };
    let (policy, finished, changed, late, orphans) = futures::join!(
        policy,
        join_all(finished),
        join_all(changed),
        join_all(late),
        join_all(orphans)
    );
    let changed = finished.into_iter().chain(changed).chain(late);
    let mut failures = failed([policy].into_iter().chain(changed).chain(orphans));

    let principals = tasks.into_principals();
    let current: Vec<&str> = principals.values().map(String::as_str).collect();
    let grants = changes.grants.iter().filter_map(|grant| {
        // If a task has no identity, changing it failed, and that error is already reported.
        let principal = principals.get(&grant.task)?;
        Some(assign(writer, grant, principal, &current))
    });
    failures.extend(failed(join_all(grants).await));
    if failures.is_empty() {
        let surplus = changes.surplus.iter();
        let revoked = surplus.map(async |(key, it)| writer.revoke(key, &it.id).await);
        failures.extend(failed(join_all(revoked).await));
    }
    failures
}

/// The last write of an unfinished workflow: enables the timer and removes the mark. `trigger` is the
/// trigger task as Azure shows it.
///
/// # Errors
/// Any request error.
pub(crate) async fn commit(
    writer: Writer<'_>,
    desired: &Desired,
    trigger: &Task,
) -> Result<(), Error> {
    let tasks = Tasks {
        writer,
        desired,
        leaving: BTreeSet::new(),
        known: [(TaskName::Trigger, trigger)].into(),
        principals: Mutex::default(),
    };
    let Some(change) = desired.change(TaskName::Trigger, Some(trigger)) else {
        return Ok(());
    };
    let started = tasks.start(TaskName::Trigger, &change).await?;
    tasks.finish(started).await
}

/// How often to create a task again that vanishes while Azure is creating it.
const RECREATIONS: u32 = 2;

/// For how long Azure's reads may miss a new task.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// The principal IDs of the tasks' identities.
type Principals = BTreeMap<TaskName, String>;

/// The tasks while they are being changed.
struct Tasks<'a> {
    writer: Writer<'a>,
    desired: &'a Desired,
    /// The tasks that Azure is still deleting.
    leaving: BTreeSet<TaskName>,
    /// The tasks before the changes.
    known: BTreeMap<TaskName, &'a Task>,
    principals: Mutex<Principals>,
}

/// A change of a task that Azure has accepted.
struct Started<'a> {
    name: TaskName,
    change: &'a TaskChange,
    accepted: Accepted<Task>,
}

impl Tasks<'_> {
    /// Starts to create or change a task. It records the task once Azure has accepted it, because the task
    /// exists from then on.
    async fn start<'a>(
        &self,
        name: TaskName,
        change: &'a TaskChange,
    ) -> Result<Started<'a>, Error> {
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
            change,
            accepted,
        })
    }

    /// Waits until Azure has finished with the task and shows its identity. If another actor deletes the task
    /// in the meantime, it creates the task again.
    async fn finish(&self, started: Started<'_>) -> Result<(), Error> {
        let Started {
            name,
            change,
            accepted,
        } = started;
        let mut outcome = self.until_ready(name, change, accepted).await;
        for _ in 0..RECREATIONS {
            match &outcome {
                Err(error) if error.is_gone() => {}
                _ => break,
            }
            tracing::info!(%name, "creating a task again that was deleted in the meantime");
            let put = TaskChange::Put(Box::new(self.desired.task(name)));
            outcome = match self.start(name, &put).await {
                Ok(again) => self.until_ready(name, &put, again.accepted).await,
                Err(error) => Err(error),
            };
        }
        outcome.inspect_err(|error| self.writer.record_doubt(error))
    }

    async fn until_ready(
        &self,
        name: TaskName,
        change: &TaskChange,
        accepted: Accepted<Task>,
    ) -> Result<(), Error> {
        let task = self.writer.registry.wait_task(accepted).await?;
        self.note(name, &self.changed(name, change, &task));
        match task.principal_id() {
            Some(_) => Ok(()),
            None => self.wait_for_identity(name, Some(change)).await,
        }
    }

    /// Waits for the identity of a task that needs no other change.
    async fn wait_for_late_identity(&self, name: TaskName) -> Result<(), Error> {
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

    fn into_principals(self) -> Principals {
        self.principals
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn assign(
    writer: Writer<'_>,
    grant: &Grant,
    principal: &str,
    current: &[&str],
) -> Result<(), Error> {
    let granted = grant::grant(writer, grant, principal, current).await;
    let assignment = granted.inspect_err(|error| writer.record_doubt(error))?;
    writer.record_assignment(&grant.key, &assignment.id);
    Ok(())
}
