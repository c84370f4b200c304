//! Azure at one registry, within the budget of one operation.

use jiff::Timestamp;

use crate::azure::acr::AcrClient;
use crate::azure::cache_rule::CacheRule;
use crate::azure::registry::Registry;
use crate::azure::role_assignment::{RoleAssignment, RoleAssignmentBody};
use crate::azure::run::Run;
use crate::azure::run::log::RunLog;
use crate::azure::task::{Task, TaskBody, TaskPatch};
use crate::azure::{Accepted, Azure, Error, RegistryId};
use crate::http::Budget;

/// Azure at one registry: every request is about that registry, and asks the same budget first.
#[derive(Clone, Debug)]
pub(crate) struct RegistryClient {
    azure: Azure,
    budget: Budget,
    id: RegistryId,
}

impl RegistryClient {
    /// Azure at the registry with this ID, for as long as the budget lasts.
    pub(crate) fn new(azure: Azure, budget: Budget, id: RegistryId) -> Self {
        Self { azure, budget, id }
    }

    /// The registry's ID.
    pub(crate) fn id(&self) -> &RegistryId {
        &self.id
    }

    /// What the requests may spend.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The registry's data plane, by the login server that Resource Manager gives for it.
    pub(crate) fn data_plane(&self, login_server: &str) -> AcrClient {
        self.azure.acr(login_server)
    }

    /// The registry itself. Errors as of [`Azure::get_registry`].
    pub(crate) async fn get(&self) -> Result<Registry, Error> {
        self.azure.get_registry(&self.budget, &self.id).await
    }

    /// The registry's cache rules. Errors as of [`Azure::list_cache_rules`].
    pub(crate) async fn list_cache_rules(&self) -> Result<Vec<CacheRule>, Error> {
        self.azure.list_cache_rules(&self.budget, &self.id).await
    }

    /// All tasks. Errors as of [`Azure::list_tasks`].
    pub(crate) async fn list_tasks(&self) -> Result<Vec<Task>, Error> {
        self.azure.list_tasks(&self.budget, &self.id).await
    }

    /// A task; [`None`] where it is not found. Errors as of [`Azure::get_task_opt`].
    pub(crate) async fn get_task_opt(&self, name: &str) -> Result<Option<Task>, Error> {
        self.azure.get_task_opt(&self.budget, &self.id, name).await
    }

    /// Begins to create or replace a task. Errors as of [`Azure::start_put_task`].
    pub(crate) async fn start_put_task(
        &self,
        name: &str,
        body: &TaskBody,
    ) -> Result<Accepted<Task>, Error> {
        let started = self
            .azure
            .start_put_task(&self.budget, &self.id, name, body);
        started.await
    }

    /// Waits until Azure has finished with a task. Errors as of [`Azure::wait_task`].
    pub(crate) async fn wait_task(&self, accepted: Accepted<Task>) -> Result<Task, Error> {
        self.azure.wait_task(&self.budget, accepted).await
    }

    /// Changes what the patch names. Errors as of [`Azure::patch_task`].
    pub(crate) async fn patch_task(&self, name: &str, patch: &TaskPatch) -> Result<Task, Error> {
        let patched = self.azure.patch_task(&self.budget, &self.id, name, patch);
        patched.await
    }

    /// Deletes a task, and waits until it is gone. Errors as of [`Azure::delete_task`].
    pub(crate) async fn delete_task(&self, name: &str) -> Result<(), Error> {
        self.azure.delete_task(&self.budget, &self.id, name).await
    }

    /// Waits until a task is gone that Azure is deleting. Errors as of [`Azure::wait_task_gone`].
    pub(crate) async fn wait_task_gone(&self, name: &str) -> Result<(), Error> {
        let gone = self.azure.wait_task_gone(&self.budget, &self.id, name);
        gone.await
    }

    /// The role assignments at the registry. Errors as of [`Azure::list_role_assignments`].
    pub(crate) async fn list_role_assignments(&self) -> Result<Vec<RoleAssignment>, Error> {
        let scope = self.id.to_string();
        let listed = self.azure.list_role_assignments(&self.budget, &scope);
        listed.await
    }

    /// The role assignment of this name. Errors as of [`Azure::get_role_assignment_opt`].
    pub(crate) async fn get_role_assignment_opt(
        &self,
        name: &str,
    ) -> Result<Option<RoleAssignment>, Error> {
        let scope = self.id.to_string();
        let found = self
            .azure
            .get_role_assignment_opt(&self.budget, &scope, name);
        found.await
    }

    /// Creates a role assignment. Errors as of [`Azure::put_role_assignment`].
    pub(crate) async fn put_role_assignment(
        &self,
        name: &str,
        body: &RoleAssignmentBody,
    ) -> Result<RoleAssignment, Error> {
        let scope = self.id.to_string();
        let put = self
            .azure
            .put_role_assignment(&self.budget, &scope, name, body);
        put.await
    }

    /// Deletes a role assignment. Errors as of [`Azure::delete_role_assignment`].
    pub(crate) async fn delete_role_assignment(&self, id: &str) -> Result<(), Error> {
        self.azure.delete_role_assignment(&self.budget, id).await
    }

    /// Queues a run of a task, by its name. Errors as of [`Azure::schedule_run`].
    pub(crate) async fn schedule_run(&self, task: &str) -> Result<Run, Error> {
        let task = self.id.task_id(task);
        self.azure.schedule_run(&self.budget, &self.id, &task).await
    }

    /// A run. Errors as of [`Azure::get_run`].
    pub(crate) async fn get_run(&self, run_id: &str) -> Result<Run, Error> {
        self.azure.get_run(&self.budget, &self.id, run_id).await
    }

    /// Cancels a run. Errors as of [`Azure::cancel_run`].
    pub(crate) async fn cancel_run(&self, run_id: &str) -> Result<(), Error> {
        self.azure.cancel_run(&self.budget, &self.id, run_id).await
    }

    /// The active runs of some tasks, by name. Errors as of [`Azure::list_active_runs`].
    pub(crate) async fn list_active_runs(&self, tasks: &[&str]) -> Result<Vec<Run>, Error> {
        let active = self.azure.list_active_runs(&self.budget, &self.id, tasks);
        active.await
    }

    /// The runs of some tasks, by name, since a moment. Errors as of [`Azure::list_runs_since`].
    pub(crate) async fn list_runs_since(
        &self,
        tasks: &[&str],
        since: Timestamp,
    ) -> Result<Vec<Run>, Error> {
        let azure = &self.azure;
        let runs = azure.list_runs_since(&self.budget, &self.id, tasks, since);
        runs.await
    }

    /// The log of a run, to be read with [`RegistryClient::budget`].
    pub(crate) fn run_log(&self, run_id: &str) -> RunLog {
        self.azure.run_log(&self.id, run_id)
    }
}
