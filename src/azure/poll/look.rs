//! What one look at a long-running operation tells. Pure: the loop is above.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::azure::poll::{End, Place};
use crate::http::Response;

/// The first pause between two looks, unless Azure asks for more; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many looks may miss a resource that Azure has just accepted: its regions need a moment.
pub(super) const PATIENCE: u32 = 5;

/// What one look tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Not yet.
    Running,
    /// This place has nothing more to tell.
    Done,
    /// Azure gave up.
    Failed {
        state: String,
        code: String,
        message: String,
    },
    /// The look itself was refused.
    Refused,
}

/// How long to wait before a look, when so many have been taken already and Azure may have asked for a
/// pause: a longer one is kept, and a shorter one, such as none at all, is no reason to hurry.
pub(super) fn pause_of(looks: u32, asked: Option<Duration>) -> Duration {
    let grown =
        FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(looks)) / 2_u32.saturating_pow(looks);
    let ours = if looks > 12 {
        LONGEST_PAUSE
    } else {
        grown.min(LONGEST_PAUSE)
    };
    ours.max(asked.unwrap_or_default())
}

pub(super) fn look(place: &Place, end: End, looks: u32, answer: &Response) -> Look {
    let missing = answer.status == StatusCode::NOT_FOUND;
    match (place, end) {
        (Place::Resource, End::Gone) if missing => Look::Done,
        (Place::Resource, End::Ready) if missing && looks < PATIENCE => Look::Running,
        // The record of a deletion may go with what it deleted.
        (Place::Operation(_) | Place::Location(_), End::Gone) if missing => Look::Done,
        _ if !answer.status.is_success() => Look::Refused,
        (Place::Location(_), _) if answer.status == StatusCode::ACCEPTED => Look::Running,
        (Place::Location(_), _) => Look::Done,
        (Place::Operation(_), _) => verdict(Report::read(answer)),
        (Place::Resource, End::Ready) => verdict(Report::read(answer)),
        (Place::Resource, End::Gone) => match verdict(Report::read(answer)) {
            // It is still there, whatever it says of its last success.
            Look::Done => Look::Running,
            other => other,
        },
    }
}

/// What a place tells in words.
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

/// A state that nobody gave is a success: not every resource has one.
fn verdict(report: Report) -> Look {
    let state = report
        .status
        .or(report.properties.provisioning_state)
        .unwrap_or_default();
    match state.to_ascii_lowercase().as_str() {
        "" | "succeeded" => Look::Done,
        "failed" | "canceled" | "cancelled" => {
            let Reason { code, message } = report.error.unwrap_or_default();
            Look::Failed {
                state,
                code,
                message,
            }
        }
        _ => Look::Running,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;
    use url::Url;

    use super::*;
    use crate::http::scripted::{json, reply};

    #[test]
    fn pauses_grow_from_a_fifth_of_a_second_to_five() {
        let pauses: Vec<_> = (0..12)
            .map(|looks| pause_of(looks, None).as_millis())
            .collect();
        insta::assert_snapshot!(
            format!("{pauses:?}"),
            @"[200, 300, 450, 675, 1012, 1518, 2278, 3417, 5000, 5000, 5000, 5000]"
        );
        assert_eq!(pause_of(1000, None), LONGEST_PAUSE);
    }

    fn operation() -> Place {
        Place::Operation(Url::parse("https://management.azure.com/operations/1").unwrap())
    }

    #[test]
    fn states_are_read_without_case_and_unknown_ones_are_waited_out() {
        let tells = |status| {
            let answer = json(200, &value!({"status": status}));
            look(&operation(), End::Ready, 1, &answer)
        };
        assert_eq!(tells("SUCCEEDED"), Look::Done);
        assert_eq!(tells("Accepted"), Look::Running);
        assert!(matches!(tells("canceled"), Look::Failed { .. }));
    }

    #[test]
    fn a_resource_without_a_state_is_ready_and_not_gone() {
        let answer = json(200, &value!({"id": "/t"}));
        assert_eq!(look(&Place::Resource, End::Ready, 1, &answer), Look::Done);
        assert_eq!(look(&Place::Resource, End::Gone, 1, &answer), Look::Running);
    }

    #[test]
    fn the_record_of_a_deletion_may_be_gone_too() {
        assert_eq!(look(&operation(), End::Gone, 1, &reply(404)), Look::Done);
        assert_eq!(
            look(&operation(), End::Ready, 1, &reply(404)),
            Look::Refused
        );
        assert_eq!(look(&operation(), End::Gone, 1, &reply(403)), Look::Refused);
    }
}
