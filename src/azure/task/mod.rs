//! Reads, creates, updates and deletes a registry's tasks.

mod body;

use http::Method;

use crate::azure::poll::{Accepted, Polling, StatusSource, Until};
use crate::azure::{Error, Operation, OperationKind, RegistryClient, absence, arm};
use crate::http::Request;

#[cfg(test)]
pub(crate) use body::SetValue;
pub(crate) use body::{
    AgentConfiguration, Credentials, CustomRegistry, Identity, Platform, SourceRegistry, Step,
    Task, TaskBody, TaskPatch, TaskProperties, TimerTrigger, Trigger,
};

/// The API version for tasks and runs. It is the first in which a task can log in to its own registry
/// with its identity (`credentials.sourceRegistry.identity`). Registries with ABAC or restricted network
/// access need that.
pub(crate) const API_VERSION: &str = "2025-03-01-preview";

impl RegistryClient {
    /// Lists all tasks of the registry that can be read.
    ///
    /// # Errors
    /// Not found if the registry doesn't exist, [`Error::Decode`] if a task that `is_needed` can't be read,
    /// or any request error.
    pub(crate) async fn list_tasks(
        &self,
        is_needed: impl Fn(&str) -> bool,
    ) -> Result<Vec<Task>, Error> {
        let operation = Operation::new(OperationKind::ListTasks, self.id.to_string());
        let id = format!("{}/tasks", self.id);
        let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
        self.azure
            .arm_list(&self.budget, &operation, url, is_needed)
            .await
    }

    /// Returns a task, or `None` if it or the registry doesn't exist.
    pub(crate) async fn get_task_opt(&self, name: &str) -> Result<Option<Task>, Error> {
        arm::found(self.get_task(name).await)
    }

