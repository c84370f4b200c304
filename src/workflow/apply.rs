//! Carries out [`Changes`]: in parallel what doesn't depend on each other, and to the end of what
//! can still be done when a part of it fails.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::join_all;

use crate::azure::Azure;
use crate::azure::error::Error;
use crate::azure::id::RegistryId;
use crate::azure::task::{Task, TaskBody};
use crate::http::Budget;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, TaskName};
use crate::provider::workflow::progress::Progress;
use crate::workflow::changes::{Changes, Grant};
use crate::workflow::desired::{Desired, TaskChange};
use crate::workflow::grant;
use crate::workflow::observe::{Found, Observed};
use crate::workflow::pauses::pauses;

/// Whom and what a change is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) azure: &'a Azure,
    pub(crate) budget: &'a Budget,
    pub(crate) registry: &'a RegistryId,
    pub(crate) progress: &'a Progress<'a>,
}

/// Makes the changes. Whatever succeeds is noted at once; what fails is returned, and keeps only
/// that from being tried which depends on it.
pub(crate) async fn apply(
    site: Site<'_>,
    desired: &Desired,
    changes: &Changes,
    observed: &Observed,
) -> Vec<Error> {
    let principals: Principals = observed
        .tasks
        .iter()
        .filter_map(|(&name, task)| Some((name, task.principal_id()?.to_owned())))
        .collect();
    let principals = Mutex::new(principals);
    let tasks = changes.tasks.iter().map(async |(name, change)| {
        if observed.leaving.contains(name) {
            site.see_off(*name).await?;
        }
        site.change_task(*name, desired, change, &principals).await
    });
    let orphans = changes.orphans.iter().map(async |orphan| {
        site.azure
            .delete_role_assignment(site.budget, &orphan.id)
            .await
    });
    let policy = async {
        if changes.push_policy {
            site.push_policy(&desired.policy).await
        } else {
            Ok(())
        }
    };
    let (policy, tasks, orphans) = futures::join!(policy, join_all(tasks), join_all(orphans));
    let mut failures = failed([policy].into_iter().chain(tasks).chain(orphans));

    let principals = principals
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let current: Vec<&str> = principals.values().map(String::as_str).collect();
    let grants = changes.grants.iter().filter_map(|grant| {
        // Without an identity, creating the task has failed, and that has been reported.
        let principal = principals.get(&grant.task)?;
        Some(site.grant(grant, principal, &current))
    });
    failures.extend(failed(join_all(grants).await));
    if failures.is_empty() {
        let surplus = changes.surplus.iter().map(async |(key, assignment)| {
            site.azure
                .delete_role_assignment(site.budget, &assignment.id)
                .await?;
            site.progress.note(|state| {
                state.role_assignments.remove(key);
            });
            Ok(())
        });
        failures.extend(failed(join_all(surplus).await));
    }
    failures
}

/// The identities of the tasks.
type Principals = BTreeMap<TaskName, String>;

impl Site<'_> {
    async fn push_policy(self, policy: &Policy) -> Result<(), Error> {
        let pushed = self
            .azure
            .acr(self.progress.login_server())
            .push_policy(self.budget, POLICY_REPOSITORY, policy.document())
            .await;
        match pushed {
            Ok(manifest) => {
                let policy = Found::Readable(policy.clone());
                self.progress.note_policy(&policy, Some(manifest));
                Ok(())
            }
            Err(error) => {
                self.note_doubt(&error);
                Err(error)
            }
        }
    }

    /// Waits for the end of a task whose deletion has begun already.
    pub(crate) async fn see_off(self, name: TaskName) -> Result<(), Error> {
        self.azure
            .wait_task_gone(self.budget, self.registry, name.as_str())
            .await
    }

    /// Creates or changes a task, and waits until it is ready. It is noted as soon as Azure has
    /// accepted it: from then on it exists.
    async fn change_task(
        self,
        name: TaskName,
        desired: &Desired,
        change: &TaskChange,
        principals: &Mutex<Principals>,
    ) -> Result<(), Error> {
        let changed = match change {
            TaskChange::Put(body) => self.put_task(name, body, principals).await,
            TaskChange::Patch(patch) => {
                let patched = self
                    .azure
                    .patch_task(self.budget, self.registry, name.as_str(), patch)
                    .await;
                match patched {
                    // It was listed, but has gone.
                    Err(error) if error.is_gone() => {
                        self.put_task(name, &desired.task(name), principals).await
                    }
                    patched => patched,
                }
            }
        };
        let shown = match changed {
            Ok(task) => self.until_shown(name, desired, task).await,
            Err(error) => Err(error),
        };
        match shown {
            Ok(task) => {
                self.note_task(name, &task, principals);
                Ok(())
            }
            Err(error) => {
                self.note_doubt(&error);
                Err(error)
            }
        }
    }

    async fn put_task(
        self,
        name: TaskName,
        body: &TaskBody,
        principals: &Mutex<Principals>,
    ) -> Result<Task, Error> {
        let accepted = self
            .azure
            .start_put_task(self.budget, self.registry, name.as_str(), body)
            .await?;
        self.note_task(name, &accepted.resource, principals);
        self.azure.wait_task(self.budget, accepted).await
    }

    /// Azure may show a task as it was before for a while after a change, or without the identity
    /// that it has been given. What it never shows is left to the next plan.
    async fn until_shown(
        self,
        name: TaskName,
        desired: &Desired,
        mut task: Task,
    ) -> Result<Task, Error> {
        let mut pauses = pauses();
        while desired.change(name, Some(&task)).is_some() || task.principal_id().is_none() {
            let Some(pause) = pauses.next() else {
                break;
            };
            if self.budget.sleep(pause).await.is_err() {
                break;
            }
            let seen = self
                .azure
                .get_task_opt(self.budget, self.registry, name.as_str())
                .await?;
            task = seen.unwrap_or(task);
        }
        Ok(task)
    }

    fn note_task(self, name: TaskName, task: &Task, principals: &Mutex<Principals>) {
        if let Some(id) = task.principal_id() {
            principals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, id.to_owned());
        }
        self.progress.note_task(name, task);
    }

    async fn grant(self, grant: &Grant, principal: &str, current: &[&str]) -> Result<(), Error> {
        let granted = grant::grant(self, grant, principal, current).await;
        if let Err(error) = &granted {
            self.note_doubt(error);
        }
        let assignment = granted?;
        self.progress.note(|state| {
            state
                .role_assignments
                .insert(grant.key.clone(), assignment.id);
        });
        Ok(())
    }

    /// After a write without a clear "no" something may exist that nobody has told us of. Then
    /// the state has to exist as well, so that the next refresh or destroy looks for it.
    fn note_doubt(self, error: &Error) {
        if error.may_have_been_done() {
            self.progress.note(|_| ());
        }
    }
}

/// The failures among some outcomes.
pub(crate) fn failed(outcomes: impl IntoIterator<Item = Result<(), Error>>) -> Vec<Error> {
    outcomes.into_iter().filter_map(Result::err).collect()
}
