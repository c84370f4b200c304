//! Lists, queues and cancels the runs of a registry's tasks.
//!
//! # Layout
//! - [`Run`] and the requests about runs (this file)
//! - [`log`]: the log of a run

pub(crate) mod log;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::azure::id::name_of;
use crate::azure::task::API_VERSION;
use crate::azure::{Error, Operation, OperationKind, RegistryClient, arm};
use crate::http::{Effect, Request};

/// A run of a task.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct Run {
    /// The resource ID.
    pub(crate) id: String,
    /// The ID within the registry, such as `cf2`.
    pub(crate) run_id: String,
    /// The status.
    pub(crate) status: RunStatus,
    /// The task's name or ID, if Azure gives it.
    pub(crate) task: Option<String>,
    /// The time at which it was queued, in RFC 3339.
    pub(crate) create_time: Option<String>,
    /// The time at which it started, in RFC 3339.
    pub(crate) start_time: Option<String>,
    /// The time at which it ended, in RFC 3339.
    pub(crate) finish_time: Option<String>,
    /// Why it failed, if Azure knows.
    pub(crate) error_message: Option<String>,
}

/// The status of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum RunStatus {
    /// It waits for an agent.
    Queued,
    /// It has an agent.
    Started,
    /// It is running.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// A user or a client cancelled it.
    Canceled,
    /// The service failed to run it.
    Error,
    /// It exceeded its timeout.
    Timeout,
    /// A status that the provider doesn't know.
    Other(String),
}

impl RunStatus {
    /// Whether it can still be cancelled.
    #[must_use]
    pub(crate) fn is_active(&self) -> bool {
        matches!(self, Self::Queued | Self::Started | Self::Running)
    }
}

impl RegistryClient {
    /// Lists the queued, started and running runs of the tasks with these names.
    ///
    /// # Errors
    /// Not found if the registry doesn't exist, or any request error.
    pub(crate) async fn list_active_runs(&self, tasks: &[&str]) -> Result<Vec<Run>, Error> {
        const ACTIVE: &str = "Status in ('Queued','Started','Running')";
        let mut runs = self.list_runs(tasks, ACTIVE).await?;
        runs.retain(|run| run.status.is_active());
        Ok(runs)
    }

    /// Lists the runs of the tasks with these names that were queued at `since` or later, newest first.
    ///
    /// # Errors
    /// Same as [`RegistryClient::list_active_runs`].
    pub(crate) async fn list_runs_since(
        &self,
        tasks: &[&str],
        since: Timestamp,
    ) -> Result<Vec<Run>, Error> {
        let since = format!("createTime ge {}", since.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let mut runs = self.list_runs(tasks, &since).await?;
        runs.sort_by_key(|run| std::cmp::Reverse(run.created()));
        Ok(runs)
    }

    async fn list_runs(&self, tasks: &[&str], and: &str) -> Result<Vec<Run>, Error> {
        let operation = Operation::new(OperationKind::ListRuns, self.id.to_string());
        let id = format!("{}/runs", self.id);
        let filter = format!("{} and {and}", of_tasks(tasks));
        let url = arm::url(
            self.azure.cloud(),
            &id,
            API_VERSION,
            &[("$filter", &filter)],
        );
        let mut runs: Vec<Run> = self
            .azure
            .arm_list(&self.budget, &operation, url, |_| false)
            .await?;
        // Runs in this list may get cancelled. Only runs of these tasks may remain, whatever Azure's
        // filter returns.
        runs.retain(|run| tasks.iter().any(|task| run.is_of(task)));
        Ok(runs)
    }

    /// Queues a run of the task with this name. The request is sent once, because sending it twice would
    /// queue two runs.
    ///
    /// # Errors
    /// Any request error. If the connection was lost, the run may be queued anyway.
    pub(crate) async fn schedule_run(&self, task: &str) -> Result<Run, Error> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all_fields = "camelCase")]
        enum Schedule<'a> {
            TaskRunRequest { task_id: &'a str },
        }

        let task_id = &self.id.task_id(task);
        let operation = Operation::new(OperationKind::QueueRun, task_id.clone());
        let id = format!("{}/scheduleRun", self.id);
        let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
        let request = Request::new(Method::POST, url).json(&Schedule::TaskRunRequest { task_id });
        let answer = self.azure.arm(&self.budget, &operation, request).await?;
        arm::decode(&operation, &answer)
    }

    /// Returns a run by its ID within the registry.
    ///
    /// # Errors
    /// Not found, or any request error.
    pub(crate) async fn get_run(&self, run_id: &str) -> Result<Run, Error> {
        let operation = Operation::new(OperationKind::ReadRun, self.id.run_id(run_id));
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        self.azure.arm_get(&self.budget, &operation, url).await
    }

    /// Cancels a run by its ID within the registry. It returns once Azure has accepted the cancellation.
    ///
    /// # Errors
    /// A conflict if the run has already ended, not found if Azure doesn't know it, or any request error.
    pub(crate) async fn cancel_run(&self, run_id: &str) -> Result<(), Error> {
        let operation = Operation::new(OperationKind::CancelRun, self.id.run_id(run_id));
        let id = format!("{}/cancel", operation.id);
        let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
        let request = Request::new(Method::POST, url).effect(Effect::Repeatable);
        let accepted = self.azure.arm(&self.budget, &operation, request).await;
        accepted.map(|_| ())
    }
}

