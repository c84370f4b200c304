//! Writes to a registry, and records each change once Azure has accepted it.

use crate::azure::acr::{AcrClient, Expected, PolicyUpload, Right};
use crate::azure::poll::Polling;
use crate::azure::task::Task;
use crate::azure::{Error, RegistryClient};
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, TaskName};
use crate::workflow::progress::{ProgressEvent, ProgressSink};

/// The registry to write to, and the sink that records the changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) registry: &'a RegistryClient,
    /// The registry's login server.
    pub(crate) login_server: &'a str,
    pub(crate) progress: &'a dyn ProgressSink,
}

impl Writer<'_> {
    /// Records the current state of a task.
    pub(crate) fn record_task(self, name: TaskName, task: &Task) {
        self.progress.record(ProgressEvent::TaskExists(name, task));
    }

    /// Deletes a task, and waits until it is gone.
    pub(crate) async fn delete_task(self, name: TaskName) -> Result<(), Error> {
        self.registry.delete_task(name.as_str()).await?;
        self.record_deleted(name);
        Ok(())
    }

    /// Records that a task is gone.
    pub(crate) fn record_deleted(self, name: TaskName) {
        self.progress.record(ProgressEvent::TaskDeleted(name));
    }

    /// Waits until a task that Azure is already deleting is gone.
    pub(crate) async fn wait_until_gone(self, name: TaskName) -> Result<(), Error> {
        let polling = Polling::resource();
        self.registry.wait_task_gone(name.as_str(), polling).await
    }

    /// Returns the client for the policy. Its tokens also suffice for reading.
    pub(crate) fn data_plane(self, right: Right) -> AcrClient {
        let client = self.registry.data_plane(self.login_server);
        client.with_right(right)
    }

    /// Pushes the policy.
    pub(crate) async fn push_policy(self, policy: &Policy) -> Result<(), Error> {
        let (data_plane, budget) = (self.data_plane(Right::Push), self.registry.budget());
        let (document, config) = (policy.document(), Expected::Stored);
        let begun = data_plane.begin_policy(budget, POLICY_REPOSITORY, document, config);
        self.finish_policy(policy, begun.await?).await
    }

    /// Pushes the policy whose upload has begun.
    pub(crate) async fn finish_policy(
        self,
        policy: &Policy,
        begun: PolicyUpload,
    ) -> Result<(), Error> {
        let (data_plane, budget) = (self.data_plane(Right::Push), self.registry.budget());
        let pushed = data_plane.finish_policy(budget, POLICY_REPOSITORY, begun);
        let manifest = pushed.await.inspect_err(|error| self.record_doubt(error))?;
        let event = ProgressEvent::PolicyPushed(policy, &manifest);
        self.progress.record(event);
        Ok(())
    }

    /// Deletes the policy.
    pub(crate) async fn delete_policy(self) -> Result<(), Error> {
        let data_plane = self.data_plane(Right::Delete);
        let budget = self.registry.budget();
        data_plane
            .delete_repository(budget, POLICY_REPOSITORY)
            .await?;
        self.progress.record(ProgressEvent::PolicyDeleted);
        Ok(())
    }

    /// Records that the role assignment with this key exists.
    pub(crate) fn record_assignment(self, key: &str, id: &str) {
        self.progress.record(ProgressEvent::RoleAssigned(key, id));
    }

    /// Deletes the role assignment with this key.
    pub(crate) async fn revoke(self, key: &str, id: &str) -> Result<(), Error> {
        self.registry.delete_role_assignment(id).await?;
        self.progress.record(ProgressEvent::RoleRevoked(key));
        Ok(())
    }

    /// If the outcome of a write is unknown, something may exist that Azure has not reported. Then there
    /// must be a record, so that the next refresh or destroy checks for it.
    pub(crate) fn record_doubt(self, error: &Error) {
        if error.may_have_been_done() {
            self.progress.record(ProgressEvent::InDoubt);
        }
    }
}

/// Returns the errors among the results.
pub(crate) fn failed(outcomes: impl IntoIterator<Item = Result<(), Error>>) -> Vec<Error> {
    outcomes.into_iter().filter_map(Result::err).collect()
}
