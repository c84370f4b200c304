//! Converts the framework's types to the protocol's types.

use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::protocol::generated as pb;
use crate::protocol::protocol_diagnostics;
use crate::schema::{IdentitySchema, Schema};
use crate::value::coerce::coerce;
use crate::value::{AttributePath, Step, TypeError, Value, msgpack};

mod function;
mod schema;

pub(crate) use function::{function, function_error};
pub(crate) use schema::{identity_schema, schema};

/// Converts messages to the user.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) -> Vec<pb::Diagnostic> {
    diagnostics.iter().map(diagnostic).collect()
}

/// Converts an attribute path.
pub(crate) fn path(path: &AttributePath) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        };
        pb::attribute_path::Step {
            selector: Some(selector),
        }
    });
    pb::AttributePath {
        steps: steps.collect(),
    }
}

/// A null object.
pub(crate) fn null() -> pb::DynamicValue {
    /// The MessagePack code of nil.
    const NIL: u8 = 0xc0;
    pb::DynamicValue {
        msgpack: vec![NIL],
        json: vec![],
    }
}

/// Encodes a planned state, which may contain unknown values.
pub(crate) fn plan(schema: &Schema, planned: Value) -> Result<pb::DynamicValue, Diagnostics> {
    let planned = schema.block.complete(planned);
    encode(schema, &planned).map_err(|error| protocol_diagnostics::invalid_result(&error).into())
}

/// Encodes a state. Unknown values are errors.
pub(crate) fn state(schema: &Schema, state: Value) -> Result<pb::DynamicValue, Diagnostics> {
    let (state, found) = coerced_state(schema, state);
    if found.is_empty() {
        Ok(state)
    } else {
        Err(found)
    }
}

/// Encodes the state of an existing object, even if the state is invalid, so that the host keeps it.
///
/// Each unknown or invalid value becomes null and an error.
pub(crate) fn coerced_state(schema: &Schema, state: Value) -> (pb::DynamicValue, Diagnostics) {
    let (state, found) = coerce(schema.block.complete(state), &schema.block.value_type());
    let mut found: Diagnostics = found
        .iter()
        .map(protocol_diagnostics::invalid_result)
        .collect();
    let encoded = encode(schema, &state).unwrap_or_else(|error| {
        found.push(protocol_diagnostics::invalid_result(&error));
        null()
    });
    (encoded, found)
}

/// Encodes an identity.
pub(crate) fn identity(
    schema: &IdentitySchema,
    identity: &Value,
) -> Result<pb::ResourceIdentityData, Diagnostics> {
    let msgpack = msgpack::encode(identity, &schema.value_type())
        .map_err(|error| Diagnostics::from(protocol_diagnostics::invalid_identity(&error)))?;
    Ok(pb::ResourceIdentityData {
        identity_data: Some(pb::DynamicValue {
            msgpack,
            json: vec![],
        }),
    })
}

fn encode(schema: &Schema, value: &Value) -> Result<pb::DynamicValue, TypeError> {
    Ok(pb::DynamicValue {
        msgpack: msgpack::encode(value, &schema.block.value_type())?,
        json: vec![],
    })
}

fn diagnostic(diagnostic: &Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    // An empty path is omitted, because hosts would look for an attribute that doesn't exist.
    let about = diagnostic
        .path
        .as_ref()
        .filter(|path| !path.steps().is_empty());
    pb::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary.clone(),
        detail: diagnostic.detail.clone(),
        attribute: about.map(path),
    }
}
