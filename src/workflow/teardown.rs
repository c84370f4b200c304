//! Removes a workflow: first what starts runs, then what is running, then the rights, then the
//! rest. What is gone already is as good as removed.

use futures::future::join_all;

use crate::azure::error::Error;
use crate::azure::id::ids_equal;
use crate::azure::role_assignment::RoleAssignment;
use crate::patching::TaskName;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::provider::workflow::model::State;
use crate::workflow::apply::{Site, failed};
use crate::workflow::cancel_runs::Cancelling;
use crate::workflow::observe::{Found, Observed};
use crate::workflow::ownership::Owned;

/// Removes everything that is ours: what is observed, and what `prior` knows of although Azure
/// doesn't list it (yet). Every piece is tried whatever becomes of the others; what could not be
/// removed stays in the state.
pub(crate) async fn tear_down(
    site: Site<'_>,
    observed: &Observed,
    owned: &Owned,
    prior: &State,
) -> Vec<Error> {
    // A task that is gone can't start a run any more, and so can't undo what follows.
    let trigger = site.remove_task(TaskName::Trigger, observed, prior).await;
    let mut failures = failed([trigger, site.cancel_runs().await]);
    let held = owned.held.iter().map(|(key, held)| (key, &held.id));
    let unlisted = unlisted(observed, prior);
    let revoked = held.chain(unlisted).map(async |(key, id)| {
        site.revoke(id).await?;
        site.progress.note(|state| {
            state.role_assignments.remove(key);
        });
        Ok(())
    });
    let orphans = owned
        .orphans
        .iter()
        .map(async |orphan| site.revoke(&orphan.id).await);
    let (revoked, orphans) = futures::join!(join_all(revoked), join_all(orphans));
    failures.extend(failed(revoked.into_iter().chain(orphans)));
    let (scan, patch, policy) = futures::join!(
        site.remove_task(TaskName::Scan, observed, prior),
        site.remove_task(TaskName::Patch, observed, prior),
        site.remove_policy(),
    );
    failures.extend(failed([scan, patch, policy]));
    failures
}

/// The assignments that the state has recorded and Azure doesn't list, by key.
pub(crate) fn unlisted<'a>(
    observed: &'a Observed,
    prior: &'a State,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    prior.role_assignments.iter().filter(|(_, recorded)| {
        let listed = |assignment: &RoleAssignment| ids_equal(&assignment.id, recorded);
        !observed.assignments.iter().any(listed)
    })
}

impl Site<'_> {
    async fn remove_task(
        self,
        name: TaskName,
        observed: &Observed,
        prior: &State,
    ) -> Result<(), Error> {
        if observed.leaving.contains(&name) {
            return self.see_off(name).await;
        }
        if !observed.tasks.contains_key(&name) && !prior.tasks.contains_key(name.as_str()) {
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

    async fn cancel_runs(self) -> Result<(), Error> {
        let mut cancelling = Cancelling::new(self.azure, self.budget, self.registry);
        while let Some(round) = cancelling.round().await? {
            round.failure.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    async fn revoke(self, id: &str) -> Result<(), Error> {
        self.azure.delete_role_assignment(self.budget, id).await
    }

    async fn remove_policy(self) -> Result<(), Error> {
        self.azure
            .acr(self.progress.login_server())
            .delete_repository(self.budget, POLICY_REPOSITORY)
            .await?;
        self.progress.note_policy(&Found::Nothing, None);
        Ok(())
    }
}
