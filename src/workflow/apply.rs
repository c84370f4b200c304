//! Applies [`Changes`]. Independent changes run in parallel, and a failed one doesn't stop the others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::join_all;

use crate::azure::Error;
use crate::azure::task::{Task, TaskBody};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::workflow::changes::{Changes, Grant};
use crate::workflow::desired::{Desired, TaskChange};
use crate::workflow::grant;
use crate::workflow::observe::Observed;
use crate::workflow::recorded_writes::{Writer, failed};

/// Applies the changes and returns the errors. It records each success at once. After a failure it skips
/// only the steps that depend on the failed one.
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
        principals: Mutex::new(principals),
    };
    let changed = changes.tasks.iter().map(async |(name, change)| {
        if observed.leaving.contains(name) {
            writer.wait_until_gone(*name).await?;
        }
        tasks.change(*name, change).await
    });
    let orphans = changes.orphans.iter();
    let orphans = orphans.map(async |orphan| writer.revoke_orphan(&orphan.id).await);
    let policy = async {
        if changes.push_policy {
            writer.push_policy(&desired.policy).await
        } else {
            Ok(())
        }
    };
    let (policy, changed, orphans) = futures::join!(policy, join_all(changed), join_all(orphans));
    let mut failures = failed([policy].into_iter().chain(changed).chain(orphans));

    let principals = tasks.into_principals();
    let current: Vec<&str> = principals.values().map(String::as_str).collect();
    let grants = changes.grants.iter().filter_map(|grant| {
        // If a task has no identity, creating it failed, and that error is already reported.
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

/// The principal IDs of the tasks' identities.
type Principals = BTreeMap<TaskName, String>;

/// The tasks while they are being changed.
struct Tasks<'a> {
    writer: Writer<'a>,
    desired: &'a Desired,
    principals: Mutex<Principals>,
}

impl Tasks<'_> {
    /// Creates or changes a task, and waits until it is ready. It records the task once Azure has
    /// accepted it, because the task exists from then on.
    async fn change(&self, name: TaskName, change: &TaskChange) -> Result<(), Error> {
        let changed = match change {
            TaskChange::Put(body) => self.put(name, body).await,
            TaskChange::Patch(patch) => {
                match self.writer.registry.patch_task(name.as_str(), patch).await {
                    // The list contained the task, but it has been deleted since.
                    Err(error) if error.is_gone() => self.put(name, &self.desired.task(name)).await,
                    patched => patched,
                }
            }
        };
        let shown = match changed {
            Ok(task) => self.until_shown(name, task).await,
            Err(error) => Err(error),
        };
        match shown {
            Ok(task) => {
                self.note(name, &task);
                Ok(())
            }
            Err(error) => {
                self.writer.record_doubt(&error);
                Err(error)
            }
        }
    }

    async fn put(&self, name: TaskName, body: &TaskBody) -> Result<Task, Error> {
        let accepted = self.writer.registry.start_put_task(name.as_str(), body);
        let accepted = accepted.await?;
        self.note(name, &accepted.resource);
        self.writer.registry.wait_task(accepted).await
    }

    /// Waits until Azure shows the change. For a while after a change, Azure may return the old task, or
    /// the task without its new identity. If Azure doesn't show the change in time, the next plan reports
    /// it.
    async fn until_shown(&self, name: TaskName, mut task: Task) -> Result<Task, Error> {
        let registry = self.writer.registry;
        let mut pauses = Backoff::until_shown();
        while self.desired.change(name, Some(&task)).is_some() || task.principal_id().is_none() {
            let Some(pause) = pauses.next() else {
                break;
            };
            if registry.budget().sleep(pause).await.is_err() {
                break;
            }
            let seen = registry.get_task_opt(name.as_str()).await?;
            task = seen.unwrap_or(task);
        }
        Ok(task)
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