impl Run {
    /// When the run was queued. [`None`] if Azure doesn't give a valid time.
    #[must_use]
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.create_time.as_deref()?.parse().ok()
    }

    /// Whether it is a run of the task with this name.
    #[must_use]
    pub(crate) fn is_of(&self, task: &str) -> bool {
        let name = self.task.as_deref().map(name_of);
        name.is_some_and(|name| name.eq_ignore_ascii_case(task))
    }
}

fn of_tasks(tasks: &[&str]) -> String {
    let names: Vec<_> = tasks.iter().map(|task| format!("'{task}'")).collect();
    format!("TaskName in ({})", names.join(","))
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    run_id: String,
    status: RunStatus,
    task: Option<String>,
    create_time: Option<String>,
    start_time: Option<String>,
    finish_time: Option<String>,
    run_error_message: Option<String>,
}

impl From<Wire> for Run {
    fn from(wire: Wire) -> Self {
        let it = wire.properties;
        Self {
            id: wire.id,
            run_id: it.run_id,
            status: it.status,
            task: it.task,
            create_time: it.create_time,
            start_time: it.start_time,
            finish_time: it.finish_time,
            error_message: it.run_error_message,
        }
    }
}

impl From<String> for RunStatus {
    fn from(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "queued" => Self::Queued,
            "started" => Self::Started,
            "running" => Self::Running,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            "error" => Self::Error,
            "timeout" => Self::Timeout,
            _ => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::*;
    use crate::azure::testing::{registry, registry_client};
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    fn run(id: &str, task: &str, status: &str) -> Value {
        let properties = value!({"runId": id, "task": task, "status": status});
        value!({"id": registry().run_id(id), "properties": properties})
    }

    #[tokio::test]
    async fn lists_only_active_runs_of_the_given_tasks() {
        let page = value!({"value": [
            run("cf1", "cssc-scan-image", "Running"),
            run("cf2", "cssc-scan-image", "Succeeded"),
            run("cf3", "somebody-elses", "Running"),
            run("cf4", &registry().task_id("cssc-patch-image"), "queued"),
        ]});
        let transport = ScriptedTransport::default().on(Method::GET, "/runs?", json(200, &page));
        let tasks = ["cssc-scan-image", "cssc-patch-image"];
        let azure = registry_client(&transport);
        let runs = azure.list_active_runs(&tasks).await.unwrap();
        let ids: Vec<_> = runs.iter().map(|run| run.run_id.as_str()).collect();
        assert_eq!(ids, ["cf1", "cf4"]);
        insta::assert_snapshot!(
            filter_of(&transport),
            @"TaskName in ('cssc-scan-image','cssc-patch-image') and Status in ('Queued','Started','Running')"
        );
    }

    /// Returns the filter of the only list request.
    fn filter_of(transport: &ScriptedTransport) -> String {
        let url = transport.requests().remove(0).url;
        let filter = url.query_pairs().find(|(name, _)| name == "$filter");
        filter.unwrap().1.into_owned()
    }

    #[tokio::test]
    async fn lists_runs_since_a_time_newest_first() {
        let at = |id: &str, time: &str| {
            let mut run = run(id, "cssc-scan-image", "Succeeded");
            run["properties"]["createTime"] = time.into();
            run
        };
        let page = value!({"value": [
            at("cf1", "2026-06-01T02:30:00.1234567+00:00"),
            at("cf3", "2026-06-03T02:30:00Z"),
            at("cf2", "2026-06-02T02:30:00.0000000+00:00"),
        ]});
        let transport = ScriptedTransport::default().on(Method::GET, "/runs?", json(200, &page));
        let since = "2026-05-25T10:11:12.9Z".parse().unwrap();
        let runs = registry_client(&transport)
            .list_runs_since(&["cssc-scan-image"], since)
            .await
            .unwrap();
        let ids: Vec<_> = runs.iter().map(|run| run.run_id.as_str()).collect();
        assert_eq!(ids, ["cf3", "cf2", "cf1"]);
        insta::assert_snapshot!(
            filter_of(&transport),
            @"TaskName in ('cssc-scan-image') and createTime ge 2026-05-25T10:11:12Z"
        );
    }

    #[tokio::test]
    async fn a_failed_queue_request_is_not_retried() {
        let transport = ScriptedTransport::default()
            .on(
                Method::POST,
                "/scheduleRun?",
                json(202, &run("cf1", "t", "Queued")),
            )
            .on(Method::POST, "/scheduleRun?", reply(500));
        let azure = registry_client(&transport);
        let queued = azure.schedule_run("t").await.unwrap();
        assert_eq!(queued.status, RunStatus::Queued);
        insta::assert_snapshot!(
            String::from_utf8_lossy(&transport.requests()[0].body),
            @r#"{"type":"TaskRunRequest","taskId":"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cli_test_acrcssc000001/providers/Microsoft.ContainerRegistry/registries/cli000002/tasks/t"}"#
        );
        assert!(azure.schedule_run("t").await.is_err());
        assert_eq!(transport.requests().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_accepted_cancellation_is_a_success() {
        let transport = ScriptedTransport::default()
            .on(Method::POST, "/runs/cf1/cancel?", reply(202))
            .twice(Method::POST, "/runs/cf2/cancel?", reply(404))
            .on(Method::POST, "/runs/cf3/cancel?", reply(409));
        let azure = registry_client(&transport);
        azure.cancel_run("cf1").await.unwrap();
        let unknown = azure.cancel_run("cf2").await;
        assert!(unknown.unwrap_err().is_not_found());
        let ended = azure.cancel_run("cf3").await;
        assert!(ended.unwrap_err().is_conflict());
    }
}
