//! Converts the protocol's types to the framework's types.

use crate::diagnostics::Diagnostics;
use crate::framework::WriteOnly;
use crate::protocol::generated as pb;
use crate::protocol::protocol_diagnostics;
use crate::value::{Type, TypeError, Value, json, msgpack};

/// Decodes a value of type `kind`. `what` names it in errors, for example "configuration". A missing
/// value is null.
pub(crate) fn value(
    what: &str,
    sent: Option<pb::DynamicValue>,
    kind: &Type,
) -> Result<Value, Diagnostics> {
    decode(&sent.unwrap_or_default(), kind)
        .map_err(|error| protocol_diagnostics::undecodable(what, &error))
}

/// Reads stored state, which is JSON. Its attributes depend on the schema version that wrote it.
pub(crate) fn stored_state(
    type_name: &str,
    sent: Option<pb::RawState>,
) -> Result<Vec<u8>, Diagnostics> {
    let sent = sent.unwrap_or_default();
    if sent.json.is_empty() {
        let why = if sent.flatmap.is_empty() {
            "the host sent no state"
        } else {
            "it has the flatmap format of Terraform 0.11 and earlier"
        };
        return Err(protocol_diagnostics::unreadable_state(type_name, why));
    }
    Ok(sent.json)
}

/// Whether the host supports write-only values. A host without client capabilities doesn't.
pub(crate) fn write_only(capabilities: Option<pb::ClientCapabilities>) -> WriteOnly {
    // The framework has no use for the others. `proto/tfplugin6.proto` says why.
    let pb::ClientCapabilities {
        write_only_attributes_allowed: is_allowed,
        deferral_allowed: _,
        store_planned_private: _,
        computed_blocks_allowed: _,
    } = capabilities.unwrap_or_default();
    if is_allowed {
        WriteOnly::Allowed
    } else {
        WriteOnly::NotAllowed
    }
}

/// Decodes a value of type `kind`. An empty message is null.
pub(crate) fn decode(sent: &pb::DynamicValue, kind: &Type) -> Result<Value, TypeError> {
    if !sent.msgpack.is_empty() {
        msgpack::decode(&sent.msgpack, kind)
    } else if !sent.json.is_empty() {
        json::decode_slice(&sent.json, kind)
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
    fn messagepack_takes_precedence_over_json_and_an_empty_value_is_null() {
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
