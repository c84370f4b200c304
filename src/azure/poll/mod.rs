//! Long-running operations: where to look, and the loop that looks until they have ended.
//!
//! Azure names the place to look at in `Azure-AsyncOperation`, else in `Location`; without either, the
//! resource itself tells by its `provisioningState`, and a deletion by being gone. Whatever was watched,
//! the resource is read last: its final state is the result.

mod poll_status;

use std::time::Duration;

use http::header::LOCATION;
use http::{Method, StatusCode};
use url::Url;

use crate::azure::poll::poll_status::{PollStatus, pause_of, poll_status};
use crate::azure::{Azure, Error, Operation};
use crate::http::{Budget, Request, Response, retry};

/// A resource that Azure has accepted, and may still be working on.
#[derive(Clone, Debug)]
pub(crate) struct Accepted<T> {
    /// The resource as it is now. Its id is already its own.
    pub(crate) resource: T,
    pub(crate) polling: Polling,
}

/// Where the status is read next, and after which pause, if Azure asked for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Polling {
    pub(crate) source: StatusSource,
    pub(crate) pause: Option<Duration>,
}

/// What tells how an operation is going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StatusSource {
    /// A record of the operation, with a `status`.
    Operation(Url),
    /// An address that answers 202 until the operation is over.
    Location(Url),
    /// The resource itself.
    Resource,
}

/// How an operation is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// With a resource that is ready.
    Ready,
    /// With nothing left.
    Deleted,
}

impl Polling {
    /// Looks at the resource itself.
    pub(crate) fn resource() -> Self {
        Self {
            source: StatusSource::Resource,
            pause: None,
        }
    }
}

impl Azure {
    /// Where the answer to a PUT, PATCH or DELETE says that its progress can be seen.
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
            // A Location beside a finished resource is just its address.
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

    /// Waits until an operation has ended, and gives the resource as it was read last.
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
        let mut polls = 0;
        let mut pause = pause_of(polls, asked);
        loop {
            let slept = budget.sleep(pause).await;
            slept.map_err(|why| Error::stopped(operation, why))?;
            polls += 1;

            let address = match &source {
                StatusSource::Operation(url) | StatusSource::Location(url) => url,
                StatusSource::Resource => resource,
            };
            let request = Request::new(Method::GET, address.clone());
            let answer = self.arm_any(budget, operation, request).await?;
            pause = pause_of(polls, retry::retry_after(&answer));
            match poll_status(&source, until, polls, &answer) {
                PollStatus::Running => {}
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
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

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
    async fn without_a_link_the_resource_tells() {
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
    async fn the_operation_is_watched_before_the_resource() {
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
    async fn a_server_that_asks_for_no_pause_is_still_looked_at_with_ours() {
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
    async fn a_failed_operation_says_why() {
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
            .on(Method::GET, "/t?", reply(404));
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
    async fn a_resource_that_never_appears_is_not_waited_for() {
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
    async fn waiting_ends_with_the_budget() {
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
    fn our_token_follows_no_link_elsewhere() {
        let azure = azure(&ScriptedTransport::default());
        let accepted = reply(202).with("azure-asyncoperation", "https://evil.example/1");
        assert!(azure.polling(&creating(), &accepted).is_err());
    }
}
