//! Polls long-running operations until they end.
//!
//! Azure gives the status URL in `Azure-AsyncOperation`, or in the `Location` of a 202. Without either
//! header, the resource's `provisioningState` is the status, and a 404 ends a deletion. The last poll
//! always reads the resource, because its final state is the result.

mod poll_status;

use std::time::Duration;

use http::header::LOCATION;
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::azure::poll::poll_status::{PollStatus, pause_of, poll_status};
use crate::azure::{Azure, Error, Operation};
use crate::http::{Budget, Request, Response, retry};

/// A resource that Azure has accepted but may still be working on.
#[derive(Clone, Debug)]
pub(crate) struct Accepted<T> {
    /// The resource at the time of the answer. Its ID is already final.
    pub(crate) resource: T,
    pub(crate) polling: Polling,
}

/// Where to read the status next, and the pause that Azure asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Polling {
    pub(crate) source: StatusSource,
    pub(crate) pause: Option<Duration>,
}

/// The source of an operation's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StatusSource {
    /// A URL that returns the operation's record with a `status`.
    Operation(Url),
    /// A URL that answers 202 until the operation ends.
    Location(Url),
    /// The resource itself.
    Resource,
}

/// How many polls in a row may show a resource without its deletion, about ten seconds. Then Azure has probably
/// dropped the deletion.
const UNCHANGED: u32 = 8;

/// How an operation should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The resource is ready.
    Ready,
    /// The resource no longer exists.
    Deleted,
}

impl Polling {
    /// Polls the resource itself.
    pub(crate) fn resource() -> Self {
        Self {
            source: StatusSource::Resource,
            pause: None,
        }
    }
}

impl Azure {
    /// Returns where to poll after the answer to a PUT, PATCH or DELETE.
    pub(crate) fn polling(
        &self,
        operation: &Operation,
        answer: &Response,
    ) -> Result<Polling, Error> {
        let link = |name| {
            answer
                .header(name)
                .map(|link| self.arm_link(operation, link))
        };
        let location = || {
            // With any other status, `Location` is only the resource's URL.
            let working = answer.status == StatusCode::ACCEPTED;
            working.then(|| link(LOCATION.as_str())).flatten()
        };
        let source = match link("azure-asyncoperation") {
            Some(url) => StatusSource::Operation(url?),
            None => location()
                .transpose()?
                .map_or(StatusSource::Resource, StatusSource::Location),
        };
        Ok(Polling {
            source,
            pause: retry::retry_after(answer),
        })
    }

