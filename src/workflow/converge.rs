//! Brings a workflow to its desired state, and waits until Azure shows it.
//!
//! A workflow without a trigger task, or with a marked one, is unfinished. It is first completed with a
//! disabled timer, then committed. So a workflow that an interrupted apply leaves behind never runs.
//!
//! Azure's lists lag behind its writes, and a plan from an old list would be wrong. Another actor may also
//! delete a part in the meantime. So each part that a list doesn't show is read by its ID. If it is gone,
//! the next round creates it again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::azure::acr::Right;
use crate::azure::poll::{Accepted, Polling};
use crate::azure::task::Task;
use crate::azure::{Error, Look, Operation, OperationKind, RegistryClient};
use crate::http::{Backoff, Stopped};
use crate::patching::TaskName;
use crate::workflow::apply::{apply, commit};
use crate::workflow::begin::Begun;
use crate::workflow::changes::{Changes, find_changes};
use crate::workflow::desired::Desired;
use crate::workflow::observe::{
    KnownPolicy, Observed, PolicyState, is_of_workflow, is_unfinished, observe_again,
};
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded::Recorded;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::task_drift;
use crate::workflow::wait::{Ended, Wait};

/// How often to create vanished parts again before giving up.
const ROUNDS: u32 = 6;
/// How long to trust that a list is only late, in the first round. Each round doubles it.
const LISTED_SOON: Duration = Duration::from_secs(10);

/// What Azure shows after every change was accepted.
#[derive(Clone, Debug)]
pub(crate) enum Settled {
    /// Nothing had to change, or Azure shows every change.
    Shown,
    /// Azure still shows older data after several minutes.
    NotYet,
    /// The time was over, or the user cancelled, before Azure showed every change.
    Stopped(Stopped),
    /// Azure could not be read after the changes.
    Unreadable(Error),
}

/// Why the desired state was not reached.
#[derive(Debug)]
pub(crate) enum Failure {
    /// These operations failed.
    Failed(Vec<Error>),
    /// Another apply has taken the workflow over. Everything that exists belongs to it.
    TakenOver,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(vec![error])
    }
}

/// Applies the differences, and repeats that for parts that vanish in the meantime. `recorded` returns what
/// has been recorded so far. `mark` names this apply in an unfinished workflow. `begun` is what has begun.
///
/// # Errors
/// See [`Failure`].
pub(crate) async fn converge(
    writer: Writer<'_>,
    desired: &Desired,
    observed: &Observed,
    recorded: &(dyn Fn() -> Recorded + Sync),
    mark: &str,
    begun: Begun,
) -> Result<Settled, Failure> {
    // Azure may still show the mark of an earlier apply for a while.
    let trigger = observed.tasks.get(&TaskName::Trigger);
    let marks = Marks {
        own: mark,
        earlier: trigger.and_then(task_drift::mark),
    };
    let mut again = None;
    let mut removed = BTreeSet::new();
    let mut begun = Some(begun);
    for round in 0..ROUNDS {
        let observed = again.as_ref().unwrap_or(observed);
        let patience = LISTED_SOON * 2u32.pow(round);
        let mut target = desired.clone();
        if is_unfinished(observed) {
            target.mark = Some(mark.to_owned());
        }
        let owned = find_owned(observed, &recorded());
        let changes = find_changes(&target, observed, &owned);
        if changes.is_empty() && target.mark.is_none() {
            return Ok(Settled::Shown);
        }
        let begun = begun.take().unwrap_or_default();
        let applied = apply(writer, &target, &changes, observed, begun).await;
        let unready = applied.map_err(Failure::Failed)?;
        removed.extend(changes.orphans.into_iter().map(|(key, _)| key));
        let settling = Settling {
            writer,
            recorded,
            marks: &marks,
            patience,
            removed: &removed,
            unready: &unready,
        };
        let mut outcome = settling.until_shown(&target).await?;
        if target.mark.is_some()
            && let Some(trigger) = settling.trigger_to_commit(&outcome).await?
        {
            commit(writer, desired, &trigger).await?;
            outcome = settling.until_committed(desired).await?;
        }
        match outcome {
            Outcome::Settled(settled) => return Ok(settled),
            Outcome::Shown(_) => return Ok(Settled::Shown),
            Outcome::Vanished(now) => again = Some(*now),
        }
    }
    let operation = Operation::new(OperationKind::ListTasks, writer.registry.id().to_string());
    let reason = "Parts of the workflow are deleted or changed again each time that the provider \
                  creates them.";
    Err(Failure::Failed(vec![Error::Inconsistent {
        operation,
        reason: reason.to_owned(),
        advice: Some("Find out which other tool changes the workflow, then apply again."),
    }]))
}

/// The marks of an unfinished workflow that this apply may see.
struct Marks<'a> {
    own: &'a str,
    /// The mark of the apply that was interrupted before this one.
    earlier: Option<&'a str>,
}

