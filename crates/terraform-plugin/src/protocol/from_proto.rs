//! The protocol's types as ours.

use crate::diagnostics::Diagnostics;
use crate::error_text::with_causes;
use crate::framework::WriteOnly;
use crate::protocol::generated as pb;
use crate::protocol::protocol_diagnostics;
use crate::value::{Problem, Type, TypeError, Value, json, msgpack};

/// The value of type `kind` that the host sent as `what`, such as "configuration". None at all is
/// null.
pub(crate) fn value(
    what: &str,
    sent: Option<pb::DynamicValue>,
    kind: &Type,
) -> Result<Value, Diagnostics> {
    decode(&sent.unwrap_or_default(), kind)
        .map_err(|error| protocol_diagnostics::undecodable(what, &error))
}

/// Stored state as JSON; what it means depends on the version of the schema that wrote it.
pub(crate) fn stored_state(
    type_name: &str,
    sent: Option<pb::RawState>,
) -> Result<serde_json::Value, Diagnostics> {
    let sent = sent.unwrap_or_default();
    if sent.json.is_empty() {
        let why = if sent.flatmap.is_empty() {
            "there is none"
        } else {
            "it is in the flat format of Terraform 0.11 and before"
        };
        return Err(protocol_diagnostics::unreadable_state(type_name, why));
    }
    serde_json::from_slice(&sent.json).map_err(|error| {
        let error = TypeError::from(Problem::NotJson(error));
        protocol_diagnostics::unreadable_state(type_name, &with_causes(&error))
    })
}

/// Whether the host can take a write-only value. One that says nothing can't.
pub(crate) fn write_only(capabilities: Option<pb::ClientCapabilities>) -> WriteOnly {
    if capabilities.is_some_and(|host| host.write_only_attributes_allowed) {
        WriteOnly::Allowed
    } else {
        WriteOnly::NotAllowed
    }
}

/// A value of type `kind`. None at all is null.
pub(crate) fn decode(sent: &pb::DynamicValue, kind: &Type) -> Result<Value, TypeError> {
    if !sent.msgpack.is_empty() {
        msgpack::decode(&sent.msgpack, kind)
    } else if !sent.json.is_empty() {
        let json = serde_json::from_slice(&sent.json).map_err(Problem::NotJson)?;
        json::decode(&json, kind)
    } else {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(msgpack: &[u8], json: &[u8]) -> Option<pb::DynamicValue> {
        Some(pb::DynamicValue {
            msgpack: msgpack.to_vec(),
            json: json.to_vec(),
        })
    }

    #[test]
    fn messagepack_goes_before_json_and_nothing_is_null() {
        for (sent, expected) in [
            (sent(b"\xa1m", b"\"j\""), Value::from("m")),
            (sent(b"", b"\"j\""), Value::from("j")),
            (sent(b"", b""), Value::Null),
            (None, Value::Null),
        ] {
            assert_eq!(value("value", sent, &Type::String).unwrap(), expected);
        }
    }
}
