//! Create, update and delete: an existing object always reaches the state.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::Host;
use terraform_plugin_testing::scripted_provider::Behavior;

fn thing(id: Value, name: &str) -> Value {
    Value::object([
        ("id", id),
        ("name", name.into()),
        ("size", Value::Null),
        ("secret", Value::Null),
        ("rule", Value::List(vec![])),
    ])
}

fn stored() -> Value {
    thing("old".into(), "a")
}

fn planned() -> Value {
    thing(Value::Unknown, "b")
}

fn half_done(name: &str) -> Value {
    thing("half".into(), name)
}

#[tokio::test]
async fn null_states_distinguish_create_update_and_delete() {
    let host = Host::of(Behavior::Behaves).await;

    let created = host.apply(&Value::Null, &planned()).await;
    assert_eq!(created.object, thing("made".into(), "b"));
    assert_eq!(created.private, b"done");
    let updated = host.apply(&stored(), &thing("old".into(), "b")).await;
    assert_eq!(updated.object, thing("old".into(), "b"));
    let deleted = host.apply(&stored(), &Value::Null).await;
    assert_eq!((deleted.object, deleted.private), (Value::Null, vec![]));

    assert_eq!(host.resource.calls(), ["create", "update", "delete"]);
    assert!(created.diagnostics.is_empty() && updated.diagnostics.is_empty());
    assert!(deleted.diagnostics.is_empty());
}

#[tokio::test]
async fn mistake_11_a_failure_returns_the_recorded_state_and_no_grpc_status() {
    let host = Host::of(Behavior::FailsHalfway).await;
    for (prior, planned, name, error) in [
        (Value::Null, planned(), "b", "Can't create"),
        (stored(), planned(), "b", "Can't update"),
        (stored(), Value::Null, "a", "Can't delete"),
    ] {
        let answer = host.apply(&prior, &planned).await;
        assert_eq!(answer.object, half_done(name), "{error}");
        assert_eq!(answer.private, b"half");
        assert_eq!(answer.lines(), [format!("error at .name: {error}")]);
    }
}

#[tokio::test]
async fn a_failure_without_a_record_returns_the_prior_state() {
    let host = Host::of(Behavior::FailsAtOnce).await;
    for (prior, planned) in [
        (Value::Null, planned()),
        (stored(), planned()),
        (stored(), Value::Null),
    ] {
        let answer = host.apply(&prior, &planned).await;
        assert_eq!(answer.object, prior);
        assert_eq!(
            answer.private, b"planned",
            "the planned private state is kept"
        );
        assert_eq!(answer.diagnostics.len(), 1);
    }
}

#[tokio::test]
async fn mistake_10_a_panic_returns_the_recorded_state() {
    let host = Host::of(Behavior::Panics).await;
    for (prior, planned, name, act) in [
        (Value::Null, planned(), "b", "create"),
        (stored(), planned(), "b", "update"),
        (stored(), Value::Null, "a", "delete"),
    ] {
        let answer = host.apply(&prior, &planned).await;
        assert_eq!(answer.object, half_done(name));
        assert_eq!(answer.private, b"half");
        assert_eq!(answer.lines(), ["error: Provider failed unexpectedly"]);
        assert_eq!(
            answer.diagnostics[0].detail,
            format!(
                "The provider panicked in {act}: {act} went wrong. This is always a bug in the \
                 provider. Please report it."
            ),
        );
    }
}

#[tokio::test]
async fn a_failure_without_an_error_is_an_error_and_keeps_the_recorded_state() {
    let host = Host::of(Behavior::FailsSilently).await;
    for (prior, planned, name) in [
        (Value::Null, planned(), "b"),
        (stored(), planned(), "b"),
        (stored(), Value::Null, "a"),
    ] {
        let answer = host.apply(&prior, &planned).await;
        assert_eq!(answer.object, half_done(name));
        assert_eq!(answer.private, b"half");
        assert_eq!(answer.lines(), ["error: Provider failed without an error"]);
    }
}

