//! Evaluates one poll of a long-running operation. It does no I/O, and the parent module contains the
//! loop.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::azure::absence;
use crate::azure::poll::{StatusSource, Until};
use crate::http::Response;
use crate::http::backoff::Backoff;

/// The default pauses between polls. Azure may ask for longer ones.
const PAUSES: Backoff =
    Backoff::growing(Duration::from_millis(200), (3, 2), Duration::from_secs(5));
/// How many 404s in a row are an error. Azure's regions may need a moment to show a new resource or the record
/// of an operation.
pub(super) const PATIENCE: u32 = 5;

/// The result of one poll.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PollStatus {
    /// The operation is still running.
    Running,
    /// The resource exists, and shows nothing of its deletion.
    Unchanged,
    /// This status source reports the end of the operation.
    Done,
    /// The operation failed.
    Failed {
        state: String,
        code: String,
        message: String,
    },
    /// Azure refused the poll itself.
    Refused,
}

/// Returns the pause before the next poll. A longer pause that Azure asks for takes precedence over the
/// default. A shorter one doesn't, not even zero.
pub(super) fn pause_of(polls: u32, asked: Option<Duration>) -> Duration {
    let ours = PAUSES.clone().nth(polls as usize).unwrap_or_default();
    ours.max(asked.unwrap_or_default())
}

/// Evaluates an answer. `missing` is the number of 404s in a row up to this one.
pub(super) fn poll_status(
    source: &StatusSource,
    until: Until,
    missing: u32,
    answer: &Response,
) -> PollStatus {
    match (source, until) {
        (StatusSource::Resource, Until::Deleted) if absence::is_gone(answer) => PollStatus::Done,
        // Azure may delete a deletion's status record together with the resource.
        (StatusSource::Operation(_) | StatusSource::Location(_), Until::Deleted) if missing > 0 => {
            PollStatus::Done
        }
        _ if (1..PATIENCE).contains(&missing) => PollStatus::Running,
        _ if !answer.status.is_success() => PollStatus::Refused,
        (StatusSource::Location(_), _) if answer.status == StatusCode::ACCEPTED => {
            PollStatus::Running
        }
        (StatusSource::Location(_), _) => PollStatus::Done,
        (StatusSource::Operation(_), _) => verdict(Report::read(answer)),
        (StatusSource::Resource, Until::Ready) => verdict(Report::read(answer)),
        (StatusSource::Resource, Until::Deleted) => match verdict(Report::read(answer)) {
            // The resource still exists, even if its last operation succeeded.
            PollStatus::Done => PollStatus::Unchanged,
            other => other,
        },
    }
}

/// The body of a status answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Report {
    status: Option<String>,
    properties: Properties,
    error: Option<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    provisioning_state: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: String,
    message: String,
}

impl Report {
    fn read(answer: &Response) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

/// A missing state means success, because not every resource has one.
fn verdict(report: Report) -> PollStatus {
    let state = report
        .status
        .or(report.properties.provisioning_state)
        .unwrap_or_default();
    match state.to_ascii_lowercase().as_str() {
        "" | "succeeded" => PollStatus::Done,
        "failed" | "canceled" | "cancelled" => {
            let Reason { code, message } = report.error.unwrap_or_default();
            PollStatus::Failed {
                state,
                code,
                message,
            }
        }
        _ => PollStatus::Running,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;
    use url::Url;

    use super::*;
    use crate::http::scripted_transport::{json, reply};

    #[test]
    fn pauses_grow_from_200_milliseconds_to_5_seconds() {
        let pauses: Vec<_> = (0..12)
            .map(|polls| pause_of(polls, None).as_millis())
            .collect();
        insta::assert_snapshot!(
            format!("{pauses:?}"),
            @"[200, 300, 450, 675, 1012, 1518, 2278, 3417, 5000, 5000, 5000, 5000]"
        );
        assert_eq!(pause_of(1000, None), Duration::from_secs(5));
    }

    fn operation() -> StatusSource {
        StatusSource::Operation(Url::parse("https://management.azure.com/operations/1").unwrap())
    }

    #[test]
    fn reads_states_in_any_case_and_polls_on_unknown_ones() {
        let tells = |status| {
            let answer = json(200, &value!({"status": status}));
            poll_status(&operation(), Until::Ready, 0, &answer)
        };
        assert_eq!(tells("SUCCEEDED"), PollStatus::Done);
        assert_eq!(tells("Accepted"), PollStatus::Running);
        assert!(matches!(tells("canceled"), PollStatus::Failed { .. }));
    }

    #[test]
    fn a_resource_without_a_state_is_ready_and_not_gone() {
        let answer = json(200, &value!({"id": "/t"}));
        assert_eq!(
            poll_status(&StatusSource::Resource, Until::Ready, 0, &answer),
            PollStatus::Done
        );
        assert_eq!(
            poll_status(&StatusSource::Resource, Until::Deleted, 0, &answer),
            PollStatus::Unchanged
        );
    }

    #[test]
    fn a_deletion_ends_if_its_status_record_is_gone() {
        assert_eq!(
            poll_status(&operation(), Until::Deleted, 1, &reply(404)),
            PollStatus::Done
        );
        assert_eq!(
            poll_status(&operation(), Until::Ready, 1, &reply(404)),
            PollStatus::Running
        );
        assert_eq!(
            poll_status(&operation(), Until::Ready, PATIENCE, &reply(404)),
            PollStatus::Refused
        );
        assert_eq!(
            poll_status(&operation(), Until::Deleted, 0, &reply(403)),
            PollStatus::Refused
        );
    }
}
