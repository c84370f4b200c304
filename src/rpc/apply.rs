//! Create, update and delete, after which nothing that exists is lost.
//!
//! A host stores what the answer holds, also beside an error, and forgets an object of which the
//! answer says nothing. So whatever happens, the answer is the last state that the resource has
//! recorded, or what there was before.

use std::fmt;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::framework::{Applied, ApplyRequest, ApplyResult, Context, Recorded, Recorder, Resource};
use crate::rpc::generated::apply_resource_change::{Request, Response};
use crate::rpc::{Operations, faults, from_proto, reply, to_proto};
use crate::value::Value;

/// What a change does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Create,
    Update,
    Delete,
}

/// What to answer.
#[derive(Debug, PartialEq)]
struct Outcome {
    now: Recorded,
    diagnostics: Diagnostics,
}

/// Applies a planned change.
pub(crate) async fn apply(
    resource: &Arc<dyn Resource>,
    operations: &Operations,
    request: Request,
) -> Response {
    let untouched = Response {
        new_state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        ..Default::default()
    };
    let change = match decode(resource.as_ref(), request) {
        Ok(change) => change,
        Err(undecodable) => {
            return Response {
                diagnostics: to_proto::diagnostics(&undecodable),
                ..untouched
            };
        }
    };
    let Some(act) = Act::of(&change.prior, &change.planned) else {
        return untouched;
    };
    let before = Recorded {
        state: change.prior.clone(),
        private: change.planned_private.clone(),
    };
    let recorder = Recorder::default();
    let change = carry_out(
        act,
        Arc::clone(resource),
        operations.context(),
        change,
        recorder.clone(),
    );
    let ended = operations.run(change).await.unwrap_or_else(|cut_off| {
        let text = cut_off.try_into_panic().map_or_else(
            |cancelled| cancelled.to_string(),
            |panic| reply::panic_text(panic.as_ref()),
        );
        Err(faults::panicked(&act.to_string(), &text).into())
    });
    let outcome = settle(act, ended, recorder.last().unwrap_or(before));
    respond(resource.as_ref(), outcome)
}

impl Act {
    /// What leads from `prior` to `planned`; [`None`] where there is nothing on either side.
    fn of(prior: &Value, planned: &Value) -> Option<Self> {
        match (prior.is_null(), planned.is_null()) {
            (true, true) => None,
            (true, false) => Some(Self::Create),
            (false, false) => Some(Self::Update),
            (false, true) => Some(Self::Delete),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

fn decode(resource: &dyn Resource, request: Request) -> Result<ApplyRequest, Diagnostics> {
    let kind = resource.schema().block.value_type();
    Ok(ApplyRequest {
        prior: from_proto::value("prior state", request.prior_state, &kind)?,
        planned: from_proto::value("planned state", request.planned_state, &kind)?,
        config: from_proto::value("configuration", request.config, &kind)?,
        planned_private: request.planned_private,
    })
}

async fn carry_out(
    act: Act,
    resource: Arc<dyn Resource>,
    context: Context,
    change: ApplyRequest,
    recorder: Recorder,
) -> ApplyResult {
    match act {
        Act::Create => resource.create(&context, change, &recorder).await,
        Act::Update => resource.update(&context, change, &recorder).await,
        Act::Delete => {
            let diagnostics = resource.delete(&context, change, &recorder).await?;
            Ok(Applied {
                diagnostics,
                ..Applied::default()
            })
        }
    }
}

/// What there is now: what the change says, if it went well, else what was `known` last.
fn settle(act: Act, ended: ApplyResult, known: Recorded) -> Outcome {
    match ended {
        Err(diagnostics) => Outcome {
            now: known,
            diagnostics,
        },
        Ok(applied) if act == Act::Delete && applied.diagnostics.has_error() => Outcome {
            now: known,
            diagnostics: applied.diagnostics,
        },
        Ok(mut applied) if act != Act::Delete && applied.state.as_map().is_none() => {
            applied
                .diagnostics
                .push(faults::missing_result(&act.to_string()));
            Outcome {
                now: known,
                diagnostics: applied.diagnostics,
            }
        }
        Ok(applied) => Outcome {
            now: Recorded {
                state: applied.state,
                private: applied.private,
            },
            diagnostics: applied.diagnostics,
        },
    }
}

fn respond(resource: &dyn Resource, outcome: Outcome) -> Response {
    let (state, invalid) = to_proto::repaired_state(resource.schema(), outcome.now.state);
    let mut diagnostics = outcome.diagnostics;
    diagnostics.extend(invalid);
    Response {
        new_state: Some(state),
        private: outcome.now.private,
        diagnostics: to_proto::diagnostics(&diagnostics),
        ..Default::default()
    }
}
