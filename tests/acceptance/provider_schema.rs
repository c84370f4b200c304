//! The provider's schemas in the format of `providers schema -json`. They come from the provider itself,
//! because each host prints only the kinds that it supports.

use serde_json::{Map, Value, json};
use terraform_plugin::framework::{Definition, Parameter, Provider};
use terraform_plugin::schema::{
    Attribute, AttributeKind, Block, Configurability, ForImport, IdentitySchema, NestedBlock,
    Nesting, Schema,
};
use terraform_provider_acr::provider::{AcrProvider, Environment};

/// All schemas by kind and name, without empty kinds.
pub(crate) fn provider_schema() -> Value {
    let provider = AcrProvider::new(Environment::default());
    let resources = provider.resources();
    let identities = resources.iter().filter_map(|it| {
        let identity = it.identity_schema()?;
        Some((it.type_name().to_owned(), identity_json(identity)))
    });
    let kinds = [
        ("provider", schema_json(provider.schema())),
        (
            "resource_schemas",
            named(
                resources
                    .iter()
                    .map(|it| (it.type_name(), schema_json(it.schema()))),
            ),
        ),
        (
            "resource_identity_schemas",
            Value::Object(identities.collect()),
        ),
        (
            "data_source_schemas",
            named(
                provider
                    .data_sources()
                    .iter()
                    .map(|it| (it.type_name(), schema_json(it.schema()))),
            ),
        ),
        (
            "list_resource_schemas",
            named(
                provider
                    .list_resources()
                    .iter()
                    .map(|it| (it.type_name(), schema_json(it.schema()))),
            ),
        ),
        (
            "action_schemas",
            named(provider.actions().iter().map(|it| {
                (
                    it.type_name(),
                    json!({"block": block_json(&it.schema().block)}),
                )
            })),
        ),
        (
            "functions",
            named(
                provider
                    .functions()
                    .iter()
                    .map(|it| (it.name(), function_json(it.definition()))),
            ),
        ),
    ];
    let kinds = kinds.into_iter().filter(|(_, kind)| *kind != json!({}));
    Value::Object(kinds.map(|(name, kind)| (name.to_owned(), kind)).collect())
}

fn named<'a>(things: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(
        things
            .map(|(name, thing)| (name.to_owned(), thing))
            .collect(),
    )
}

fn schema_json(schema: &Schema) -> Value {
    json!({"version": schema.version, "block": block_json(&schema.block)})
}

fn block_json(block: &Block) -> Value {
    let mut json = json!({"description_kind": "markdown"});
    put(&mut json, "attributes", attributes_json(&block.attributes));
    let blocks = block.blocks.iter();
    put(
        &mut json,
        "block_types",
        named(blocks.map(|it| (&*it.name, nested_block_json(it)))),
    );
    put(&mut json, "description", block.description.clone().into());
    put(&mut json, "deprecated", block.deprecation.is_some().into());
    json
}

fn nested_block_json(nested: &NestedBlock) -> Value {
    let mut json = json!({
        "nesting_mode": nesting(nested.nesting),
        "block": block_json(&nested.block),
    });
    put(&mut json, "min_items", nested.min_items.into());
    put(&mut json, "max_items", nested.max_items.into());
    json
}

fn attributes_json(attributes: &[Attribute]) -> Value {
    named(attributes.iter().map(|it| (&*it.name, attribute_json(it))))
}

fn attribute_json(attribute: &Attribute) -> Value {
    use Configurability::{Computed, Optional, OptionalComputed, Required};
    let mut json = json!({"description_kind": "markdown"});
    match &attribute.kind {
        AttributeKind::Plain(kind) => put(&mut json, "type", kind.to_json()),
        AttributeKind::Nested(mode, inner) => {
            let nested =
                json!({"attributes": attributes_json(inner), "nesting_mode": nesting(*mode)});
            put(&mut json, "nested_type", nested);
        }
    }
    let presence = attribute.configurability;
    put(
        &mut json,
        "description",
        attribute.description.clone().into(),
    );
    put(&mut json, "required", (presence == Required).into());
    let is_optional = matches!(presence, Optional | OptionalComputed);
    put(&mut json, "optional", is_optional.into());
    let is_computed = matches!(presence, Computed | OptionalComputed);
    put(&mut json, "computed", is_computed.into());
    put(&mut json, "sensitive", attribute.sensitive.into());
    put(&mut json, "write_only", attribute.write_only.into());
    put(
        &mut json,
        "deprecated",
        attribute.deprecation.is_some().into(),
    );
    json
}

fn identity_json(schema: &IdentitySchema) -> Value {
    let attributes = schema.attributes.iter().map(|it| {
        let mut json = json!({"type": it.kind.to_json(), "description": it.description});
        let key = match it.for_import {
            ForImport::Required => "required_for_import",
            ForImport::Optional => "optional_for_import",
        };
        put(&mut json, key, true.into());
        (&*it.name, json)
    });
    json!({"version": schema.version, "attributes": named(attributes)})
}

fn function_json(definition: &Definition) -> Value {
    let parameters = definition.parameters.iter().map(parameter_json);
    let mut json = json!({"return_type": definition.returns.to_json()});
    put(&mut json, "summary", definition.summary.clone().into());
    put(
        &mut json,
        "description",
        definition.description.clone().into(),
    );
    put(&mut json, "parameters", Value::Array(parameters.collect()));
    if let Some(variadic) = &definition.variadic {
        put(&mut json, "variadic_parameter", parameter_json(variadic));
    }
    json
}

fn parameter_json(parameter: &Parameter) -> Value {
    let mut json = json!({"name": parameter.name, "type": parameter.kind.to_json()});
    put(
        &mut json,
        "description",
        parameter.description.clone().into(),
    );
    put(&mut json, "is_nullable", parameter.allow_null.into());
    json
}

fn nesting(nesting: Nesting) -> &'static str {
    match nesting {
        Nesting::Single => "single",
        Nesting::Group => "group",
        Nesting::List => "list",
        Nesting::Set => "set",
        Nesting::Map => "map",
    }
}

/// Inserts a value unless it is empty, false or zero, because hosts omit those.
fn put(json: &mut Value, key: &str, value: Value) {
    let is_nothing = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) => false,
    };
    if !is_nothing {
        let members: &mut Map<String, Value> = json.as_object_mut().unwrap();
        members.insert(key.to_owned(), value);
    }
}
