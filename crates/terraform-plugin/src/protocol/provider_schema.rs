//! Metadata, schemas, capabilities and the provider block.

use std::collections::HashMap;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::{ConfigureRequest, Context, Provider, WriteOnly, check_config};
use crate::protocol::generated as pb;
use crate::protocol::type_registry::{Named, TypeRegistry};
use crate::protocol::{from_proto, functions, identity, protocol_diagnostics, to_proto};
use crate::schema::rules::{Flaw, RESERVED_IN_PROVIDERS, RESERVED_IN_RESOURCES};
use crate::schema::{Attribute, Configurability, IdentitySchema, Schema};

/// The server capabilities. The provider plans destroys, and a host may call any RPC without
/// requesting the schema first.
const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: false,
    generate_resource_config: true,
};

/// The names of all types and functions.
pub(crate) fn metadata(types: &TypeRegistry) -> pb::get_metadata::Response {
    use pb::get_metadata::{
        ActionMetadata, DataSourceMetadata, FunctionMetadata, ListResourceMetadata,
        ResourceMetadata,
    };
    fn names<T: ?Sized, M>(things: &Named<T>, entry: impl Fn(String) -> M) -> Vec<M> {
        things.keys().cloned().map(entry).collect()
    }
    pb::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        diagnostics: Vec::new(),
        resources: names(&types.resources, |type_name| ResourceMetadata { type_name }),
        data_sources: names(&types.data_sources, |type_name| DataSourceMetadata {
            type_name,
        }),
        list_resources: names(&types.list_resources, |type_name| ListResourceMetadata {
            type_name,
        }),
        actions: names(&types.actions, |type_name| ActionMetadata { type_name }),
        functions: names(&types.functions, |name| FunctionMetadata { name }),
        ephemeral_resources: Vec::new(),
        state_stores: Vec::new(),
    }
}

/// The schemas of all types and functions.
///
/// # Errors
/// A host would reject a schema or crash on it.
pub(crate) fn schemas(
    provider: &dyn Provider,
    types: &TypeRegistry,
) -> Result<pb::get_provider_schema::Response, Diagnostics> {
    fn each<T: ?Sized, S>(things: &Named<T>, schema: impl Fn(&T) -> S) -> HashMap<String, S> {
        let things = things.iter();
        things
            .map(|(name, thing)| (name.clone(), schema(thing)))
            .collect()
    }
    let flaws = flaws(provider, types);
    if flaws.has_error() {
        return Err(flaws);
    }
    let schema = to_proto::schema;
    Ok(pb::get_provider_schema::Response {
        provider: Some(schema(provider.schema())),
        resource_schemas: each(&types.resources, |it| schema(it.schema())),
        data_source_schemas: each(&types.data_sources, |it| schema(it.schema())),
        list_resource_schemas: each(&types.list_resources, |it| schema(it.schema())),
        action_schemas: each(&types.actions, |it| pb::ActionSchema {
            schema: Some(schema(it.schema())),
        }),
        functions: functions::functions(types).functions,
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    })
}

/// The schemas of the identities of the managed resources.
pub(crate) fn identity_schemas(
    types: &TypeRegistry,
) -> pb::get_resource_identity_schemas::Response {
    let resources = types.resources.iter();
    identity::schemas(resources.map(|(name, resource)| (name, resource.as_ref())))
}

/// Validates a provider block.
pub(crate) async fn validate_provider(
    provider: &dyn Provider,
    context: &Context,
    request: pb::validate_provider_config::Request,
) -> Result<pb::validate_provider_config::Response, Diagnostics> {
    let block = &provider.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::NotAllowed);
    found.extend(provider.validate_config(context, &config).await);
    Ok(pb::validate_provider_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Configures the provider.
pub(crate) async fn configure_provider(
    provider: &dyn Provider,
    context: &Context,
    request: pb::configure_provider::Request,
) -> Result<pb::configure_provider::Response, Diagnostics> {
    let kind = provider.schema().block.value_type();
    let config = from_proto::value("configuration", request.config, &kind)?;
    let found = provider
        .configure(
            context,
            ConfigureRequest {
                config,
                host_version: request.terraform_version,
            },
        )
        .await;
    Ok(pb::configure_provider::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

fn flaws(provider: &dyn Provider, types: &TypeRegistry) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut check = |what: &str, schema: &Schema, reserved: &[&str]| {
        let flaws = schema.flaws(reserved);
        found.extend(flaws.iter().map(|flaw| flawed(what, flaw)));
    };
    check(
        "the provider block",
        provider.schema(),
        RESERVED_IN_PROVIDERS,
    );
    for (name, resource) in &types.resources {
        check(
            &format!("{name:?}"),
            resource.schema(),
            RESERVED_IN_RESOURCES,
        );
    }
    for (name, source) in &types.data_sources {
        let what = format!("the data source {name:?}");
        check(&what, source.schema(), RESERVED_IN_RESOURCES);
    }
    for (name, list) in &types.list_resources {
        let what = format!("the list resource {name:?}");
        check(&what, list.schema(), RESERVED_IN_RESOURCES);
    }
    for (name, action) in &types.actions {
        let what = format!("the action {name:?}");
        check(&what, action.schema(), RESERVED_IN_RESOURCES);
    }
    found.extend(flaws_beyond_schemas(types));
    found
}

/// The flaws outside the schemas themselves.
fn flaws_beyond_schemas(types: &TypeRegistry) -> Diagnostics {
    let mut found = Diagnostics::new();
    let identities = &types.resources;
    for (name, resource) in identities {
        let what = format!("the identity of {name:?}");
        let flaws = resource.identity_schema().map(IdentitySchema::flaws);
        found.extend(flaws.iter().flatten().map(|flaw| flawed(&what, flaw)));
    }
    for name in types.list_resources.keys() {
        let resource = identities.get(name);
        if resource.is_none_or(|resource| resource.identity_schema().is_none()) {
            let rule = "no managed resource of this name has an identity";
            let what = format!("the list resource {name:?}");
            found.push(protocol_diagnostics::flawed_schema(&what, rule));
        }
    }
    for (name, action) in &types.actions {
        if action.schema().block.attributes.iter().any(is_computed) {
            let what = format!("the action {name:?}");
            found.push(protocol_diagnostics::flawed_schema(
                &what,
                "an action must not have computed attributes",
            ));
        }
    }
    for (name, function) in &types.functions {
        found.extend(functions::flaws(name, function.definition()));
    }
    for name in &types.duplicates {
        found.push(protocol_diagnostics::flawed_schema(
            name,
            "the name is used twice",
        ));
    }
    found
}

fn flawed(what: &str, flaw: &Flaw) -> Diagnostic {
    protocol_diagnostics::flawed_schema(what, &flaw.to_string())
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(
        attribute.configurability,
        Configurability::Computed | Configurability::OptionalComputed
    )
}
