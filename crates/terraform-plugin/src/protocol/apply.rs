//! Create, update and delete, without losing an existing object.
//!
//! A host stores the state of the answer, even if the answer also has an error. If the answer has no
//! state, the host loses track of the object. Therefore, after an error or a panic the answer is the
//! last recorded state, or else the prior state. No call of provider code between the change and the
//! answer can prevent that.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::error_text::cut_off_text;
use crate::framework::{Applied, ApplyRequest, ApplyResult, Context, Recorded, Recorder, Resource};
use crate::protocol::generated::apply_resource_change::{Request, Response};
use crate::protocol::reply::catch;
use crate::protocol::type_registry::TypeRegistry;
use crate::protocol::{Operations, from_proto, identity, protocol_diagnostics, to_proto};
use crate::schema::Schema;
use crate::value::{Problem, Value};

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

/// A change that is ready to start.
struct Prepared {
    resource: Arc<dyn Resource>,
    schema: Schema,
    change: ApplyRequest,
    /// The planned identity as the host sent it, if the resource has identities.
    sent_identity: identity::Sent,
    /// The planned identity. Null if it is unknown.
    planned_identity: Value,
}

/// Applies a planned change.
pub(crate) async fn apply(
    types: &TypeRegistry,
    operations: &Operations,
    request: Request,
) -> Response {
    let mut untouched = Response {
        new_state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        ..Default::default()
    };
    let prepared = catch("apply", || {
        let resource = Arc::clone(types.resource(&request.type_name)?);
        let has_identity = resource.identity_schema().is_some();
        untouched.new_identity = request.planned_identity.clone().filter(|_| has_identity);
        prepare(resource, request, untouched.new_identity.clone())
    });
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(found) => {
            return Response {
                diagnostics: to_proto::diagnostics(&found),
                ..untouched
            };
        }
    };
    let Some(act) = Act::of(&prepared.change.prior, &prepared.change.planned) else {
        return untouched;
    };
    let Prepared {
        resource,
        schema,
        change,
        sent_identity,
        planned_identity,
    } = prepared;
    let before = Recorded {
        state: change.prior.clone(),
        private: change.planned_private.clone(),
    };
    let recorder = Recorder::default();
    let (changed, written) = (Arc::clone(&resource), recorder.clone());
    let change = |context| carry_out(act, changed, context, change, written);
    let ended = operations.run(change).await.unwrap_or_else(|cut_off| {
        let text = cut_off_text(cut_off);
        Err(protocol_diagnostics::panicked(&act.to_string(), &text).into())
    });
    let outcome = settle(act, ended, recorder.last().unwrap_or(before));
    let (new_identity, unidentified) = catch("identity", || {
        let operation = act.to_string();
        let state = &outcome.now.state;
        Ok(identity::of_state(
            resource.as_ref(),
            &operation,
            &planned_identity,
            state,
        ))
    })
    .unwrap_or_else(|panicked| {
        let exists = !outcome.now.state.is_null();
        (sent_identity.filter(|_| exists), panicked)
    });
    respond(&schema, outcome, new_identity, unidentified)
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

/// Reads from the provider and the request what the change needs.
fn prepare(
    resource: Arc<dyn Resource>,
    request: Request,
    sent_identity: identity::Sent,
) -> Result<Prepared, Diagnostics> {
    let schema = resource.schema().clone();
    let kind = schema.block.value_type();
    let planned_identity = identity::stored(resource.as_ref(), request.planned_identity)?;
    let change = ApplyRequest {
        prior: from_proto::value("prior state", request.prior_state, &kind)?,
        planned: from_proto::value("planned state", request.planned_state, &kind)?,
        config: from_proto::value("configuration", request.config, &kind)?,
        planned_private: request.planned_private,
    };
    Ok(Prepared {
        resource,
        schema,
        change,
        sent_identity,
        planned_identity,
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

/// Determines the new state. After an error it is the last `known` state.
fn settle(act: Act, ended: ApplyResult, known: Recorded) -> Outcome {
    let applied = match ended {
        Ok(applied) => applied,
        Err(diagnostics) => {
            return Outcome {
                now: known,
                diagnostics: diagnostics.of_failure(),
            };
        }
    };
    let Applied {
        state,
        private,
        mut diagnostics,
    } = applied;
    let now = match (act, state) {
        (Act::Delete, _) if diagnostics.has_error() => known,
        (Act::Delete, state) | (_, state @ Value::Object(_)) => Recorded { state, private },
        (_, Value::Map(attributes)) => {
            let found = Problem::wrong_kind("an object", &Value::Map(BTreeMap::new()));
            diagnostics.push(protocol_diagnostics::invalid_result(&found.into()));
            // Without an earlier state, the attributes of the map are all that is known of the object.
            if known.state.is_null() {
                let state = Value::Object(attributes);
                Recorded { state, private }
            } else {
                known
            }
        }
        (_, _) => {
            diagnostics.push(protocol_diagnostics::missing_result(&act.to_string()));
            known
        }
    };
    Outcome { now, diagnostics }
}

fn respond(
    schema: &Schema,
    outcome: Outcome,
    new_identity: identity::Sent,
    unidentified: Diagnostics,
) -> Response {
    let (state, invalid) = to_proto::coerced_state(schema, outcome.now.state);
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
