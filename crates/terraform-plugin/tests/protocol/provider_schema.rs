//! Schemas, capabilities and the provider block.

use std::sync::Arc;

use async_trait::async_trait;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::{ConfigureRequest, Context, Provider, Resource};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::schema::{Attribute, Configurability, Nesting, Schema};
use terraform_plugin::value::{Type, Value};

use terraform_plugin_testing::host::{Host, connect, lines};
use terraform_plugin_testing::schemas;
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE, ScriptedResource};

/// One line for each attribute and block: name, type, flags.
fn outline(block: &pb::schema::Block, indent: &str) -> String {
    let mut text = String::new();
    for attribute in &block.attributes {
        text += &attribute_outline(attribute, indent);
    }
    for nested in &block.block_types {
        let nesting = nested.nesting();
        text += &format!("{indent}block {} {nesting:?}\n", nested.type_name);
        text += &outline(nested.block.as_ref().unwrap(), &format!("{indent}  "));
    }
    text
}

fn attribute_outline(attribute: &pb::schema::Attribute, indent: &str) -> String {
    let flags = [
        (attribute.required, "required"),
        (attribute.optional, "optional"),
        (attribute.computed, "computed"),
        (attribute.sensitive, "sensitive"),
        (attribute.write_only, "write-only"),
        (attribute.deprecated, "deprecated"),
    ];
    let flags: Vec<&str> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| *name)
        .collect();
    let flags = flags.join(" ");
    let name = &attribute.name;
    match &attribute.nested_type {
        None => {
            let kind: serde_json::Value = serde_json::from_slice(&attribute.r#type).unwrap();
            Type::from_json(&kind).unwrap();
            format!("{indent}{name} {kind} {flags}\n")
        }
        Some(nested) => {
            assert!(attribute.r#type.is_empty(), "{name} has two types");
            let nesting = nested.nesting();
            let inner = nested.attributes.iter();
            let inner = inner.map(|inner| attribute_outline(inner, &format!("{indent}  ")));
            format!(
                "{indent}{name} {nesting:?} {flags}\n{}",
                inner.collect::<String>()
            )
        }
    }
}

#[tokio::test]
async fn mistakes_12_and_13_the_schema_contains_every_attribute_and_block() {
    let host = Host::with(schemas::everything(), Behavior::Behaves).await;
    let answer = host.schemas().await;
    assert_eq!(lines(&answer.diagnostics), [""; 0]);
    assert!(answer.provider.unwrap().block.is_some());
    assert_eq!(answer.functions.len() + answer.data_source_schemas.len(), 0);

    let thing = &answer.resource_schemas[RESOURCE_TYPE];
    assert_eq!(thing.version, 2);
    insta::assert_snapshot!(outline(thing.block.as_ref().unwrap(), ""), @r#"
    text "string" optional
    number "number" optional
    truth "bool" optional
    any "dynamic" optional
    list ["list","string"] optional
    set ["set","number"] optional
    map ["map",["list","bool"]] optional
    object ["object",{"a":"string","b":"bool"}] optional
    tuple ["tuple",["string","number"]] optional
    nested_single Single optional
      a "string" optional
      n "number" optional
    nested_list List optional
      any "dynamic" optional
    nested_set Set optional
      a "string" optional
      n "number" optional
    nested_map Map optional
      any "dynamic" optional
    block block_single Single
      a "string" optional
      n "number" optional
    block block_group Group
      a "string" optional
      n "number" optional
    block block_list List
      a "string" optional
      n "number" optional
      block inner Set
        a "string" optional
        n "number" optional
    block block_set Set
      a "string" optional
      n "number" optional
    block block_map Map
      a "string" optional
      n "number" optional
    block block_list_any List
      any "dynamic" optional
    block block_map_any Map
      any "dynamic" optional
    "#);
}

#[tokio::test]
async fn attribute_flags_reach_the_host() {
    let flagged = vec![
        Attribute::new("id", Type::String, Configurability::Computed, "The id."),
        Attribute::new("name", Type::String, Configurability::Required, "").sensitive(),
        Attribute::new("kind", Type::String, Configurability::OptionalComputed, ""),
        Attribute::new("key", Type::String, Configurability::Optional, "").write_only(),
        Attribute::new("old", Type::String, Configurability::Optional, "").deprecated("Use kind."),
    ];
    let host = Host::with(schemas::schema(flagged, vec![]), Behavior::Behaves).await;
    let schemas = host.schemas().await.resource_schemas;
    let block = schemas[RESOURCE_TYPE].block.as_ref().unwrap();
    insta::assert_snapshot!(outline(block, ""), @r#"
    id "string" computed
    name "string" required sensitive
    kind "string" optional computed
    key "string" optional write-only
    old "string" optional deprecated
    "#);
    assert_eq!(block.attributes[0].description, "The id.");
    assert_eq!(
        block.attributes[0].description_kind(),
        pb::StringKind::Markdown
    );
    assert_eq!(block.attributes[4].deprecation_message, "Use kind.");
}

#[tokio::test]
async fn mistake_13_a_schema_that_hosts_reject_is_an_error() {
    let attributes = vec![
        Attribute::new("count", Type::String, Configurability::Optional, ""),
        Attribute::nested(
            "tags",
            Nesting::Set,
            vec![schemas::plain("any", Type::Dynamic)],
            Configurability::Optional,
            "",
        ),
    ];
    let host = Host::with(schemas::schema(attributes, vec![]), Behavior::Behaves).await;
    let answer = host.schemas().await;
    assert!(answer.resource_schemas.is_empty());
    let details: Vec<&str> = answer
        .diagnostics
        .iter()
        .map(|found| &found.detail[..])
        .collect();
    assert_eq!(
        details,
        [
            "The schema of \"test_thing\" breaks a rule of the protocol: tags: a set must not \
             contain dynamic attributes. This is always a bug in the provider. Please report it.",
            "The schema of \"test_thing\" breaks a rule of the protocol: count: the name is \
             reserved. This is always a bug in the provider. Please report it.",
        ],
    );
}

#[tokio::test]
async fn metadata_and_schema_have_the_same_capabilities() {
    let host = Host::of(Behavior::Behaves).await;
    let request = pb::get_metadata::Request {};
    let metadata = host
        .client()
        .get_metadata(request)
        .await
        .unwrap()
        .into_inner();
    let schema = host.schemas().await;
    assert_eq!(
        metadata.server_capabilities,
        Some(pb::ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            move_resource_state: false,
            generate_resource_config: true,
        }),
    );
    assert_eq!(schema.server_capabilities, metadata.server_capabilities);
    assert_eq!(metadata.resources[0].type_name, RESOURCE_TYPE);
}

#[tokio::test]
async fn the_provider_can_be_validated_and_configured_repeatedly() {
    let host = Host::of(Behavior::Behaves).await;
    let kind = Type::Object([("account".to_owned(), Type::String)].into());
    let config = |account: Value| {
        let object = Value::object([("account", account)]);
        Some(pb::DynamicValue {
            msgpack: terraform_plugin::value::msgpack::encode(&object, &kind).unwrap(),
            json: vec![],
        })
    };
    let validate = pb::validate_provider_config::Request {
        config: config(Value::Unknown),
    };
    let answer = host
        .client()
        .validate_provider_config(validate)
        .await
        .unwrap();
    assert_eq!(lines(&answer.into_inner().diagnostics), [""; 0]);
    for account in [Value::from("one"), Value::from("two"), Value::Unknown] {
        let configure = pb::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: config(account),
            client_capabilities: None,
        };
        let answer = host.client().configure_provider(configure).await.unwrap();
        assert_eq!(lines(&answer.into_inner().diagnostics), [""; 0]);
    }
    assert_eq!(
        host.resource.calls(),
        [
            "validate provider",
            "configure one for 1.11.4",
            "configure two for 1.11.4",
            "configure no account for 1.11.4",
        ],
    );
}

/// A provider with these resources and an empty provider block.
struct Resources {
    schema: Schema,
    resources: Vec<Arc<dyn Resource>>,
}

impl Resources {
    fn of(resources: Vec<Arc<dyn Resource>>) -> Arc<Self> {
        Arc::new(Self {
            schema: schemas::schema(vec![], vec![]),
            resources,
        })
    }
}

#[async_trait]
impl Provider for Resources {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        self.resources.clone()
    }

    async fn validate_config(&self, _: &Context, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _: &Context, _: ConfigureRequest) -> Diagnostics {
        Diagnostics::new()
    }
}

#[tokio::test]
async fn an_empty_provider_still_has_a_provider_block() {
    let mut client = connect(Resources::of(vec![])).await;
    let answer = client.get_provider_schema(pb::get_provider_schema::Request {});
    let answer = answer.await.unwrap().into_inner();
    assert!(answer.provider.unwrap().block.is_some());
}

#[tokio::test]
async fn two_resources_with_the_same_name_are_an_error() {
    let twin = || ScriptedResource::new(schemas::thing(), Behavior::Behaves);
    let mut client = connect(Resources::of(vec![twin(), twin()])).await;
    let answer = client.get_provider_schema(pb::get_provider_schema::Request {});
    let answer = answer.await.unwrap().into_inner();
    assert_eq!(
        lines(&answer.diagnostics),
        ["error: Provider has an invalid schema"]
    );
    assert_eq!(
        answer.diagnostics[0].detail,
        "The schema of \"test_thing\" breaks a rule of the protocol: the name is used twice. \
         This is always a bug in the provider. Please report it.",
    );
}
