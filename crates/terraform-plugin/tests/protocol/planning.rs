//! Plans.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};

fn named(name: &str) -> Value {
    Value::object([("name", name.into())])
}

#[tokio::test]
async fn the_fields_of_the_next_minor_version_do_not_change_a_plan() {
    let host = Host::of(Behavior::Behaves).await;
    let proposed = Value::object([("name", "a".into())]);
    let request = host.plan_request(&Value::Null, &proposed);
    let from_the_next_minor_version = pb::plan_resource_change::Request {
        client_capabilities: Some(pb::ClientCapabilities {
            store_planned_private: true,
            computed_blocks_allowed: true,
            ..Default::default()
        }),
        planned_private: b"of the first plan".to_vec(),
        ..request.clone()
    };

    let plan = host.client().plan_resource_change(request).await;
    let next = host
        .client()
        .plan_resource_change(from_the_next_minor_version)
        .await;

    assert_eq!(plan.unwrap().into_inner(), next.unwrap().into_inner());
    let schema = host.schemas().await.resource_schemas.remove(RESOURCE_TYPE);
    assert!(!schema.unwrap().block.unwrap().computed);
}

#[tokio::test]
async fn a_plan_has_every_attribute_and_unknown_computed_values() {
    let host = Host::of(Behavior::Behaves).await;
    let plan = host.plan(&Value::Null, &named("a")).await;
    assert_eq!(plan.lines(), [""; 0]);
    assert_eq!(
        plan.object,
        Value::object([
            ("id", Value::Unknown),
            ("name", "a".into()),
            ("size", Value::Null),
            ("secret", Value::Null),
            ("rule", Value::List(vec![])),
        ]),
    );
    assert_eq!(plan.private, b"planned");
}

#[tokio::test]
async fn mistakes_14_and_19_omitted_attributes_are_null_and_omitted_blocks_empty() {
    let host = Host::of(Behavior::Returns(Value::object([("name", "a".into())]))).await;
    let plan = host.plan(&Value::Null, &named("a")).await;
    // The decoder fails if an attribute is missing.
    assert_eq!(*plan.object.get("size"), Value::Null);
    assert_eq!(*plan.object.get("rule"), Value::List(vec![]));
}

#[tokio::test]
async fn mistake_21_a_write_only_value_never_leaves_the_configuration() {
    let secret = Value::object([("name", "a".into()), ("secret", "s3cret".into())]);
    let host = Host::of(Behavior::Returns(secret.clone())).await;
    for answer in [
        host.plan(&Value::Null, &named("a")).await,
        host.apply(&Value::Null, &named("a")).await,
        host.read(&named("a")).await,
    ] {
        assert_eq!(*answer.object.get("secret"), Value::Null);
        assert_eq!(answer.lines(), [""; 0]);
    }
}

#[tokio::test]
async fn mistake_22_a_destroy_is_planned_as_null_without_calling_the_resource() {
    let host = Host::of(Behavior::Panics).await;
    let plan = host.plan(&named("a"), &Value::Null).await;
    assert_eq!(plan.object, Value::Null);
    assert_eq!(
        plan.private, b"prior",
        "private state must reach the delete"
    );
    assert_eq!(plan.lines(), [""; 0]);
    assert_eq!(host.resource.calls(), [""; 0]);
}

#[tokio::test]
async fn attributes_that_require_replacement_are_paths() {
    use pb::attribute_path::step::Selector;
    let host = Host::of(Behavior::Behaves).await;
    let with_rule = |name: &str| {
        let rule = Value::object([("name", Value::from(name))]);
        Value::object([("name", "a".into()), ("rule", Value::List(vec![rule]))])
    };
    let request = host.plan_request(&with_rule("x"), &with_rule("y"));
    let answer = host.client().plan_resource_change(request).await.unwrap();
    let paths = answer.into_inner().requires_replace;
    let steps: Vec<Selector> = paths[0]
        .steps
        .iter()
        .map(|step| step.selector.clone().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            Selector::AttributeName("rule".to_owned()),
            Selector::ElementKeyInt(0),
            Selector::AttributeName("name".to_owned()),
        ],
    );
}

#[tokio::test]
async fn mistake_24_no_plan_is_deferred_even_if_the_host_allows_it() {
    let host = Host::of(Behavior::Behaves).await;
    let request = pb::plan_resource_change::Request {
        client_capabilities: Some(pb::ClientCapabilities {
            deferral_allowed: true,
            ..Default::default()
        }),
        ..host.plan_request(&Value::Null, &named("a"))
    };
    let answer = host.client().plan_resource_change(request).await.unwrap();
    assert_eq!(answer.into_inner().deferred, None);
}

#[tokio::test]
async fn an_unknown_dynamic_block_stays_unknown() {
    let host = Host::of(Behavior::Behaves).await;
    let proposed = Value::object([("name", "a".into()), ("rule", Value::Unknown)]);
    let plan = host.plan(&Value::Null, &proposed).await;
    assert_eq!(*plan.object.get("rule"), Value::Unknown);
}

#[tokio::test]
async fn a_failed_plan_returns_a_diagnostic_with_its_path() {
    let host = Host::of(Behavior::FailsAtOnce).await;
    let plan = host.plan(&Value::Null, &named("a")).await;
    assert_eq!(plan.lines(), ["error at .name: Can't plan"]);
    assert_eq!(plan.object, Value::Null);
}

#[tokio::test]
async fn a_null_plan_is_an_error_and_not_a_destroy() {
    for nothing in [Value::Null, Value::Unknown] {
        let host = Host::of(Behavior::Returns(nothing)).await;
        let plan = host.plan(&named("a"), &named("b")).await;
        assert_eq!(plan.lines(), ["error: Missing resource state after plan"]);
    }
}

#[tokio::test]
async fn mistake_10_a_panic_is_a_diagnostic() {
    let host = Host::of(Behavior::Panics).await;
    let plan = host.plan(&Value::Null, &named("a")).await;
    assert_eq!(plan.lines(), ["error: Provider failed unexpectedly"]);
}

#[tokio::test]
async fn a_plan_that_does_not_match_the_schema_is_an_error_with_its_path() {
    let host = Host::of(Behavior::Returns(Value::object([(
        "size",
        Value::from("big"),
    )])))
    .await;
    let plan = host.plan(&Value::Null, &named("a")).await;
    assert_eq!(
        plan.lines(),
        ["error at .size: Provider returned an invalid value"]
    );
    assert_eq!(
        plan.diagnostics[0].detail,
        "The result doesn't match the schema: size: a number is required, found a string. This is \
         always a bug in the provider. Please report it.",
    );
}

#[tokio::test]
async fn a_request_that_does_not_match_the_schema_is_an_error_with_its_path() {
    let host = Host::of(Behavior::Behaves).await;
    let mut request = host.plan_request(&Value::Null, &named("a"));
    // {"id": nil, "name": "n", "rule": [{"name": 7}], "secret": nil, "size": nil}
    request.config = Some(pb::DynamicValue {
        msgpack:
            b"\x85\xa2id\xc0\xa4name\xa1n\xa4rule\x91\x81\xa4name\x07\xa6secret\xc0\xa4size\xc0"
                .to_vec(),
        json: vec![],
    });
    let answer = host.client().plan_resource_change(request).await.unwrap();
    let found = answer.into_inner().diagnostics;
    assert_eq!(
        lines(&found),
        ["error at .rule[0].name: Can't read the configuration sent by the host"],
    );
    assert!(
        found[0]
            .detail
            .contains("a string is required, found a number")
    );
    assert_eq!(host.resource.calls(), [""; 0]);
}
