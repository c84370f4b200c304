//! The RPCs of a managed resource that change nothing: validate, plan, read, import, upgrade and
//! generate configuration.

use std::cmp::Ordering;

use crate::diagnostics::Diagnostics;
use crate::error_text::with_causes;
use crate::framework::{
    Context, GeneratedConfig, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
    check_config,
};
use crate::protocol::generated as pb;
use crate::protocol::{from_proto, identity, protocol_diagnostics, to_proto};
use crate::value::{Problem, TypeError, Value, json};

/// Validates a configuration, first against the schema, then by the resource.
pub(crate) async fn validate(
    resource: &dyn Resource,
    context: &Context,
    request: pb::validate_resource_config::Request,
) -> Result<pb::validate_resource_config::Response, Diagnostics> {
    let block = &resource.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let write_only = from_proto::write_only(request.client_capabilities);
    let mut found = check_config(block, &config, write_only);
    found.extend(resource.validate_config(context, &config).await);
    Ok(pb::validate_resource_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Plans a change. A destroy is planned as null, without a call to the resource.
pub(crate) async fn plan(
    resource: &dyn Resource,
    context: &Context,
    request: pb::plan_resource_change::Request,
) -> Result<pb::plan_resource_change::Response, Diagnostics> {
    let schema = resource.schema();
    let kind = schema.block.value_type();
    let proposed = from_proto::value("proposed state", request.proposed_new_state, &kind)?;
    if proposed.is_null() {
        return Ok(pb::plan_resource_change::Response {
            planned_state: Some(to_proto::null()),
            planned_private: request.prior_private,
            ..Default::default()
        });
    }
    let stored = identity::stored(resource, request.prior_identity)?;
    let request = PlanRequest {
        prior: from_proto::value("prior state", request.prior_state, &kind)?,
        proposed,
        config: from_proto::value("configuration", request.config, &kind)?,
        prior_private: request.prior_private,
    };
    let is_new = request.prior.is_null();
    let PlanResponse {
        planned,
        requires_replace,
        private,
        diagnostics,
    } = resource.plan(context, request).await;
    if diagnostics.has_error() {
        return Err(diagnostics);
    }
    // A host would read null as the plan of a destroy.
    if planned.as_map().is_none() {
        return Err(protocol_diagnostics::missing_result("plan").into());
    }
    // A replacement is a new object with its own identity. The host plans a replacement twice. The second
    // request has no prior state, but it may contain the identity from the first plan.
    let kept = if is_new || !requires_replace.is_empty() {
        &Value::Null
    } else {
        &stored
    };
    let planned_identity = identity::of_plan(resource, kept, &planned)?;
    Ok(pb::plan_resource_change::Response {
        planned_state: Some(to_proto::plan(schema, planned)?),
        requires_replace: requires_replace.iter().map(to_proto::path).collect(),
        planned_private: private,
        planned_identity,
        diagnostics: to_proto::diagnostics(&diagnostics),
        ..Default::default()
    })
}

/// Refreshes an object. After an error, state and private state stay unchanged.
pub(crate) async fn read(
    resource: &dyn Resource,
    context: &Context,
    request: pb::read_resource::Request,
) -> Result<pb::read_resource::Response, Diagnostics> {
    let schema = resource.schema();
    let kind = schema.block.value_type();
    let unchanged = |found: &Diagnostics| pb::read_resource::Response {
        new_state: request.current_state.clone(),
        private: request.private.clone(),
        new_identity: resource
            .identity_schema()
            .and(request.current_identity.clone()),
        diagnostics: to_proto::diagnostics(found),
        ..Default::default()
    };
    let current = match from_proto::value("state", request.current_state.clone(), &kind) {
        Ok(current) if current.is_null() => return Ok(unchanged(&Diagnostics::new())),
        Ok(current) => current,
        Err(undecodable) => return Ok(unchanged(&undecodable)),
    };
    let stored = match identity::stored(resource, request.current_identity.clone()) {
        Ok(stored) => stored,
        Err(undecodable) => return Ok(unchanged(&undecodable)),
    };
    let private = request.private.clone();
    let ReadResponse {
        state,
        private,
        diagnostics,
    } = resource
        .read(context, ReadRequest { current, private })
        .await;
    if diagnostics.has_error() {
        return Ok(unchanged(&diagnostics));
    }
    let state = state.unwrap_or_default();
    let (new_identity, unidentified) = identity::of_state(resource, "read", &stored, &state);
    if unidentified.has_error() {
        return Ok(unchanged(&unidentified));
    }
    Ok(match to_proto::state(schema, state) {
        Err(invalid) => unchanged(&invalid),
        Ok(new_state) => pb::read_resource::Response {
            new_state: Some(new_state),
            new_identity,
            private,
            diagnostics: to_proto::diagnostics(&diagnostics),
            ..Default::default()
        },
    })
}

/// Imports exactly one object. The host then refreshes it.
pub(crate) async fn import(
    resource: &dyn Resource,
    context: &Context,
    request: pb::import_resource_state::Request,
) -> Result<pb::import_resource_state::Response, Diagnostics> {
    let named = identity::import(resource, request.id, request.identity)?;
    let imported = resource.import(context, named).await?;
    if imported.state.is_null() {
        return Err(protocol_diagnostics::missing_result("import").into());
    }
    let (identity, unidentified) =
        identity::of_state(resource, "import", &Value::Null, &imported.state);
    if unidentified.has_error() {
        return Err(unidentified);
    }
    let imported = pb::import_resource_state::ImportedResource {
        type_name: request.type_name,
        state: Some(to_proto::state(resource.schema(), imported.state)?),
        private: imported.private,
        identity,
    };
    Ok(pb::import_resource_state::Response {
        imported_resources: vec![imported],
        ..Default::default()
    })
}

/// Upgrades stored state to the current schema version.
///
/// Hosts call this whenever they read a state, even if it has the current version. After a null answer
/// they would plan to create an object that already exists.
pub(crate) async fn upgrade_state(
    resource: &dyn Resource,
    context: &Context,
    request: pb::upgrade_resource_state::Request,
) -> Result<pb::upgrade_resource_state::Response, Diagnostics> {
    let schema = resource.schema();
    let name = resource.type_name();
    let stored = from_proto::stored_state(name, request.raw_state)?;
    let unreadable =
        |error: TypeError| protocol_diagnostics::unreadable_state(name, &with_causes(&error));
    let state = match request.version.cmp(&schema.version) {
        Ordering::Less => {
            let stored = serde_json::from_slice(&stored);
            let stored = stored.map_err(|error| unreadable(Problem::NotJson(error).into()))?;
            resource
                .upgrade_state(context, request.version, stored)
                .await?
        }
        Ordering::Equal => {
            json::decode_slice(&stored, &schema.block.value_type()).map_err(unreadable)?
        }
        Ordering::Greater => {
            return Err(protocol_diagnostics::newer_state(
                name,
                request.version,
                schema.version,
            ));
        }
    };
    if state.is_null() {
        return Err(protocol_diagnostics::unreadable_state(name, "it is null"));
    }
    Ok(pb::upgrade_resource_state::Response {
        upgraded_state: Some(to_proto::state(schema, state)?),
        ..Default::default()
    })
}

/// Generates a configuration for an imported object.
pub(crate) fn generate_config(
    resource: &dyn Resource,
    request: pb::generate_resource_config::Request,
) -> Result<pb::generate_resource_config::Response, Diagnostics> {
    let schema = resource.schema();
    let state = from_proto::value("state", request.state, &schema.block.value_type())?;
    if state.is_null() {
        return Err(protocol_diagnostics::no_state_to_generate_from());
    }
    let GeneratedConfig {
        config,
        diagnostics,
    } = resource.generate_config(state);
    if diagnostics.has_error() {
        return Err(diagnostics);
    }
    Ok(pb::generate_resource_config::Response {
        config: Some(to_proto::state(schema, config)?),
        diagnostics: to_proto::diagnostics(&diagnostics),
    })
}
