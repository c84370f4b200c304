//! Answers to calls for something that the provider doesn't support.

use terraform_plugin::protocol::generated as pb;
use tonic::Code;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};

#[tokio::test]
async fn mistake_25_a_resource_without_identity_has_no_identity_schema() {
    let host = Host::of(Behavior::Behaves).await;
    let request = pb::get_resource_identity_schemas::Request {};
    let answer = host.client().get_resource_identity_schemas(request).await;
    let schemas = answer.unwrap().into_inner();
    assert!(schemas.identity_schemas.is_empty() && schemas.diagnostics.is_empty());

    let upgrade = pb::upgrade_resource_identity::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        ..Default::default()
    };
    let answer = host
        .client()
        .upgrade_resource_identity(upgrade)
        .await
        .unwrap();
    let found = lines(&answer.into_inner().diagnostics);
    assert_eq!(found, ["error: Resource has no identity"]);
}

#[tokio::test]
async fn mistake_11_an_unknown_type_is_a_diagnostic_and_no_grpc_status() {
    let mut client = Host::of(Behavior::Behaves).await.client;
    let unknown = || "test_unknown".to_owned();

    macro_rules! found {
        ($call:ident, $name:ident) => {{
            let request = pb::$call::Request {
                $name: unknown(),
                ..Default::default()
            };
            lines(
                &client
                    .$call(request)
                    .await
                    .unwrap()
                    .into_inner()
                    .diagnostics,
            )
        }};
    }
    let resource = ["error: Unknown resource type"];
    assert_eq!(found!(validate_resource_config, type_name), resource);
    assert_eq!(found!(plan_resource_change, type_name), resource);
    assert_eq!(found!(apply_resource_change, type_name), resource);
    assert_eq!(found!(read_resource, type_name), resource);
    assert_eq!(found!(upgrade_resource_state, type_name), resource);
    assert_eq!(found!(import_resource_state, type_name), resource);
    assert_eq!(
        found!(move_resource_state, target_type_name),
        ["error: Resource can't be moved to another type"],
    );
    assert_eq!(found!(generate_resource_config, type_name), resource);
    assert_eq!(found!(upgrade_resource_identity, type_name), resource);
    let data = ["error: Unknown data source type"];
    assert_eq!(found!(validate_data_resource_config, type_name), data);
    assert_eq!(found!(read_data_source, type_name), data);
    let ephemeral = ["error: Unknown ephemeral resource type"];
    assert_eq!(
        found!(validate_ephemeral_resource_config, type_name),
        ephemeral
    );
    assert_eq!(found!(open_ephemeral_resource, type_name), ephemeral);
    assert_eq!(found!(renew_ephemeral_resource, type_name), ephemeral);
    assert_eq!(found!(close_ephemeral_resource, type_name), ephemeral);
    let list = ["error: Unknown list resource type"];
    assert_eq!(found!(validate_list_resource_config, type_name), list);
    let action = ["error: Unknown action type"];
    assert_eq!(found!(validate_action_config, action_type), action);
    assert_eq!(found!(plan_action, action_type), action);
}

#[tokio::test]
async fn a_stream_of_an_unknown_type_has_one_diagnostic() {
    let mut client = Host::of(Behavior::Behaves).await.client;
    let request = pb::list_resource::Request {
        type_name: "test_unknown".to_owned(),
        ..Default::default()
    };
    let mut events = client.list_resource(request).await.unwrap().into_inner();
    let event = events.message().await.unwrap().unwrap();
    assert_eq!(
        lines(&event.diagnostic),
        ["error: Unknown list resource type"]
    );
    assert_eq!(events.message().await.unwrap(), None);

    let request = pb::invoke_action::Request {
        action_type: "test_unknown".to_owned(),
        ..Default::default()
    };
    let mut events = client.invoke_action(request).await.unwrap().into_inner();
    let event = events.message().await.unwrap().unwrap();
    let Some(pb::invoke_action::event::Type::Completed(completed)) = event.r#type else {
        panic!("an action must end with its completion");
    };
    assert_eq!(
        lines(&completed.diagnostics),
        ["error: Unknown action type"]
    );
    assert_eq!(events.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_call_of_an_unknown_function_is_a_function_error() {
    let mut client = Host::of(Behavior::Behaves).await.client;
    let functions = client
        .get_functions(pb::get_functions::Request {})
        .await
        .unwrap();
    assert!(functions.into_inner().functions.is_empty());

    let request = pb::call_function::Request {
        name: "nothing".to_owned(),
        arguments: vec![],
    };
    let answer = client.call_function(request).await.unwrap().into_inner();
    let error = answer.error.unwrap();
    assert_eq!(
        error.text,
        "this version of the provider has no function named \"nothing\"",
    );
    assert_eq!((error.function_argument, answer.result), (None, None));
}

#[tokio::test]
async fn state_stores_are_not_implemented() {
    let mut client = Host::of(Behavior::Behaves).await.client;
    let status = client
        .get_states(pb::get_states::Request::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
