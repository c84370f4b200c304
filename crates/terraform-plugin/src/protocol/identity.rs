//! Identities of managed resources. They are derived from the state and never change.
//!
//! A host overwrites its stored identity with the identity of an answer, even if the answer has none.
//! A host without support for identities ignores them. Therefore every answer about an existing object
//! contains its identity, even if the request had none. An answer about a resource without an identity
//! schema never contains one, because some hosts would crash.

use std::cmp::Ordering;

use crate::diagnostics::Diagnostics;
use crate::error_text::with_causes;
use crate::framework::{Context, ImportRequest, Resource};
use crate::protocol::generated as pb;
use crate::protocol::{from_proto, protocol_diagnostics, to_proto};
use crate::value::{Value, json};

/// An identity on the wire.
pub(crate) type Sent = Option<pb::ResourceIdentityData>;

/// Returns the schemas of all identities.
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

/// Decodes the identity that the host has stored. It is null if the host has none or doesn't support
/// identities.
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

/// The identity of a planned object, if it is known.
///
/// `stored` is the identity of the prior object. It is null for a create or a replacement.
///
/// The protocol allows an unknown identity, but OpenTofu 1.12 can't show such a plan
/// (`value is not known`). For Terraform, a missing identity means the same.
pub(crate) fn of_plan(
    resource: &dyn Resource,
    stored: &Value,
    planned: &Value,
) -> Result<Sent, Diagnostics> {
    let Some(schema) = resource.identity_schema() else {
        return Ok(None);
    };
    let identity = kept(
        resource,
        stored,
        schema.complete(resource.identity(planned)),
    );
    if !stored.is_null() && *stored != identity {
        return Err(protocol_diagnostics::identity_changed("plan", stored, &identity).into());
    }
    if !is_settled(&identity) {
        return Ok(None);
    }
    to_proto::identity(schema, &identity).map(Some)
}

/// The identity of an object after `operation`, and the errors in it.
///
/// `planned_identity` is the prior or planned identity. It is null if that is unknown.
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
    let identity = kept(resource, planned_identity, identity);
    if !is_settled(&identity) || schema.missing(&identity).next().is_some() {
        let planned = to_proto::identity(schema, planned_identity).ok();
        return (
            planned.filter(|_| !planned_identity.is_null()),
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

/// The stored identity if it names the same object, else the current one.
fn kept(resource: &dyn Resource, stored: &Value, now: Value) -> Value {
    if !stored.is_null() && resource.is_same_identity(stored, &now) {
        stored.clone()
    } else {
        now
    }
}

/// How the user specifies the object to import: by identity if the host sent one, else by ID.
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

/// Upgrades a stored identity to the current schema version.
///
/// Some hosts call this even if they have no stored identity. Then the answer has none either.
pub(crate) async fn upgrade(
    resource: &dyn Resource,
    context: &Context,
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
        Ordering::Less => {
            resource
                .upgrade_identity(context, request.version, stored)
                .await?
        }
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

/// Whether the identity is known and has at least one attribute that is not null.
pub(crate) fn is_settled(identity: &Value) -> bool {
    let says_something = |attributes: &std::collections::BTreeMap<String, Value>| {
        attributes.values().any(|value| !value.is_null())
    };
    identity.is_wholly_known() && identity.as_map().is_some_and(says_something)
}
