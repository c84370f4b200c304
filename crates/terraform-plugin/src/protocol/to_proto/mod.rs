//! Our types as the protocol's.

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

/// Messages to the user.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) -> Vec<pb::Diagnostic> {
    diagnostics.iter().map(diagnostic).collect()
}

/// A path to an attribute.
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

/// No object.
pub(crate) fn null() -> pb::DynamicValue {
    /// MessagePack's nil.
    const NIL: u8 = 0xc0;
    pb::DynamicValue {
        msgpack: vec![NIL],
        json: vec![],
    }
}

/// A planned object, in which something may be unknown.
pub(crate) fn plan(schema: &Schema, planned: Value) -> Result<pb::DynamicValue, Diagnostics> {
    let planned = schema.block.complete(planned);
    encode(schema, &planned).map_err(|error| protocol_diagnostics::invalid_result(&error).into())
}

/// An object as it is, in which nothing may be unknown.
pub(crate) fn state(schema: &Schema, state: Value) -> Result<pb::DynamicValue, Diagnostics> {
    let (state, found) = coerced_state(schema, state);
    if found.is_empty() {
        Ok(state)
    } else {
        Err(found)
    }
}

/// An object that exists and must not be forgotten, whatever is wrong with the value: with null in
/// place of what is unknown or doesn't fit, and an error for each such place.
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

/// An identity.
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
    // A path without steps is no path: hosts would look for an attribute that isn't there.
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
