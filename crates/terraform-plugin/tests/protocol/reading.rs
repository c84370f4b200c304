//! Read, upgrade and import.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::Behavior;

fn thing(id: Value, name: Value) -> Value {
    Value::object([
        ("id", id),
        ("name", name),
        ("size", Value::Null),
        ("secret", Value::Null),
        ("rule", Value::List(vec![])),
    ])
}

fn stored() -> Value {
    thing("old".into(), "a".into())
}

fn json(text: &str) -> pb::RawState {
    pb::RawState {
        json: text.as_bytes().to_vec(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_read_returns_the_object_and_its_private_state() {
    let host = Host::of(Behavior::Behaves).await;
    let read = host.read(&stored()).await;
    assert_eq!(read.object, stored());
    assert_eq!(read.private, b"stored");
    assert_eq!(read.lines(), [""; 0]);
}

#[tokio::test]
async fn a_deleted_object_reads_as_null() {
    let host = Host::of(Behavior::Returns(Value::Null)).await;
    let read = host.read(&stored()).await;
    assert_eq!((read.object, read.diagnostics.len()), (Value::Null, 0));
}

#[tokio::test]
async fn a_failed_read_keeps_state_and_private_state() {
    let unknown = Value::object([("id", Value::Unknown), ("name", "a".into())]);
    for (behavior, error) in [
        (Behavior::FailsAtOnce, "error at .name: Can't read"),
        (
            Behavior::Returns(unknown),
            "error at .id: Provider returned an invalid value",
        ),
    ] {
        let host = Host::of(behavior).await;
        let read = host.read(&stored()).await;
        assert_eq!(read.object, stored());
        assert_eq!(read.private, b"stored");
        assert_eq!(read.lines(), [error]);
    }
}

#[tokio::test]
async fn mistake_10_a_panic_in_read_is_a_diagnostic() {
    let host = Host::of(Behavior::Panics).await;
    assert_eq!(
        host.read(&stored()).await.lines(),
        ["error: Provider failed unexpectedly"]
    );
}

#[tokio::test]
async fn mistake_23_a_state_of_the_current_version_is_decoded_by_the_schema() {
    let host = Host::of(Behavior::Panics).await;
    let stored = r#"{"id":"old","size":9007199254740993.25,"gone":[1],"rule":[{}]}"#;
    let upgraded = host.upgrade(2, json(stored)).await;
    assert_eq!(upgraded.lines(), [""; 0]);
    assert_eq!(*upgraded.object.get("id"), Value::from("old"));
    assert_eq!(*upgraded.object.get("name"), Value::Null);
    let size = "9007199254740993.25".parse().unwrap();
    assert_eq!(*upgraded.object.get("size"), Value::Number(size));
    let rule = Value::object([("name", Value::Null)]);
    assert_eq!(*upgraded.object.get("rule"), Value::List(vec![rule]));
    assert_eq!(host.resource.calls(), [""; 0]);
}

#[tokio::test]
async fn the_resource_upgrades_a_state_of_an_older_version() {
    let host = Host::of(Behavior::Behaves).await;
    let upgraded = host.upgrade(1, json(r#"{"old":1}"#)).await;
    assert_eq!(upgraded.object, thing(Value::Null, "upgraded".into()));
    assert_eq!(host.resource.calls(), [r#"upgrade 1: {"old":1}"#]);
}

#[tokio::test]
async fn mistake_23_a_failed_state_upgrade_is_an_error() {
    let unreadable = "error: Can't read the stored state";
    let flat = pb::RawState {
        flatmap: [("id".to_owned(), "old".to_owned())].into(),
        ..Default::default()
    };
    for (behavior, version, state, error) in [
        (Behavior::Behaves, 2, json(""), unreadable),
        (Behavior::Behaves, 2, json("null"), unreadable),
        (Behavior::Behaves, 2, json("{"), unreadable),
        (Behavior::Behaves, 2, json(r#"{"name":[7]}"#), unreadable),
        (Behavior::Behaves, 2, flat, unreadable),
        (Behavior::Returns(Value::Null), 1, json("{}"), unreadable),
        (
            Behavior::Returns(Value::object([("id", Value::Unknown)])),
            1,
            json("{}"),
            "error at .id: Provider returned an invalid value",
        ),
        (
            Behavior::FailsAtOnce,
            1,
            json("{}"),
            "error at .name: Can't upgrade 1: {}",
        ),
        (
            Behavior::Behaves,
            3,
            json("{}"),
            "error: State was written by a newer version of the provider",
        ),
    ] {
        let host = Host::of(behavior).await;
        let upgraded = host.upgrade(version, state).await;
        assert_eq!(upgraded.lines(), [error]);
        assert_eq!(upgraded.object, Value::Null);
    }
}

#[tokio::test]
async fn an_import_returns_one_complete_object() {
    let host = Host::of(Behavior::Behaves).await;
    let (imported, found) = host.import("the-id").await;
    let imported = imported.unwrap();
    assert_eq!(lines(&found), [""; 0]);
    assert_eq!(imported.object, thing("the-id".into(), Value::Null));
    assert_eq!(imported.private, b"imported");
}

#[tokio::test]
async fn a_failed_import_returns_an_error_and_no_object() {
    let unknown = Value::object([("id", Value::Unknown)]);
    for (behavior, error) in [
        (Behavior::FailsAtOnce, "error at .name: Can't import"),
        (
            Behavior::FailsSilently,
            "error: Provider failed without an error",
        ),
        (
            Behavior::Returns(Value::Null),
            "error: Missing resource state after import",
        ),
        (
            Behavior::Returns(unknown),
            "error at .id: Provider returned an invalid value",
        ),
        (Behavior::Panics, "error: Provider failed unexpectedly"),
    ] {
        let host = Host::of(behavior).await;
        let (imported, found) = host.import("the-id").await;
        assert!(imported.is_none());
        assert_eq!(lines(&found), [error]);
    }
}