#[tokio::test]
async fn a_result_that_is_no_object_keeps_the_recorded_state() {
    let map = Value::Map([("id".to_owned(), Value::from("made"))].into());
    for (result, error) in [
        (map, "error: Provider returned an invalid value"),
        (Value::Null, "error: Missing resource state after create"),
    ] {
        let host = Host::of(Behavior::RecordsThenReturns(result)).await;
        let answer = host.apply(&Value::Null, &planned()).await;
        assert_eq!(answer.object, half_done("b"));
        assert_eq!(answer.private, b"half");
        assert_eq!(answer.lines(), [error]);
    }
}

#[tokio::test]
async fn a_map_without_a_record_is_stored_as_an_object() {
    let map = Value::Map(
        [
            ("id".to_owned(), "made".into()),
            ("name".to_owned(), "b".into()),
        ]
        .into(),
    );
    let host = Host::of(Behavior::Returns(map)).await;
    let answer = host.apply(&Value::Null, &planned()).await;
    assert_eq!(answer.object, thing("made".into(), "b"));
    assert_eq!(
        answer.lines(),
        ["error: Provider returned an invalid value"]
    );
    assert_eq!(
        answer.diagnostics[0].detail,
        "The result doesn't match the schema: an object is required, found a map. This is always a \
         bug in the provider. Please report it.",
    );
}

#[tokio::test]
async fn mistake_20_an_unknown_value_after_apply_becomes_null_and_an_error() {
    let host = Host::of(Behavior::Returns(planned())).await;
    let answer = host.apply(&Value::Null, &planned()).await;
    assert_eq!(answer.object, thing(Value::Null, "b"));
    assert_eq!(
        answer.lines(),
        ["error at .id: Provider returned an invalid value"]
    );
    assert_eq!(
        answer.diagnostics[0].detail,
        "The result doesn't match the schema: id: the value is still unknown. This is always a bug \
         in the provider. Please report it.",
    );
}

#[tokio::test]
async fn mistake_14_the_valid_part_of_an_invalid_result_is_stored() {
    let host = Host::of(Behavior::Returns(Value::object([
        ("id", Value::from("made")),
        ("name", "b".into()),
        ("size", "big".into()),
        ("colour", "red".into()),
    ])))
    .await;
    let answer = host.apply(&Value::Null, &planned()).await;
    assert_eq!(answer.object, thing("made".into(), "b"));
    assert_eq!(
        answer.lines(),
        [
            "error: Provider returned an invalid value",
            "error at .size: Provider returned an invalid value",
        ],
    );
}

#[tokio::test]
async fn success_without_a_state_is_an_error_and_keeps_the_prior_state() {
    for nothing in [Value::Null, Value::Unknown] {
        let host = Host::of(Behavior::Returns(nothing)).await;
        let answer = host.apply(&stored(), &planned()).await;
        assert_eq!(answer.object, stored());
        assert_eq!(answer.private, b"planned");
        assert_eq!(
            answer.lines(),
            ["error: Missing resource state after update"]
        );
    }
}

#[tokio::test]
async fn mistake_22_a_successful_delete_returns_null() {
    let host = Host::of(Behavior::Waits).await;
    host.resource.release.notify_one();
    let answer = host.apply(&stored(), &Value::Null).await;
    assert_eq!(answer.object, Value::Null);
    assert_eq!(answer.lines(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_request_changes_nothing() {
    let host = Host::of(Behavior::Behaves).await;
    let request = pb::apply_resource_change::Request {
        planned_state: Some(pb::DynamicValue {
            msgpack: b"\x80".to_vec(),
            json: vec![],
        }),
        ..host.apply_request(&stored(), &planned())
    };
    let answer = host
        .client()
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(host.value(answer.new_state), stored());
    assert_eq!(answer.private, b"planned");
    assert_eq!(answer.diagnostics.len(), 1);
    assert_eq!(host.resource.calls(), [""; 0]);
}

#[tokio::test]
async fn a_change_from_null_to_null_does_nothing() {
    let host = Host::of(Behavior::Panics).await;
    let answer = host.apply(&Value::Null, &Value::Null).await;
    assert_eq!((answer.object, answer.diagnostics.len()), (Value::Null, 0));
}
