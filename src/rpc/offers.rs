//! What there is: metadata, schemas and capabilities, and the provider block.

use crate::diagnostics::Diagnostics;
use crate::framework::{ConfigureRequest, Provider, WriteOnly, check_config};
use crate::rpc::catalogue::Catalogue;
use crate::rpc::generated as pb;
use crate::rpc::{faults, from_proto, functions, to_proto};
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
pub(crate) fn metadata(offered: &Catalogue) -> pb::get_metadata::Response {
    use pb::get_metadata::{FunctionMetadata, ResourceMetadata};
    let Catalogue {
        resources,
        functions,
        doubles: _,
    } = offered;
    let resources = resources.keys().cloned();
    let functions = functions.keys().cloned();
    pb::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: resources
            .map(|type_name| ResourceMetadata { type_name })
            .collect(),
        functions: functions.map(|name| FunctionMetadata { name }).collect(),
        ..Default::default()
    }
}

/// The schemas of everything; or errors, where a host would refuse one or crash on it.
pub(crate) fn schemas(
    provider: &dyn Provider,
    offered: &Catalogue,
) -> Result<pb::get_provider_schema::Response, Diagnostics> {
    let flaws = flaws(provider, offered);
    if flaws.has_error() {
        return Err(flaws);
    }
    Ok(pb::get_provider_schema::Response {
        provider: Some(to_proto::schema(provider.schema())),
        resource_schemas: offered
            .resources
            .iter()
            .map(|(name, resource)| (name.clone(), to_proto::schema(resource.schema())))
            .collect(),
        functions: functions::functions(offered).functions,
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

fn flaws(provider: &dyn Provider, offered: &Catalogue) -> Diagnostics {
    let mut found = of_schema(
        "the provider block",
        provider.schema(),
        RESERVED_IN_PROVIDERS,
    );
    for (name, resource) in &offered.resources {
        let what = format!("{name:?}");
        found.extend(of_schema(&what, resource.schema(), RESERVED_IN_RESOURCES));
    }
    for (name, function) in &offered.functions {
        found.extend(functions::flaws(name, function.definition()));
    }
    for name in &offered.doubles {
        found.push(faults::flawed_schema(name, "there are two of that name"));
    }
    found
}

fn of_schema(what: &str, schema: &Schema, reserved: &[&str]) -> Diagnostics {
    schema
        .flaws(reserved)
        .iter()
        .map(|flaw| faults::flawed_schema(what, &flaw.to_string()))
        .collect()
}