    /// Reads a task.
    ///
    /// # Errors
    /// Any request error, also that the task doesn't exist.
    pub(crate) async fn get_task(&self, name: &str) -> Result<Task, Error> {
        let operation = Operation::new(OperationKind::ReadTask, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        self.azure.arm_get(&self.budget, &operation, url).await
    }

    /// Creates or replaces a task, and returns once Azure has accepted it. From then on the task exists,
    /// even if something fails later. [`Self::wait_task`] waits until it is ready.
    ///
    /// # Errors
    /// Any request error. If the connection was lost, the task may exist anyway.
    pub(crate) async fn start_put_task(
        &self,
        name: &str,
        body: &TaskBody,
    ) -> Result<Accepted<Task>, Error> {
        let operation = Operation::new(OperationKind::CreateTask, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        let request = Request::new(Method::PUT, url).json(body);
        self.accept_task(&operation, request).await
    }

    /// Waits until Azure has finished with a task.
    ///
    /// # Errors
    /// [`Error::Failed`] if the operation failed, or any request error.
    pub(crate) async fn wait_task(&self, accepted: Accepted<Task>) -> Result<Task, Error> {
        let operation = Operation::new(OperationKind::WaitForTask, accepted.resource.id.clone());
        self.wait_until_ready(&operation, accepted).await
    }

    /// Starts to update the properties in the patch, and returns once Azure has accepted it.
    /// [`Self::wait_task`] waits until the task is ready.
    ///
    /// # Errors
    /// Not found if the task doesn't exist, or any request error.
    pub(crate) async fn start_patch_task(
        &self,
        name: &str,
        patch: &TaskPatch,
    ) -> Result<Accepted<Task>, Error> {
        let operation = Operation::new(OperationKind::UpdateTask, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        let request = Request::new(Method::PATCH, url).json(patch);
        self.accept_task(&operation, request).await
    }

    /// Starts to delete a task, and returns once Azure has accepted it. Returns where to read the status, or
    /// [`None`] if the task doesn't exist.
    pub(crate) async fn start_delete_task(&self, name: &str) -> Result<Option<Polling>, Error> {
        let operation = Operation::new(OperationKind::DeleteTask, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        let answer = self.azure.arm_delete(&self.budget, &operation, url).await?;
        if matches!(answer.status.as_u16(), 204 | 404) {
            return Ok(None);
        }
        self.azure.polling(&operation, &answer).map(Some)
    }

    /// Deletes a task and waits until it is gone. A missing task is not an error.
    pub(crate) async fn delete_task(&self, name: &str) -> Result<(), Error> {
        let Some(polling) = self.start_delete_task(name).await? else {
            return Ok(());
        };
        if polling == Polling::resource() && self.is_task_gone(name).await? {
            return Ok(());
        }
        self.wait_task_gone(name, polling).await
    }

    /// Looks once whether a task is gone whose deletion Azure has accepted.
    pub(crate) async fn is_task_gone(&self, name: &str) -> Result<bool, Error> {
        let operation = Operation::new(OperationKind::WaitForTaskDeletion, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        let request = Request::new(Method::GET, url);
        let answer = self
            .azure
            .arm_once(&self.budget, &operation, request)
            .await?;
        Ok(absence::is_gone(&answer))
    }

    /// Waits until a task that Azure is already deleting is gone. If Azure doesn't begin to delete it, asks again.
    ///
    /// # Errors
    /// [`Error::Failed`] if the deletion failed, or any request error.
    pub(crate) async fn wait_task_gone(
        &self,
        name: &str,
        mut polling: Polling,
    ) -> Result<(), Error> {
        let operation = Operation::new(OperationKind::WaitForTaskDeletion, self.id.task_id(name));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        loop {
            let last = self
                .azure
                .wait_until(&self.budget, &operation, &url, polling, Until::Deleted)
                .await?;
            if absence::is_gone(&last) {
                return Ok(());
            }
            match self.start_delete_task(name).await? {
                Some(again) => polling = again,
                None => return Ok(()),
            }
        }
    }

    async fn accept_task(
        &self,
        operation: &Operation,
        request: Request,
    ) -> Result<Accepted<Task>, Error> {
        let answer = self.azure.arm(&self.budget, operation, request).await?;
        Ok(Accepted {
            resource: arm::decode(operation, &answer)?,
            polling: self.azure.polling(operation, &answer)?,
        })
    }

    async fn wait_until_ready(
        &self,
        operation: &Operation,
        accepted: Accepted<Task>,
    ) -> Result<Task, Error> {
        let Accepted {
            resource: task,
            polling,
        } = accepted;
        if polling.source == StatusSource::Resource && task.is_ready() {
            return Ok(task);
        }
        let url = arm::url(self.azure.cloud(), &task.id, API_VERSION, &[]);
        let answer = self
            .azure
            .wait_until(&self.budget, operation, &url, polling, Until::Ready)
            .await?;
        arm::decode(operation, &answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::*;
    use crate::azure::testing::{registry, registry_client};
    use crate::http::Stopped;
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, recorded, reply};

    const NAME: &str = "cssc-patch-image";

    fn task(state: &str) -> Value {
        value!({
            "id": registry().task_id(NAME),
            "name": NAME,
            "location": "westus",
            "properties": {"provisioningState": state},
        })
    }

    fn body() -> TaskBody {
        TaskBody {
            location: "westus".to_owned(),
            identity: None,
            tags: std::collections::BTreeMap::new(),
            properties: TaskProperties::default(),
        }
    }

    #[tokio::test]
    async fn lists_the_recorded_tasks() {
        let answer = recorded(include_str!(
            "../../../tests/golden/recorded/tasks-list.json"
        ));
        let transport = ScriptedTransport::default().on(Method::GET, "/tasks?", answer);
        let tasks = registry_client(&transport)
            .list_tasks(|_| true)
            .await
            .unwrap();
        assert_eq!(tasks.len(), 3);
        let trigger = &tasks[1];
        let timers = &trigger.properties.trigger.as_ref().unwrap().timer_triggers;
        assert_eq!(timers[0].schedule, "18 18 */1 * *");
        let principal = trigger.identity.as_ref().unwrap().principal_id.as_deref();
        assert_eq!(principal, Some("4d396699-cc25-49d3-b4c5-30611ef874a5"));
        assert_eq!(
            transport.story(),
            [format!(
                "GET https://management.azure.com{}/tasks?api-version=2025-03-01-preview",
                registry()
            )]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_task_is_none() {
        let there = recorded(include_str!("../../../tests/golden/recorded/task-get.json"));
        let not = recorded(include_str!(
            "../../../tests/golden/recorded/task-get-404.json"
        ));
        let transport = ScriptedTransport::default()
            .on(Method::GET, NAME, there)
            .on(Method::GET, NAME, not.clone())
            .on(Method::GET, NAME, not);
        let azure = registry_client(&transport);
        let task = azure.get_task_opt(NAME).await.unwrap().unwrap();
        assert!(task.is_ready() && task.identity.is_none());
        assert_eq!(azure.get_task_opt(NAME).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_exists_before_it_is_ready() {
        let transport = ScriptedTransport::default()
            .on(Method::PUT, NAME, json(201, &task("Creating")))
            .on(Method::GET, NAME, json(200, &task("Creating")))
            .on(Method::GET, NAME, json(200, &task("Succeeded")));
        let azure = registry_client(&transport);
        let accepted = azure.start_put_task(NAME, &body()).await.unwrap();
        assert_eq!(accepted.resource.id, registry().task_id(NAME));
        assert_eq!(transport.requests().len(), 1);
        assert!(azure.wait_task(accepted).await.unwrap().is_ready());
        transport.assert_done();
    }

    #[tokio::test]
    async fn a_task_that_is_ready_at_once_is_not_read_again() {
        let transport =
            ScriptedTransport::default().on(Method::PUT, NAME, json(200, &task("Succeeded")));
        let azure = registry_client(&transport);
        let accepted = azure.start_put_task(NAME, &body()).await.unwrap();
        let put = azure.wait_task(accepted).await;
        assert!(put.unwrap().is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_task_is_an_error() {
        let transport = ScriptedTransport::default()
            .on(Method::PATCH, NAME, json(200, &task("Updating")))
            .on(Method::GET, NAME, json(200, &task("Failed")));
        let azure = registry_client(&transport);
        let accepted = azure.start_patch_task(NAME, &TaskPatch::default()).await;
        let patched = azure.wait_task(accepted.unwrap()).await;
        let Err(Error::Failed {
            operation, state, ..
        }) = patched
        else {
            panic!("a failed operation expected, got {patched:?}");
        };
        assert_eq!(
            (operation.kind, state.as_str()),
            (OperationKind::WaitForTask, "Failed")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_wait_sends_no_more_requests() {
        let transport =
            ScriptedTransport::default().on(Method::PUT, NAME, json(201, &task("Creating")));
        let azure = registry_client(&transport);
        let accepted = azure.start_put_task(NAME, &body()).await.unwrap();
        azure.budget().cancelled.cancel();
        let error = azure.wait_task(accepted).await.unwrap_err();
        assert!(matches!(
            error,
            Error::Stopped {
                why: Stopped::Cancelled,
                ..
            }
        ));
        assert_eq!(transport.requests().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_waits_until_the_task_is_gone() {
        let transport = ScriptedTransport::default()
            .on(Method::DELETE, NAME, reply(202))
            .on(Method::GET, NAME, json(200, &task("Deleting")))
            .on(Method::GET, NAME, absent("ResourceNotFound"))
            .on(Method::DELETE, NAME, reply(204));
        let azure = registry_client(&transport);
        azure.delete_task(NAME).await.unwrap();
        azure.delete_task(NAME).await.unwrap();
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_azure_does_not_begin_is_repeated() {
        let unchanged = json(200, &task("Succeeded"));
        let mut transport = ScriptedTransport::default().on(Method::DELETE, NAME, reply(200));
        for _ in 0..9 {
            transport = transport.on(Method::GET, NAME, unchanged.clone());
        }
        let transport = transport.on(Method::DELETE, NAME, reply(202)).on(
            Method::GET,
            NAME,
            absent("ResourceNotFound"),
        );
        registry_client(&transport).delete_task(NAME).await.unwrap();
        transport.assert_done();
    }
}
