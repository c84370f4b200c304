//! The events of actions, as Terraform 1.14 and later call them.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};
use tonic::Streaming;

use terraform_plugin_testing::action_events::{collect_events, message};
use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::Behavior;
use terraform_plugin_testing::scripted_unmanaged::{DATA_SOURCE_TYPE, ScriptedUnmanaged};

fn config(word: Value) -> Option<pb::DynamicValue> {
    let kind = Type::Object([("word".to_owned(), Type::String)].into());
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&Value::object([("word", word)]), &kind).unwrap(),
        json: vec![],
    })
}

async fn start(host: &Host, word: impl Into<Value>) -> Streaming<pb::invoke_action::Event> {
    let request = pb::invoke_action::Request {
        action_type: DATA_SOURCE_TYPE.to_owned(),
        config: config(word.into()),
        ..Default::default()
    };
    host.client()
        .invoke_action(request)
        .await
        .unwrap()
        .into_inner()
}

/// The remaining messages of an action, followed by the diagnostics of its completion.
async fn rest(events: Streaming<pb::invoke_action::Event>) -> Vec<String> {
    let all = collect_events(events).await;
    let completed = format!("completed {}", lines(&all.outcome).join("; "));
    all.messages.into_iter().chain([completed]).collect()
}

#[tokio::test]
async fn mistake_12_the_schema_and_metadata_contain_the_action() {
    let host = Host::identified(Behavior::Behaves).await;
    let schemas = host.schemas().await;
    let schema = schemas.action_schemas[DATA_SOURCE_TYPE]
        .schema
        .as_ref()
        .unwrap();
    assert_eq!(schema.block.as_ref().unwrap().attributes[0].name, "word");
    let request = pb::get_metadata::Request {};
    let metadata = host
        .client()
        .get_metadata(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.actions[0].type_name, DATA_SOURCE_TYPE);
}

#[tokio::test]
async fn validate_and_plan_do_not_run_the_action() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let bad = vec!["error at .word: Bad word"];
    for (word, validated, planned) in [
        (Value::from("fine"), vec![], vec![]),
        (Value::Unknown, vec![], vec![]),
        ("bad".into(), bad.clone(), bad),
        (
            Value::Null,
            vec!["error at .word: Missing required argument"],
            vec![],
        ),
    ] {
        let request = pb::validate_action_config::Request {
            action_type: DATA_SOURCE_TYPE.to_owned(),
            config: config(word.clone()),
        };
        let answer = host.client().validate_action_config(request).await.unwrap();
        assert_eq!(lines(&answer.into_inner().diagnostics), validated);
        let request = pb::plan_action::Request {
            action_type: DATA_SOURCE_TYPE.to_owned(),
            config: config(word),
            ..Default::default()
        };
        let answer = host
            .client()
            .plan_action(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(lines(&answer.diagnostics), planned);
        assert_eq!(answer.deferred, None);
    }
    let acts = unmanaged.noted();
    let harmless = |act: &String| act.starts_with("validate") || act.starts_with("plan");
    assert!(acts.iter().all(harmless), "{acts:?}");
}

#[tokio::test]
async fn an_action_sends_one_completion_after_all_its_messages() {
    let host = Host::identified(Behavior::Behaves).await;
    for (word, completion) in [
        ("fine", "completed "),
        ("odd", "completed warning: Odd word"),
        ("bad", "completed error at .word: Bad word"),
        (
            "silent",
            "completed error: Provider failed without an error",
        ),
        ("panic", "completed error: Provider failed unexpectedly"),
        ("leak", "completed "),
    ] {
        let letters = word.chars().map(String::from);
        let expected: Vec<String> = letters.chain([completion.to_owned()]).collect();
        assert_eq!(rest(start(&host, word).await).await, expected);
    }
    let many = "x".repeat(1000);
    assert_eq!(rest(start(&host, many.as_str()).await).await.len(), 1001);
}

#[tokio::test]
async fn an_action_does_not_run_with_an_invalid_or_unknown_configuration() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    assert_eq!(
        rest(start(&host, Value::Unknown).await).await,
        ["completed error: Configuration of the action is not known yet"]
    );
    let request = pb::invoke_action::Request {
        action_type: DATA_SOURCE_TYPE.to_owned(),
        config: Some(pb::DynamicValue {
            msgpack: b"\x07".to_vec(),
            json: vec![],
        }),
        ..Default::default()
    };
    let events = host.client().invoke_action(request).await.unwrap();
    assert_eq!(
        rest(events.into_inner()).await,
        ["completed error: Can't read the configuration sent by the host"]
    );
    assert_eq!(unmanaged.noted(), [""; 0]);
}

#[tokio::test]
async fn after_a_stop_an_action_sends_only_its_completion() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    unmanaged.release.notify_one();
    let mut events = start(&host, "wait").await;
    for letter in ["w", "a", "i", "t"] {
        assert_eq!(message(&mut events).await, letter);
    }
    unmanaged.until("invoke waits").await;
    host.stop().await;
    assert_eq!(
        rest(events).await,
        ["completed error at .word: Bad word"],
        "another event would crash Terraform"
    );
    assert_eq!(rest(start(&host, "x").await).await, ["x", "completed "]);
}

#[tokio::test]
async fn an_action_is_cancelled_but_runs_to_its_end_if_the_host_disconnects() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let events = start(&host, "wait").await;
    unmanaged.until("invoke waits").await;
    drop(events);
    unmanaged.until("invoke cancelled").await;
    unmanaged.release.notify_one();
    unmanaged.until("invoke ended").await;
    assert_eq!(rest(start(&host, "x").await).await, ["x", "completed "]);
}
