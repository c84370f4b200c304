//! Identities of managed resources: they follow from the state, and never change.
//!
//! A host overwrites the identity that it has stored with whatever an answer says, nothing
//! included; and one that doesn't know identities passes over them. So every answer about an
//! object that exists brings its identity, whether the request did or not. An answer about a
//! resource without an identity schema brings none: some hosts would crash on it.

use std::cmp::Ordering;

use crate::diagnostics::Diagnostics;
use crate::error_text::with_causes;
use crate::framework::{ImportRequest, Resource};
use crate::protocol::generated as pb;
use crate::protocol::{from_proto, protocol_diagnostics, to_proto};
use crate::value::{Value, json};

/// An identity on the wire.
pub(crate) type Sent = Option<pb::ResourceIdentityData>;

/// The schemas of all identities.
pub(crate) fn schemas<'a>(
    resources: impl Iterator<Item = (&'a String, &'a dyn Resource)>,
) -> pb::get_resource_identity_schemas::Response {
    pb::get_resource_identity_schemas::Response {
        identity_schemas: resources
            .filter_map(|(name, resource)| {
                let schema = to_proto::identity_schema(resource.identity_schema()?);
                Some((name.clone(), schema))
            })
            .collect(),
        diagnostics: Vec::new(),
    }
}

/// The identity that a host has stored; null where it has none, or doesn't know of identities.
pub(crate) fn stored(resource: &dyn Resource, sent: Sent) -> Result<Value, Diagnostics> {
    let Some(schema) = resource.identity_schema() else {
        return Ok(Value::Null);
    };
    let sent = sent.and_then(|sent| sent.identity_data);
    let identity = from_proto::value("identity", sent, &schema.value_type())?;
    Ok(if is_settled(&identity) {
        identity
    } else {
        Value::Null
    })
}

/// The identity of a planned object, where it is known. `stored` is that of the object before, null
/// where the plan is about another object than the one before.
///
/// The protocol has room for one that isn't known yet, but OpenTofu 1.12 can't show such a plan
/// (`value is not known`), and to Terraform none says as much.
pub(crate) fn of_plan(
    resource: &dyn Resource,
    stored: &Value,
    planned: &Value,
) -> Result<Sent, Diagnostics> {
    let Some(schema) = resource.identity_schema() else {
        return Ok(None);
    };
    let identity = schema.complete(resource.identity(planned));
    if !stored.is_null() && *stored != identity {
        return Err(protocol_diagnostics::identity_changed("plan", stored, &identity).into());
    }
    if !is_settled(&identity) {
        return Ok(None);
    }
    to_proto::identity(schema, &identity).map(Some)
}

/// The identity of an object as it is after `operation`, beside what is wrong with it. `planned_identity`
/// is what it was before, or planned to be; null where that wasn't known.
pub(crate) fn of_state(
    resource: &dyn Resource,
    operation: &str,
    planned_identity: &Value,
    state: &Value,
) -> (Sent, Diagnostics) {
    let Some(schema) = resource.identity_schema() else {
        return (None, Diagnostics::new());
    };
    if state.is_null() {
        return (None, Diagnostics::new());
    }
    let identity = schema.complete(resource.identity(state));
    if !is_settled(&identity) || schema.missing(&identity).next().is_some() {
        let kept = to_proto::identity(schema, planned_identity).ok();
        let kept = kept.filter(|_| !planned_identity.is_null());
        return (
            kept,
            protocol_diagnostics::missing_identity(operation).into(),
        );
    }
    let mut found = Diagnostics::new();
    if !planned_identity.is_null() && *planned_identity != identity {
        found.push(protocol_diagnostics::identity_changed(
            operation,
            planned_identity,
            &identity,
        ));
    }
    match to_proto::identity(schema, &identity) {
        Ok(identity) => (Some(identity), found),
        Err(invalid) => (None, invalid),
    }
}

/// What a user names an object by: an identity where there is one, else an id.
pub(crate) fn import(
    resource: &dyn Resource,
    id: String,
    sent: Sent,
) -> Result<ImportRequest, Diagnostics> {
    let Some(sent) = sent.and_then(|sent| sent.identity_data) else {
        return Ok(ImportRequest::Id(id));
    };
    let name = resource.type_name();
    let schema = resource
        .identity_schema()
        .ok_or_else(|| protocol_diagnostics::no_import_by_identity(name))?;
    let identity = from_proto::value("identity", Some(sent), &schema.value_type())?;
    if identity.is_null() {
        return Ok(ImportRequest::Id(id));
    }
    let missing: Vec<&str> = schema.missing(&identity).collect();
    if missing.is_empty() {
        Ok(ImportRequest::Identity(identity))
    } else {
        Err(protocol_diagnostics::incomplete_identity(name, &missing))
    }
}

/// Turns a stored identity into one of the current schema. Some hosts ask for it even where none
/// is stored; then there is none to answer with either.
pub(crate) async fn upgrade(
    resource: &dyn Resource,
    request: pb::upgrade_resource_identity::Request,
) -> Result<pb::upgrade_resource_identity::Response, Diagnostics> {
    let name = resource.type_name();
    let schema = resource
        .identity_schema()
        .ok_or_else(|| protocol_diagnostics::no_identity(name))?;
    let raw = request.raw_identity.unwrap_or_default();
    if raw.json.is_empty() {
        return Ok(Default::default());
    }
    let unreadable = |why: &dyn std::error::Error| {
        protocol_diagnostics::unreadable_identity(name, &with_causes(why))
    };
    let stored: serde_json::Value =
        serde_json::from_slice(&raw.json).map_err(|error| unreadable(&error))?;
    let identity = match request.version.cmp(&schema.version) {
        _ if stored.is_null() => return Ok(Default::default()),
        Ordering::Less => resource.upgrade_identity(request.version, stored).await?,
        Ordering::Equal => {
            json::decode(&stored, &schema.value_type()).map_err(|error| unreadable(&error))?
        }
        Ordering::Greater => {
            return Err(protocol_diagnostics::newer_identity(
                name,
                request.version,
                schema.version,
            ));
        }
    };
    let identity = schema.complete(identity);
    if !is_settled(&identity) {
        return Err(protocol_diagnostics::missing_identity("upgrade").into());
    }
    Ok(pb::upgrade_resource_identity::Response {
        upgraded_identity: Some(to_proto::identity(schema, &identity)?),
        diagnostics: Vec::new(),
    })
}

/// Whether it tells an object from others: it is known, and says something.
pub(crate) fn is_settled(identity: &Value) -> bool {
    let says_something = |attributes: &std::collections::BTreeMap<String, Value>| {
        attributes.values().any(|value| !value.is_null())
    };
    identity.is_wholly_known() && identity.as_map().is_some_and(says_something)
}
