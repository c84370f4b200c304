//! Create, update and delete, without losing an existing object.
//!
//! A host stores the state of the answer, even if the answer also has an error. If the answer has no
//! state, the host loses track of the object. Therefore, after an error the answer is the last
//! recorded state, or else the prior state.

use std::fmt;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::error_text::cut_off_text;
use crate::framework::{Applied, ApplyRequest, ApplyResult, Context, Recorded, Recorder, Resource};
use crate::protocol::generated::apply_resource_change::{Request, Response};
use crate::protocol::{Operations, from_proto, identity, protocol_diagnostics, to_proto};
use crate::value::Value;

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Create,
    Update,
    Delete,
}

/// The result of a change.
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
        new_identity: resource
            .identity_schema()
            .and(request.planned_identity.clone()),
        ..Default::default()
    };
    let (change, planned_identity) = match decode(resource.as_ref(), request) {
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
        let text = cut_off_text(cut_off);
        Err(protocol_diagnostics::panicked(&act.to_string(), &text).into())
    });
    let outcome = settle(act, ended, recorder.last().unwrap_or(before));
    respond(resource.as_ref(), act, &planned_identity, outcome)
}

impl Act {
    /// The change from `prior` to `planned`, or [`None`] if both are null.
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

/// Decodes the request. Returns the change and its planned identity.
fn decode(resource: &dyn Resource, request: Request) -> Result<(ApplyRequest, Value), Diagnostics> {
    let kind = resource.schema().block.value_type();
    let planned_identity = identity::stored(resource, request.planned_identity)?;
    let change = ApplyRequest {
        prior: from_proto::value("prior state", request.prior_state, &kind)?,
        planned: from_proto::value("planned state", request.planned_state, &kind)?,
        config: from_proto::value("configuration", request.config, &kind)?,
        planned_private: request.planned_private,
    };
    Ok((change, planned_identity))
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

/// Determines the new state. After an error it is the last `known` state.
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
                .push(protocol_diagnostics::missing_result(&act.to_string()));
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

fn respond(
    resource: &dyn Resource,
    act: Act,
    planned_identity: &Value,
    outcome: Outcome,
) -> Response {
    let (new_identity, unidentified) = identity::of_state(
        resource,
        &act.to_string(),
        planned_identity,
        &outcome.now.state,
    );
    let (state, invalid) = to_proto::coerced_state(resource.schema(), outcome.now.state);
    let mut diagnostics = outcome.diagnostics;
    diagnostics.extend(invalid);
    diagnostics.extend(unidentified);
    Response {
        new_state: Some(state),
        new_identity,
        private: outcome.now.private,
        diagnostics: to_proto::diagnostics(&diagnostics),
        ..Default::default()
    }
}
