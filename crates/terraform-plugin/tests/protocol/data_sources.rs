//! Data sources: validation and reads.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::Behavior;
use terraform_plugin_testing::scripted_unmanaged::{DATA_SOURCE_TYPE, ScriptedUnmanaged};

fn kind() -> Type {
    Type::Object(
        [
            ("word".to_owned(), Type::String),
            ("length".to_owned(), Type::Number),
        ]
        .into(),
    )
}

fn config(word: Value, length: Value) -> Option<pb::DynamicValue> {
    let config = Value::object([("word", word), ("length", length)]);
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&config, &kind()).unwrap(),
        json: vec![],
    })
}

async fn read(host: &Host, word: &str) -> (Value, Vec<String>) {
    let request = pb::read_data_source::Request {
        type_name: DATA_SOURCE_TYPE.to_owned(),
        config: config(word.into(), Value::Null),
        client_capabilities: Some(pb::ClientCapabilities {
            deferral_allowed: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = host
        .client()
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.deferred, None);
    let state = answer.state.map_or(Value::Null, |state| {
        msgpack::decode(&state.msgpack, &kind()).unwrap()
    });
    (state, lines(&answer.diagnostics))
}

#[tokio::test]
async fn the_schema_and_metadata_contain_the_data_source() {
    let host = Host::identified(Behavior::Behaves).await;
    let schema = host.schemas().await;
    assert_eq!(
        schema.data_source_schemas[DATA_SOURCE_TYPE]
            .block
            .as_ref()
            .unwrap()
            .attributes
            .len(),
        2
    );
    let request = pb::get_metadata::Request {};
    let metadata = host
        .client()
        .get_metadata(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.data_sources[0].type_name, DATA_SOURCE_TYPE);
}

#[tokio::test]
async fn a_configuration_is_validated_by_the_schema_and_the_data_source() {
    let host = Host::identified(Behavior::Behaves).await;
    for (word, length, expected) in [
        ("fine".into(), Value::Null, vec![]),
        (Value::Unknown, Value::Null, vec![]),
        ("bad".into(), Value::Null, vec!["error at .word: Bad word"]),
        (
            Value::Null,
            7.into(),
            vec![
                "error at .word: Missing required argument",
                "error at .length: Value for a read-only attribute",
            ],
        ),
    ] {
        let request = pb::validate_data_resource_config::Request {
            type_name: DATA_SOURCE_TYPE.to_owned(),
            config: config(word, length),
        };
        let answer = host.client().validate_data_resource_config(request).await;
        assert_eq!(lines(&answer.unwrap().into_inner().diagnostics), expected);
    }
}

#[tokio::test]
async fn a_read_returns_a_complete_known_object() {
    let host = Host::identified(Behavior::Behaves).await;
    let found =
        |word: &str, length: i64| Value::object([("word", word.into()), ("length", length.into())]);
    assert_eq!(read(&host, "four").await, (found("four", 4), vec![]));
    assert_eq!(
        read(&host, "odd").await,
        (found("odd", 3), vec!["warning: Odd word".to_owned()])
    );
}

#[tokio::test]
async fn a_failed_read_returns_a_diagnostic_and_no_object() {
    let host = Host::identified(Behavior::Behaves).await;
    for (word, error) in [
        ("bad", "error at .word: Bad word"),
        ("panic", "error: Provider failed unexpectedly"),
        ("nothing", "error: Missing resource state after read"),
        (
            "unknown",
            "error at .length: Provider returned an invalid value",
        ),
    ] {
        assert_eq!(
            read(&host, word).await,
            (Value::Null, vec![error.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_stop_cancels_a_read_but_no_later_one() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let stop = async {
        unmanaged.until("read waits").await;
        host.stop().await;
    };
    let ((state, said), ()) = tokio::join!(read(&host, "wait"), stop);
    assert_eq!(
        (state, said),
        (Value::Null, vec!["error at .word: Bad word".to_owned()])
    );
    assert_eq!(read(&host, "four").await.1, [""; 0]);
}
