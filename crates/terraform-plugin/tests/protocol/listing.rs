//! The events of list resources, as Terraform 1.14 and later call them.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};
use tonic::Streaming;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::schemas;
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};
use terraform_plugin_testing::scripted_unmanaged::ScriptedUnmanaged;

fn config(word: Value) -> Option<pb::DynamicValue> {
    let kind = Type::Object([("word".to_owned(), Type::String)].into());
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&Value::object([("word", word)]), &kind).unwrap(),
        json: vec![],
    })
}

fn request(word: &str, include_resource_object: bool, limit: i64) -> pb::list_resource::Request {
    pb::list_resource::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        config: config(word.into()),
        include_resource_object,
        limit,
    }
}

async fn start(
    host: &Host,
    request: pb::list_resource::Request,
) -> Streaming<pb::list_resource::Event> {
    host.client()
        .list_resource(request)
        .await
        .unwrap()
        .into_inner()
}

/// An event in one line: display name, name in the identity, name in the object, diagnostics.
fn line(host: &Host, event: pb::list_resource::Event) -> String {
    let name = |object: &Value| object.get("name").as_str().unwrap_or("?").to_owned();
    let identity = event
        .identity
        .and_then(|sent| sent.identity_data)
        .map(|sent| {
            let kind = schemas::identity().value_type();
            name(&msgpack::decode(&sent.msgpack, &kind).unwrap())
        });
    let object = event
        .resource_object
        .map(|object| name(&host.value(Some(object))));
    let said = lines(&event.diagnostic).join("; ");
    format!("{:?} {identity:?} {object:?} {said}", event.display_name)
}

async fn list(host: &Host, request: pb::list_resource::Request) -> Vec<String> {
    let mut events = start(host, request).await;
    let mut found = vec![];
    while let Some(event) = events.message().await.unwrap() {
        found.push(line(host, event));
    }
    found
}

#[tokio::test]
async fn the_schema_and_metadata_contain_the_list_resource() {
    let host = Host::identified(Behavior::Behaves).await;
    let schema = host.schemas().await;
    let block = schema.list_resource_schemas[RESOURCE_TYPE]
        .block
        .as_ref()
        .unwrap();
    assert_eq!(block.attributes[0].name, "word");
    let request = pb::get_metadata::Request {};
    let metadata = host
        .client()
        .get_metadata(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.list_resources[0].type_name, RESOURCE_TYPE);
}

#[tokio::test]
async fn a_configuration_is_validated_by_the_schema_and_the_list_resource() {
    let host = Host::identified(Behavior::Behaves).await;
    for (word, expected) in [
        ("fine".into(), vec![]),
        ("bad".into(), vec!["error at .word: Bad word"]),
        (
            Value::Null,
            vec!["error at .word: Missing required argument"],
        ),
    ] {
        let request = pb::validate_list_resource_config::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            config: config(word),
            ..Default::default()
        };
        let answer = host.client().validate_list_resource_config(request).await;
        assert_eq!(lines(&answer.unwrap().into_inner().diagnostics), expected);
    }
}

#[tokio::test]
async fn each_object_is_an_event_with_identity_and_requested_state() {
    let host = Host::identified(Behavior::Behaves).await;
    assert_eq!(
        list(&host, request("ab", false, 100)).await,
        [
            r#""thing a" Some("a") None "#,
            r#""thing b" Some("b") None "#,
        ]
    );
    assert_eq!(
        list(&host, request("ab", true, 100)).await,
        [
            r#""thing a" Some("a") Some("a") "#,
            r#""thing b" Some("b") Some("b") "#,
        ]
    );
    assert_eq!(list(&host, request("", true, 100)).await, [""; 0]);
}

#[tokio::test]
async fn a_list_ends_at_the_limit() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    for limit in [0, -1] {
        assert_eq!(list(&host, request("abc", false, limit)).await, [""; 0]);
    }
    assert_eq!(
        unmanaged.noted(),
        [""; 0],
        "a limit of 0 must not start the list"
    );
    assert_eq!(list(&host, request("abcdefgh", false, 2)).await.len(), 2);
    assert_eq!(list(&host, request("abc", false, 3)).await.len(), 3);
}

#[tokio::test]
async fn a_list_waits_for_the_host_to_read() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    // Far more events than the connection and all buffers can hold.
    let word = "x".repeat(200_000);
    let mut events = start(&host, request(&word, true, i64::MAX)).await;
    for _ in 0..10 {
        assert!(events.message().await.unwrap().is_some());
    }
    // After these calls, the list has run as far as it can.
    for _ in 0..50 {
        host.schemas().await;
    }
    let sent = unmanaged.noted().len();
    assert!(
        sent < word.len(),
        "all {sent} events were sent although the host didn't read"
    );
}

#[tokio::test]
async fn an_error_ends_the_list_with_a_diagnostic() {
    let host = Host::identified(Behavior::Behaves).await;
    let failed = r#""" None None error at .word: Bad word"#;
    assert_eq!(list(&host, request("bad", false, 100)).await, [failed]);
    let silent = r#""" None None error: Provider failed without an error"#;
    assert_eq!(list(&host, request("silent", false, 100)).await, [silent]);
    let partly = list(&host, request("partly", false, 100)).await;
    assert_eq!((partly.len(), partly.last().unwrap().as_str()), (7, failed));
    let panicked = list(&host, request("panic", false, 100)).await;
    assert_eq!(
        panicked.last().unwrap(),
        r#""" None None error: Provider failed unexpectedly"#
    );
    assert_eq!(
        list(&host, request("odd", false, 100))
            .await
            .last()
            .unwrap(),
        r#""" None None warning: Odd word"#
    );
}

#[tokio::test]
async fn mistake_25_an_event_without_identity_or_with_an_invalid_object_is_an_error() {
    let host = Host::identified(Behavior::Behaves).await;
    assert_eq!(
        list(&host, request("nameless", false, 100)).await,
        [r#""" None None error: Missing Resource Identity After List"#]
    );
    assert_eq!(
        list(&host, request("misfit", true, 100)).await,
        [r#""" None None error at .name: Provider returned an invalid value"#]
    );
    assert_eq!(
        list(&host, request("bare", true, 100)).await,
        [r#""thing bare" Some("bare") None warning: Object listed without its attributes"#]
    );
}

#[tokio::test]
async fn a_list_is_dropped_if_the_host_disconnects() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let events = start(&host, request("deaf", false, 100)).await;
    drop(events);
    let request = request("a", false, 100);
    assert_eq!(list(&host, request).await.len(), 1, "the process continues");

    let mut events = start(&host, self::request("deaf", false, 100)).await;
    for _ in 0..4 {
        events.message().await.unwrap().unwrap();
    }
    unmanaged.until("list waits").await;
    drop(events);
    unmanaged.until("list dropped").await;
}

#[tokio::test]
async fn a_stop_cancels_a_list_and_returns_its_error() {
    let unmanaged = ScriptedUnmanaged::new();
    let host = Host::with_unmanaged(Behavior::Behaves, &unmanaged).await;
    let stop = async {
        unmanaged.until("list waits").await;
        host.stop().await;
    };
    let (listed, ()) = tokio::join!(list(&host, request("wait", false, 100)), stop);
    assert_eq!(listed.len(), 5);
    assert_eq!(listed[4], r#""" None None error at .word: Bad word"#);
}
