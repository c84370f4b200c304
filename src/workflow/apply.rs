//! Applies [`Changes`]. Independent changes run in parallel, and a failed one doesn't stop the others.

use std::collections::BTreeSet;

use futures::future::join_all;

use crate::azure::Error;
use crate::azure::task::Task;
use crate::patching::TaskName;
use crate::workflow::begin::Begun;
use crate::workflow::changes::{Changes, Grant};
use crate::workflow::desired::Desired;
use crate::workflow::grant;
use crate::workflow::observe::Observed;
use crate::workflow::recorded_writes::{Writer, failed};
use crate::workflow::task_changes::Tasks;

/// Applies the changes. It records each success at once. After a failure it skips only the steps that depend on
/// the failed one. Returns the tasks that Azure was still working on when it accepted their change.
///
/// The trigger task of an unfinished workflow comes first, with its mark and a disabled timer. So whatever
/// happens later, the next apply knows that the workflow is unfinished. `begun` is what has begun already.
///
/// # Errors
/// All errors.
pub(crate) async fn apply(
    writer: Writer<'_>,
    desired: &Desired,
    changes: &Changes,
    observed: &Observed,
    begun: Begun,
) -> Result<BTreeSet<TaskName>, Vec<Error>> {
    let tasks = Tasks::new(writer, desired, observed);
    let Begun {
        mut trigger,
        upload,
    } = begun;
    let mut started = Vec::with_capacity(changes.tasks.len());
    let mut later = Vec::with_capacity(changes.tasks.len());
    for (name, change) in &changes.tasks {
        if *name == TaskName::Trigger && desired.mark.is_some() {
            started.push(match trigger.take() {
                Some(trigger) => trigger,
                None => tasks.start(*name, change).await.map_err(|it| vec![it])?,
            });
        } else {
            later.push((*name, change));
        }
    }
    let policy = async {
        match (changes.push_policy, upload) {
            (false, _) => Ok(()),
            (true, None) => writer.push_policy(&desired.policy).await,
            (true, Some(upload)) => writer.finish_policy(&desired.policy, upload).await,
        }
    };
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
    let tasks_and_roles = async {
        let (finished, changed, late, orphans) = futures::join!(
            join_all(finished),
            join_all(changed),
            join_all(late),
            join_all(orphans)
        );
        let changed = finished.into_iter().chain(changed).chain(late);
        let mut failures = failed(changed.chain(orphans));
        let principals = tasks.principals();
        let current: Vec<&str> = principals.values().map(String::as_str).collect();
        let grants = changes.grants.iter().filter_map(|grant| {
            // If a task has no identity, changing it failed, and that error is already reported.
            let principal = principals.get(&grant.task)?;
            Some(assign(writer, grant, principal, &current))
        });
        failures.extend(failed(join_all(grants).await));
        failures
    };
    let (policy, others) = futures::join!(policy, tasks_and_roles);
    let mut failures = failed([policy]);
    failures.extend(others);
    if failures.is_empty() {
        let surplus = changes.surplus.iter();
        let revoked = surplus.map(async |(key, it)| writer.revoke(key, &it.id).await);
        failures.extend(failed(join_all(revoked).await));
    }
    if failures.is_empty() {
        Ok(tasks.into_unready())
    } else {
        Err(failures)
    }
}

/// The last write of an unfinished workflow: enables the timer and removes the mark. `trigger` is the
/// trigger task as Azure shows it. Azure may still work on it afterwards.
///
/// # Errors
/// Any request error.
pub(crate) async fn commit(
    writer: Writer<'_>,
    desired: &Desired,
    trigger: &Task,
) -> Result<(), Error> {
    let known = [(TaskName::Trigger, trigger)];
    let tasks = Tasks::of(writer, desired, known, BTreeSet::new());
    let Some(change) = desired.change(TaskName::Trigger, Some(trigger)) else {
        return Ok(());
    };
    let started = tasks.start(TaskName::Trigger, &change).await?;
    tasks.finish(started).await
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
