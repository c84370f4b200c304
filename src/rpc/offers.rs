//! What there is: metadata, schemas and capabilities, and the provider block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::framework::{ConfigureRequest, Provider, Resource, WriteOnly, check_config};
use crate::rpc::generated as pb;
use crate::rpc::{faults, from_proto, to_proto};
use crate::schema::Schema;
use crate::schema::rules::{RESERVED_IN_PROVIDERS, RESERVED_IN_RESOURCES};

/// What a host may count on. It asks before it destroys, and a process of ours needs no call for
/// the schema before any other.
const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: false,
    generate_resource_config: false,
};

/// The names of everything.
pub(crate) fn metadata<'a>(
    resources: impl Iterator<Item = &'a String>,
) -> pb::get_metadata::Response {
    pb::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: resources
            .cloned()
            .map(|type_name| pb::get_metadata::ResourceMetadata { type_name })
            .collect(),
        ..Default::default()
    }
}

/// The schemas of everything; or errors, where a host would refuse one or crash on it.
pub(crate) fn schemas(
    provider: &dyn Provider,
    resources: &BTreeMap<String, Arc<dyn Resource>>,
) -> Result<pb::get_provider_schema::Response, Diagnostics> {
    let mut flaws = flaws(
        "the provider block",
        provider.schema(),
        RESERVED_IN_PROVIDERS,
    );
    let mut names = BTreeSet::new();
    for resource in provider.resources() {
        let what = format!("{:?}", resource.type_name());
        flaws.extend(self::flaws(&what, resource.schema(), RESERVED_IN_RESOURCES));
        if !names.insert(what.clone()) {
            flaws.push(faults::flawed_schema(&what, "there are two of that name"));
        }
    }
    if flaws.has_error() {
        return Err(flaws);
    }
    Ok(pb::get_provider_schema::Response {
        provider: Some(to_proto::schema(provider.schema())),
        resource_schemas: resources
            .iter()
            .map(|(name, resource)| (name.clone(), to_proto::schema(resource.schema())))
            .collect(),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    })
}

/// Checks a provider block.
pub(crate) async fn validate_provider(
    provider: &dyn Provider,
    request: pb::validate_provider_config::Request,
) -> Result<pb::validate_provider_config::Response, Diagnostics> {
    let block = &provider.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::NotAllowed);
    found.extend(provider.validate_config(&config).await);
    Ok(pb::validate_provider_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Takes a provider block.
pub(crate) async fn configure_provider(
    provider: &dyn Provider,
    request: pb::configure_provider::Request,
) -> Result<pb::configure_provider::Response, Diagnostics> {
    let kind = provider.schema().block.value_type();
    let config = from_proto::value("configuration", request.config, &kind)?;
    let found = provider
        .configure(ConfigureRequest {
            config,
            host_version: request.terraform_version,
        })
        .await;
    Ok(pb::configure_provider::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

fn flaws(what: &str, schema: &Schema, reserved: &[&str]) -> Diagnostics {
    schema
        .flaws(reserved)
        .iter()
        .map(|flaw| faults::flawed_schema(what, &flaw.to_string()))
        .collect()
}