impl Marks<'_> {
    /// Whether another apply creates the workflow now.
    fn is_taken_over(&self, trigger: &Task) -> bool {
        let mark = task_drift::mark(trigger);
        mark.is_some_and(|mark| mark != self.own && Some(mark) != self.earlier)
    }
}

/// What a wait came to.
enum Outcome {
    /// Azure shows everything, with this trigger task.
    Shown(Box<Task>),
    /// Azure doesn't show everything, but nothing more can be done.
    Settled(Settled),
    /// A part is gone, or an orphan has appeared.
    Vanished(Box<Observed>),
}

struct Settling<'a> {
    writer: Writer<'a>,
    recorded: &'a (dyn Fn() -> Recorded + Sync),
    marks: &'a Marks<'a>,
    /// How long a list may be late.
    patience: Duration,
    /// The keys of the orphans that have been removed already.
    removed: &'a BTreeSet<String>,
    /// The tasks that Azure was still working on when it accepted their change.
    unready: &'a BTreeSet<TaskName>,
}

impl Settling<'_> {
    async fn until_shown(&self, desired: &Desired) -> Result<Outcome, Failure> {
        let registry = self.writer.registry;
        let what = format!("Azure shows every change in {}", registry.id().registry);
        let mut wait = Wait::new(registry.budget(), what, Backoff::until_shown());
        loop {
            if let Some(outcome) = self.look(desired, wait.paused()).await? {
                return Ok(outcome);
            }
            match wait.pause().await {
                Ok(()) => {}
                Err(Ended::NotYet) => return Ok(Outcome::Settled(Settled::NotYet)),
                Err(Ended::Stopped(why)) => return Ok(Outcome::Settled(Settled::Stopped(why))),
            }
        }
    }

    /// Waits until Azure lists the committed trigger task, and still lists the others. Everything else has
    /// been shown before.
    async fn until_committed(&self, desired: &Desired) -> Result<Outcome, Failure> {
        let registry = self.writer.registry;
        let what = format!("Azure lists the timer of {}", registry.id().registry);
        let mut wait = Wait::new(registry.budget(), what, Backoff::until_shown());
        loop {
            let tasks = match registry.list_tasks(is_of_workflow).await {
                Ok(tasks) => tasks,
                Err(error) => return Ok(unreadable(error)),
            };
            let named = |task: Task| Some((TaskName::from_name(&task.name)?, task));
            let present = tasks.into_iter().filter(|task| !task.is_leaving());
            let mut tasks: BTreeMap<TaskName, Task> = present.filter_map(named).collect();
            let is_complete = tasks.len() == TaskName::ALL.len();
            if let Some(trigger) = tasks.remove(&TaskName::Trigger) {
                if self.marks.is_taken_over(&trigger) {
                    return Err(Failure::TakenOver);
                }
                let change = desired.change(TaskName::Trigger, Some(&trigger));
                if is_complete && change.is_none() {
                    return Ok(match self.until_ready(trigger).await? {
                        Ok(trigger) => Outcome::Shown(Box::new(trigger)),
                        Err(outcome) => outcome,
                    });
                }
            }
            if wait.paused() >= self.patience {
                // This reads everything again, and finds out whether the task is gone.
                return self.until_shown(desired).await;
            }
            match wait.pause().await {
                Ok(()) => {}
                Err(Ended::NotYet) => return Ok(Outcome::Settled(Settled::NotYet)),
                Err(Ended::Stopped(why)) => return Ok(Outcome::Settled(Settled::Stopped(why))),
            }
        }
    }

    /// Looks once. Returns [`None`] if Azure may show everything later.
    async fn look(&self, desired: &Desired, paused: Duration) -> Result<Option<Outcome>, Failure> {
        let registry = self.writer.registry;
        let recorded = (self.recorded)();
        let known = KnownPolicy {
            login_server: recorded.login_server.clone(),
            policy: recorded.policy.clone(),
            look: Look::Once,
            right: Right::Push,
        };
        let mut observed = match observe_again(registry, &desired.facts, known).await {
            Ok(Some(observed)) => observed,
            Ok(None) => return Err(registry_is_gone(registry).into()),
            Err(error) => return Ok(Some(unreadable(error))),
        };
        // A late list may still show the deletion of a task that exists again.
        for name in observed.leaving.clone() {
            match registry.get_task_opt(name.as_str()).await {
                Ok(Some(task)) if !task.is_leaving() => {
                    observed.leaving.remove(&name);
                    observed.tasks.insert(name, task);
                }
                Ok(_) => {}
                Err(error) => return Ok(Some(unreadable(error))),
            }
        }
        for name in self.unready {
            if let Some(task) = observed.tasks.remove(name) {
                match self.until_ready(task).await? {
                    Ok(task) => observed.tasks.insert(*name, task),
                    Err(outcome) => return Ok(Some(outcome)),
                };
            }
        }
        let trigger = observed.tasks.get(&TaskName::Trigger);
        if trigger.is_some_and(|trigger| self.marks.is_taken_over(trigger)) {
            return Err(Failure::TakenOver);
        }
        let owned = find_owned(&observed, &recorded);
        let changes = find_changes(desired, &observed, &owned);
        if changes.is_empty()
            && let Some(trigger) = trigger
        {
            return Ok(Some(Outcome::Shown(Box::new(trigger.clone()))));
        }
        let is_new = |key: &String| !self.removed.contains(key);
        let has_vanished = if !observed.leaving.is_empty() || owned.orphans.keys().any(is_new) {
            Ok(true)
        } else if paused >= self.patience {
            self.has_vanished(&observed, &changes).await
        } else {
            Ok(false)
        };
        Ok(match has_vanished {
            Ok(true) => Some(Outcome::Vanished(Box::new(observed))),
            Ok(false) => None,
            Err(error) => Some(unreadable(error)),
        })
    }

    /// Waits until Azure has finished with a task, and returns the task with its new provisioning state. Everything
    /// else stays as listed, because a read may return an older task. Returns the outcome of a wait that was stopped.
    ///
    /// # Errors
    /// Azure could not change the task, or any request error.
    async fn until_ready(&self, mut task: Task) -> Result<Result<Task, Outcome>, Failure> {
        if task.is_ready() {
            return Ok(Ok(task));
        }
        let accepted = Accepted {
            resource: task.clone(),
            polling: Polling::resource(),
        };
        match self.writer.registry.wait_task(accepted).await {
            Ok(read) => {
                task.properties.provisioning_state = read.properties.provisioning_state;
                Ok(Ok(task))
            }
            // The next look at the lists finds out.
            Err(error) if error.is_gone() => Ok(Ok(task)),
            Err(error @ Error::Stopped { .. }) => Ok(Err(unreadable(error))),
            Err(error) => {
                self.writer.record_doubt(&error);
                Err(error.into())
            }
        }
    }

    /// Whether a part that the lists don't show is gone.
    async fn has_vanished(&self, observed: &Observed, changes: &Changes) -> Result<bool, Error> {
        let registry = self.writer.registry;
        // The registry returns the policy itself, not a list.
        if changes.push_policy && observed.policy != PolicyState::NotRead {
            return Ok(true);
        }
        for (name, _) in &changes.tasks {
            if !observed.tasks.contains_key(name)
                && registry.get_task_opt(name.as_str()).await?.is_none()
            {
                return Ok(true);
            }
        }
        for grant in &changes.grants {
            if registry
                .get_role_assignment_opt(&grant.name)
                .await?
                .is_none()
                && !self.is_taken_over(&grant.key, &grant.name).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the role is held by an assignment of another name, which is recorded and exists.
    async fn is_taken_over(&self, key: &str, own_name: &str) -> Result<bool, Error> {
        let recorded = (self.recorded)();
        let Some(name) = recorded
            .role_assignments
            .get(key)
            .and_then(|id| id.rsplit('/').next())
        else {
            return Ok(false);
        };
        if name.eq_ignore_ascii_case(own_name) {
            return Ok(false);
        }
        let existing = self.writer.registry.get_role_assignment_opt(name).await?;
        Ok(existing.is_some())
    }

    /// Returns the trigger task if this apply may commit. If Azure's lists are late, it reads the task.
    ///
    /// # Errors
    /// If another apply has taken the workflow over, or the wait was stopped.
    async fn trigger_to_commit(&self, outcome: &Outcome) -> Result<Option<Task>, Failure> {
        let registry = self.writer.registry;
        let name = TaskName::Trigger.as_str();
        let operation = || Operation::new(OperationKind::UpdateTask, registry.id().task_id(name));
        let trigger = match outcome {
            Outcome::Shown(trigger) => trigger.as_ref().clone(),
            Outcome::Settled(Settled::NotYet) => registry
                .get_task_opt(name)
                .await?
                .ok_or_else(|| Error::inconsistent(operation(), "Azure has lost the new task."))?,
            Outcome::Settled(Settled::Stopped(why)) => {
                return Err(Error::stopped(&operation(), *why).into());
            }
            Outcome::Settled(Settled::Unreadable(error)) => return Err(error.clone().into()),
            Outcome::Settled(Settled::Shown) | Outcome::Vanished(_) => return Ok(None),
        };
        match self.marks.is_taken_over(&trigger) {
            true => Err(Failure::TakenOver),
            false => Ok(Some(trigger)),
        }
    }
}

fn unreadable(error: Error) -> Outcome {
    Outcome::Settled(match error {
        Error::Stopped { why, .. } => Settled::Stopped(why),
        error => Settled::Unreadable(error),
    })
}

fn registry_is_gone(registry: &RegistryClient) -> Error {
    Error::Inconsistent {
        operation: Operation::new(OperationKind::ReadRegistry, registry.id().to_string()),
        reason: "The registry was deleted in the meantime.".to_owned(),
        advice: Some("Create the registry again, or remove the workflow from the configuration."),
    }
}