    /// Waits until an operation ends, and returns the last read of the resource. If that still shows the resource
    /// after a deletion, Azure has accepted the deletion and not begun it.
    pub(crate) async fn wait_until(
        &self,
        budget: &Budget,
        operation: &Operation,
        resource: &Url,
        polling: Polling,
        until: Until,
    ) -> Result<Response, Error> {
        let Polling {
            mut source,
            pause: asked,
        } = polling;
        let (mut polls, mut missing, mut unchanged) = (0, 0, 0);
        let mut pause = pause_of(polls, asked);
        let first = Instant::now();
        loop {
            if !pause.is_zero() {
                let seconds = first.elapsed().as_secs();
                tracing::info!(%operation, seconds, "waiting until Azure has carried it out");
            }
            let slept = budget.sleep(pause).await;
            slept.map_err(|why| Error::stopped(operation, why))?;
            polls += 1;

            let address = match &source {
                StatusSource::Operation(url) | StatusSource::Location(url) => url,
                StatusSource::Resource => resource,
            };
            let request = Request::new(Method::GET, address.clone());
            let answer = self.arm_once(budget, operation, request).await?;
            pause = pause_of(polls, retry::retry_after(&answer));
            missing = match answer.status {
                StatusCode::NOT_FOUND => missing + 1,
                _ => 0,
            };
            let status = poll_status(&source, until, missing, &answer);
            unchanged = match status {
                PollStatus::Unchanged => unchanged + 1,
                _ => 0,
            };
            match status {
                PollStatus::Unchanged if unchanged == UNCHANGED => return Ok(answer),
                PollStatus::Running | PollStatus::Unchanged => {}
                PollStatus::Done if source == StatusSource::Resource => return Ok(answer),
                PollStatus::Done => {
                    source = StatusSource::Resource;
                    pause = Duration::ZERO;
                    polls = 0;
                }
                PollStatus::Failed {
                    state,
                    code,
                    message,
                } => {
                    let operation = operation.clone();
                    return Err(Error::Failed {
                        operation,
                        state,
                        code,
                        message,
                    });
                }
                PollStatus::Refused => return Err(Error::refused(operation, &answer)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};
    use tokio::time::Instant;

    use super::*;
    use crate::azure::OperationKind;
    use crate::azure::arm;
    use crate::azure::poll::poll_status::PATIENCE;
    use crate::azure::testing::{azure, minute};
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};

    const WATCH: &str = "https://management.azure.com/operations/1";

    fn creating() -> Operation {
        Operation::new(OperationKind::CreateTask, "/t")
    }

    fn state(state: &str) -> Value {
        value!({"properties": {"provisioningState": state}})
    }

    async fn wait_until(
        transport: &ScriptedTransport,
        accepted: &Response,
        until: Until,
    ) -> Result<Response, Error> {
        let azure = azure(transport);
        let resource = arm::url(azure.cloud(), "/t", "1", &[]);
        let polling = azure.polling(&creating(), accepted)?;
        azure
            .wait_until(&minute(), &creating(), &resource, polling, until)
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn polls_the_resource_if_there_is_no_status_url() {
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/t?", reply(404))
            .on(Method::GET, "/t?", json(200, &state("Creating")))
            .on(Method::GET, "/t?", json(200, &state("Succeeded")));
        let start = Instant::now();
        wait_until(&transport, &reply(201), Until::Ready)
            .await
            .unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(200 + 300 + 450));
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn polls_the_operation_before_the_resource() {
        let accepted = reply(201)
            .with("azure-asyncoperation", WATCH)
            .with("location", "https://management.azure.com/elsewhere")
            .with("retry-after", "3");
        let transport = ScriptedTransport::default()
            .on(
                Method::GET,
                "/operations/1",
                json(200, &value!({"status": "InProgress"})).with("retry-after", "4"),
            )
            .on(
                Method::GET,
                "/operations/1",
                json(200, &value!({"status": "Succeeded"})),
            )
            .on(Method::GET, "/t?", json(200, &state("Succeeded")));
        let start = Instant::now();
        wait_until(&transport, &accepted, Until::Ready)
            .await
            .unwrap();
        assert!(
            start.elapsed() >= Duration::from_secs(7) && start.elapsed() < Duration::from_secs(8)
        );
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_after_of_zero_keeps_the_default_pauses() {
        let at_once = |response: Response| response.with("retry-after", "0");
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/t?", at_once(json(200, &state("Creating"))))
            .on(Method::GET, "/t?", at_once(json(200, &state("Creating"))))
            .on(Method::GET, "/t?", json(200, &state("Succeeded")));
        let start = Instant::now();
        let accepted = at_once(reply(201));
        wait_until(&transport, &accepted, Until::Ready)
            .await
            .unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(200 + 300 + 450));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_operation_has_a_code_and_a_message() {
        let failed = value!({
            "status": "Failed",
            "error": {"code": "TaskQuota", "message": "too many tasks"},
        });
        let accepted = reply(202).with("azure-asyncoperation", WATCH);
        let transport =
            ScriptedTransport::default().on(Method::GET, "/operations/1", json(200, &failed));
        let error = wait_until(&transport, &accepted, Until::Ready)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("TaskQuota"));
        insta::assert_snapshot!(error, @"creating task /t: ended as Failed: TaskQuota: too many tasks");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_ends_when_the_resource_is_gone() {
        let accepted = reply(202).with("location", WATCH);
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/operations/1", reply(202))
            .on(Method::GET, "/operations/1", reply(204))
            .on(Method::GET, "/t?", json(200, &state("Succeeded")))
            .on(Method::GET, "/t?", json(200, &state("Deleting")))
            .on(Method::GET, "/t?", absent("ResourceNotFound"));
        assert_eq!(
            wait_until(&transport, &accepted, Until::Deleted)
                .await
                .unwrap()
                .status,
            404
        );
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_resource_that_never_appears_is_an_error() {
        let mut transport = ScriptedTransport::default();
        for _ in 0..PATIENCE {
            transport = transport.on(Method::GET, "/t?", reply(404));
        }
        let error = wait_until(&transport, &reply(201), Until::Ready)
            .await
            .unwrap_err();
        assert!(error.is_not_found());
    }

    #[tokio::test(start_paused = true)]
    async fn polling_ends_at_the_deadline() {
        let mut transport = ScriptedTransport::default();
        for _ in 0..30 {
            transport = transport.on(Method::GET, "/t?", json(200, &state("Creating")));
        }
        let error = wait_until(&transport, &reply(201), Until::Ready)
            .await
            .unwrap_err();
        insta::assert_snapshot!(error, @"creating task /t: the operation timed out");
    }

    #[test]
    fn a_status_url_on_another_host_is_an_error() {
        let azure = azure(&ScriptedTransport::default());
        let accepted = reply(202).with("azure-asyncoperation", "https://evil.example/1");
        assert!(azure.polling(&creating(), &accepted).is_err());
    }
}
