//! Removes a workflow: first what starts runs, then what is running, then the rights, then the
//! rest. What is gone already is as good as removed.

use std::time::Duration;

use futures::future::join_all;

use crate::azure::error::Error;
use crate::azure::role_assignment::RoleAssignment;
use crate::azure::run::Run;
use crate::patching::TaskName;
use crate::resource::continuous_patching_workflow::apply::{Site, failed};
use crate::resource::continuous_patching_workflow::observed::{Found, Observed};
use crate::resource::continuous_patching_workflow::ownership::Owned;

/// How long the runs that were cancelled are left alone before they are looked at again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Removes everything that is ours. Every piece is tried whatever becomes of the others; what
/// could not be removed stays in the state.
pub(super) async fn tear_down(site: Site<'_>, observed: &Observed, owned: &Owned) -> Vec<Error> {
    // A task that is gone can't start a run any more, and so can't undo what follows.
    let mut failures = failed([site.remove_task(TaskName::Trigger, observed).await]);
    failures.extend(failed([site.cancel_runs().await]));
    let held = owned.held.iter().map(async |(key, assignment)| {
        site.revoke(assignment).await?;
        site.progress.note(|state| {
            state.role_assignments.remove(key);
        });
        Ok(())
    });
    let orphans = owned
        .orphans
        .iter()
        .map(async |orphan| site.revoke(orphan).await);
    let (held, orphans) = futures::join!(join_all(held), join_all(orphans));
    failures.extend(failed(held.into_iter().chain(orphans)));
    let (scan, patch, policy) = futures::join!(
        site.remove_task(TaskName::Scan, observed),
        site.remove_task(TaskName::Patch, observed),
        site.remove_policy(),
    );
    failures.extend(failed([scan, patch, policy]));
    failures
}

impl Site<'_> {
    async fn remove_task(self, name: TaskName, observed: &Observed) -> Result<(), Error> {
        if observed.leaving.contains(&name) {
            return self.see_off(name).await;
        }
        if !observed.tasks.contains_key(&name) {
            return Ok(());
        }
        self.azure
            .delete_task(self.budget, self.registry, name.as_str())
            .await?;
        self.progress.note(|state| {
            state.tasks.remove(name.as_str());
            if name == TaskName::Trigger {
                state.schedule = None;
                state.start_time = None;
                state.schedule_cron = None;
            }
        });
        Ok(())
    }

    /// Until none is active: a scan may have queued a patch run just before it was cancelled, and
    /// a cancelled run takes a while to end.
    async fn cancel_runs(self) -> Result<(), Error> {
        let names = TaskName::ALL.map(TaskName::as_str);
        let mut pause = FIRST_PAUSE;
        loop {
            let runs = self
                .azure
                .list_active_runs(self.budget, self.registry, &names)
                .await?;
            if runs.is_empty() {
                return Ok(());
            }
            self.cancel(&runs).await?;
            if self.budget.sleep(pause).await.is_err() {
                // The next request says why.
                continue;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn cancel(self, runs: &[Run]) -> Result<(), Error> {
        let cancelled = runs.iter().map(async |run| {
            let outcome = self
                .azure
                .cancel_run(self.budget, self.registry, &run.run_id)
                .await;
            match outcome {
                // It has ended by itself in the meantime.
                Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
                other => other,
            }
        });
        join_all(cancelled).await.into_iter().collect()
    }

    async fn revoke(self, assignment: &RoleAssignment) -> Result<(), Error> {
        self.azure
            .delete_role_assignment(self.budget, &assignment.id)
            .await
    }

    async fn remove_policy(self) -> Result<(), Error> {
        self.azure
            .acr(self.progress.login_server())
            .delete_policy(self.budget)
            .await?;
        self.progress.note_policy(&Found::Nothing, None);
        Ok(())
    }
}
