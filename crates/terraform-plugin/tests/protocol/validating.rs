//! Validation of a configuration without network access and with unknown values.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};

#[tokio::test]
async fn unknown_values_are_not_validated() {
    let host = Host::of(Behavior::Behaves).await;
    let config = Value::object([("name", Value::Unknown), ("rule", Value::Unknown)]);
    assert_eq!(host.validate(&config, true).await.lines(), [""; 0]);
    assert_eq!(host.resource.calls(), ["validate"]);
}

#[tokio::test]
async fn schema_errors_and_resource_errors_are_returned_together() {
    let host = Host::of(Behavior::FailsAtOnce).await;
    let config = Value::object([("id", Value::from("mine")), ("name", Value::Null)]);
    assert_eq!(
        host.validate(&config, true).await.lines(),
        [
            "error at .id: Value for a read-only attribute",
            "error at .name: Missing required argument",
            "error at .name: Can't validate",
        ],
    );
}

#[tokio::test]
async fn a_write_only_value_is_an_error_if_the_host_would_store_it() {
    let host = Host::of(Behavior::Behaves).await;
    let secret = pb::validate_resource_config::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        // {"id": nil, "name": "n", "rule": [], "secret": "s", "size": nil}
        config: Some(pb::DynamicValue {
            msgpack: b"\x85\xa2id\xc0\xa4name\xa1n\xa4rule\x90\xa6secret\xa1s\xa4size\xc0".to_vec(),
            json: vec![],
        }),
        client_capabilities: None,
    };
    let able = pb::validate_resource_config::Request {
        client_capabilities: Some(pb::ClientCapabilities {
            write_only_attributes_allowed: true,
            ..Default::default()
        }),
        ..secret.clone()
    };
    let refused = host
        .client()
        .validate_resource_config(secret)
        .await
        .unwrap();
    assert_eq!(
        lines(&refused.into_inner().diagnostics),
        ["error at .secret: Write-only argument not supported"],
    );
    let taken = host.client().validate_resource_config(able).await.unwrap();
    assert_eq!(lines(&taken.into_inner().diagnostics), [""; 0]);
}

#[tokio::test]
async fn a_panic_is_an_error_that_blames_the_provider() {
    let host = Host::of(Behavior::Panics).await;
    let answer = host
        .validate(&Value::object([("name", "n".into())]), true)
        .await;
    assert_eq!(answer.lines(), ["error: Provider failed unexpectedly"]);
    assert_eq!(
        answer.diagnostics[0].detail,
        "The provider panicked in ValidateResourceConfig: validate went wrong. This is always a \
         bug in the provider. Please report it.",
    );
}
