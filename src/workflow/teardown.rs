//! Removes a workflow: the trigger task, the active runs, the role assignments, and then the rest.
//! Anything already gone counts as removed.

use futures::future::join_all;

use crate::azure::Error;
use crate::azure::run::Run;
use crate::patching::TaskName;
use crate::workflow::cancel_runs::CancelRuns;
use crate::workflow::observe::Observed;
use crate::workflow::ownership::Owned;
use crate::workflow::recorded::Recorded;
use crate::workflow::recorded_writes::{Writer, failed};

/// The outcome of a teardown.
#[derive(Debug, Default)]
pub(crate) struct TornDown {
    /// What can't be removed.
    pub(crate) failures: Vec<Error>,
    /// The runs that are still active after their cancellation.
    pub(crate) left_active: Vec<Run>,
}

/// Removes everything that belongs to the workflow. That includes recorded parts that Azure doesn't list
/// yet. It tries every part even if others fail. What it can't remove stays in the record.
pub(crate) async fn tear_down(
    writer: Writer<'_>,
    observed: &Observed,
    owned: &Owned,
    recorded: &Recorded,
) -> TornDown {
    let remove = async |name| remove_task(writer, name, observed, recorded).await;
    // A deleted task can't start runs, so it can't undo the next steps.
    let trigger = remove(TaskName::Trigger).await;
    let cancelled = CancelRuns::new(writer.registry).until_none_active().await;
    let (left_active, cancelled) = match cancelled {
        Ok(left_active) => (left_active, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut failures = failed([trigger, cancelled]);
    let held = owned.held.iter().map(|(key, held)| (key, &held.id));
    let unlisted = recorded.unlisted(observed);
    let revoked = held
        .chain(unlisted)
        .map(async |(key, id)| writer.revoke(key, id).await);
    let orphans = owned.orphans.iter();
    let orphans = orphans.map(async |orphan| writer.revoke_orphan(&orphan.id).await);
    let (revoked, orphans) = futures::join!(join_all(revoked), join_all(orphans));
    failures.extend(failed(revoked.into_iter().chain(orphans)));
    let (scan, patch, policy) = futures::join!(
        remove(TaskName::Scan),
        remove(TaskName::Patch),
        writer.delete_policy(),
    );
    failures.extend(failed([scan, patch, policy]));
    TornDown {
        failures,
        left_active,
    }
}

async fn remove_task(
    writer: Writer<'_>,
    name: TaskName,
    observed: &Observed,
    recorded: &Recorded,
) -> Result<(), Error> {
    if observed.leaving.contains(&name) {
        return writer.wait_until_gone(name).await;
    }
    if !observed.tasks.contains_key(&name) && !recorded.tasks.contains(&name) {
        return Ok(());
    }
    writer.delete_task(name).await
}
