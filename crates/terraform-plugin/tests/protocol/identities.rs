//! Identities: every answer about an object has one, it never changes, and hosts without support
//! ignore it.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::schemas;
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};

fn kind() -> Type {
    schemas::identity().value_type()
}

fn identity(name: impl Into<Value>) -> Value {
    Value::object([("name", name.into()), ("zone", Value::Null)])
}

fn sent(identity: &Value) -> Option<pb::ResourceIdentityData> {
    Some(pb::ResourceIdentityData {
        identity_data: Some(pb::DynamicValue {
            msgpack: msgpack::encode(identity, &kind()).unwrap(),
            json: vec![],
        }),
    })
}

fn received(sent: Option<pb::ResourceIdentityData>) -> Value {
    sent.map_or(Value::Null, |sent| {
        msgpack::decode(&sent.identity_data.unwrap().msgpack, &kind()).unwrap()
    })
}

fn thing(name: impl Into<Value>) -> Value {
    Value::object([("id", "made".into()), ("name", name.into())])
}

fn replaced(name: &str) -> Value {
    let rule = Value::object([("name", "x".into())]);
    Value::object([
        ("id", "made".into()),
        ("name", name.into()),
        ("rule", Value::List(vec![rule])),
    ])
}

async fn read(host: &Host, stored: Option<pb::ResourceIdentityData>) -> (Value, Vec<String>) {
    let request = pb::read_resource::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        current_state: host.wire(&thing("a")),
        current_identity: stored,
        ..Default::default()
    };
    let answer = host
        .client()
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    (received(answer.new_identity), lines(&answer.diagnostics))
}

async fn plan(
    host: &Host,
    prior: &Value,
    proposed: &Value,
    stored: Option<pb::ResourceIdentityData>,
) -> (Value, Vec<String>) {
    let request = pb::plan_resource_change::Request {
        prior_identity: stored,
        ..host.plan_request(prior, proposed)
    };
    let answer = host
        .client()
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    (
        received(answer.planned_identity),
        lines(&answer.diagnostics),
    )
}

async fn apply(
    host: &Host,
    prior: &Value,
    planned: &Value,
    planned_identity: Option<pb::ResourceIdentityData>,
) -> (Value, Vec<String>) {
    let request = pb::apply_resource_change::Request {
        planned_identity,
        ..host.apply_request(prior, planned)
    };
    let answer = host
        .client()
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner();
    (received(answer.new_identity), lines(&answer.diagnostics))
}

const CHANGED: &str = "error: Unexpected Identity Change";

#[tokio::test]
async fn mistake_25_the_identity_schema_has_the_import_requirements() {
    let host = Host::identified(Behavior::Behaves).await;
    let request = pb::get_resource_identity_schemas::Request {};
    let answer = host.client().get_resource_identity_schemas(request).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    let schema = &answer.identity_schemas[RESOURCE_TYPE];
    assert_eq!(schema.version, 1);
    let attributes: Vec<(&str, &[u8], bool, bool)> = schema
        .identity_attributes
        .iter()
        .map(|it| {
            (
                &*it.name,
                &*it.r#type,
                it.required_for_import,
                it.optional_for_import,
            )
        })
        .collect();
    let string: &[u8] = b"\"string\"";
    assert_eq!(
        attributes,
        [("name", string, true, false), ("zone", string, false, true)]
    );
}

#[tokio::test]
async fn a_read_returns_the_identity_even_if_the_host_has_none() {
    let host = Host::identified(Behavior::Behaves).await;
    let nothing = Value::object([("name", Value::Null), ("zone", Value::Null)]);
    for stored in [
        sent(&identity("a")),
        None,
        Some(pb::ResourceIdentityData::default()),
        sent(&Value::Null),
        sent(&nothing),
    ] {
        assert_eq!(read(&host, stored).await, (identity("a"), vec![]));
    }
}

#[tokio::test]
async fn a_failed_read_keeps_the_identity() {
    let host = Host::identified(Behavior::FailsAtOnce).await;
    let (kept, said) = read(&host, sent(&identity("a"))).await;
    assert_eq!((kept, said.len()), (identity("a"), 1));
    assert_eq!(read(&host, None).await.0, Value::Null);
}

#[tokio::test]
async fn a_deleted_object_has_no_identity() {
    let host = Host::identified(Behavior::Returns(Value::Null)).await;
    assert_eq!(
        read(&host, sent(&identity("a"))).await,
        (Value::Null, vec![])
    );
}

#[tokio::test]
async fn an_identity_change_in_a_read_is_an_error() {
    let host = Host::identified(Behavior::Returns(thing("b"))).await;
    let (kept, said) = read(&host, sent(&identity("a"))).await;
    assert_eq!((kept, said), (identity("a"), vec![CHANGED.to_owned()]));
    // Without a stored identity there is nothing to compare.
    assert_eq!(read(&host, None).await, (identity("b"), vec![]));
}

#[tokio::test]
async fn an_object_without_an_identity_is_an_error() {
    let host = Host::identified(Behavior::Returns(thing(Value::Null))).await;
    let (kept, said) = read(&host, sent(&identity("a"))).await;
    assert_eq!(kept, identity("a"));
    assert_eq!(said, ["error: Missing Resource Identity After Read"]);
    let (kept, said) = apply(&host, &Value::Null, &thing("a"), sent(&identity("a"))).await;
    assert_eq!(kept, identity("a"), "the planned identity is kept");
    assert_eq!(said, ["error: Missing Resource Identity After Create"]);
}

#[tokio::test]
async fn a_plan_of_a_new_object_omits_an_unknown_identity() {
    let host = Host::identified(Behavior::Behaves).await;
    let create = plan(&host, &Value::Null, &thing("a"), None).await;
    assert_eq!(create, (identity("a"), vec![]));
    let unknown = plan(&host, &Value::Null, &thing(Value::Unknown), None).await;
    assert_eq!(
        unknown,
        (Value::Null, vec![]),
        "OpenTofu can't show an unknown identity"
    );
    // Terraform plans a replacement twice. The second request has the identity from the first plan.
    let again = plan(&host, &Value::Null, &thing("b"), sent(&identity("a"))).await;
    assert_eq!(again, (identity("b"), vec![]));
}

#[tokio::test]
async fn only_a_replacement_changes_the_identity() {
    let host = Host::identified(Behavior::Behaves).await;
    let stored = || sent(&identity("a"));
    let update = plan(&host, &thing("a"), &thing("a"), stored()).await;
    assert_eq!(update, (identity("a"), vec![]));
    let (_, said) = plan(&host, &thing("a"), &thing("b"), stored()).await;
    assert_eq!(said, [CHANGED]);
    let (_, said) = plan(&host, &thing("a"), &thing(Value::Unknown), stored()).await;
    assert_eq!(said, [CHANGED]);
    let replacement = plan(&host, &thing("a"), &replaced("b"), stored()).await;
    assert_eq!(replacement, (identity("b"), vec![]));
    let destroy = plan(&host, &thing("a"), &Value::Null, stored()).await;
    assert_eq!(destroy, (Value::Null, vec![]));
    let old_state = plan(&host, &thing("a"), &thing("a"), None).await;
    assert_eq!(old_state, (identity("a"), vec![]));
}

#[tokio::test]
async fn a_stored_identity_of_the_same_object_stays_as_it_is() {
    let host = Host::identified(Behavior::Behaves).await;
    let stored = || sent(&identity("A"));
    let kept = (identity("A"), vec![]);
    assert_eq!(read(&host, stored()).await, kept);
    assert_eq!(plan(&host, &thing("a"), &thing("a"), stored()).await, kept);
    assert_eq!(apply(&host, &thing("a"), &thing("a"), stored()).await, kept);
    let deleted = apply(&host, &thing("a"), &Value::Null, stored()).await;
    assert_eq!(deleted, (Value::Null, vec![]));
}

#[tokio::test]
async fn an_apply_returns_the_planned_identity() {
    let host = Host::identified(Behavior::Behaves).await;
    for planned_identity in [None, sent(&identity(Value::Unknown)), sent(&identity("a"))] {
        let created = apply(&host, &Value::Null, &thing("a"), planned_identity.clone()).await;
        assert_eq!(created, (identity("a"), vec![]));
        let updated = apply(&host, &thing("a"), &thing("a"), planned_identity.clone()).await;
        assert_eq!(updated, (identity("a"), vec![]));
        let deleted = apply(&host, &thing("a"), &Value::Null, planned_identity).await;
        assert_eq!(deleted, (Value::Null, vec![]));
    }
}

#[tokio::test]
async fn partial_state_has_its_identity() {
    for (behavior, name) in [(Behavior::FailsHalfway, "a"), (Behavior::Panics, "a")] {
        let host = Host::identified(behavior).await;
        for (prior, planned) in [
            (Value::Null, thing("a")),
            (thing("a"), thing("a")),
            (thing("a"), Value::Null),
        ] {
            let (kept, said) = apply(&host, &prior, &planned, None).await;
            assert_eq!((kept, said.len()), (identity(name), 1));
        }
    }
    let host = Host::identified(Behavior::FailsAtOnce).await;
    let (kept, _) = apply(&host, &Value::Null, &thing("a"), sent(&identity("a"))).await;
    assert_eq!(kept, Value::Null, "nothing was created");
    let (kept, _) = apply(&host, &thing("a"), &thing("a"), sent(&identity("a"))).await;
    assert_eq!(kept, identity("a"));
}

#[tokio::test]
async fn a_panic_in_the_identity_after_an_apply_keeps_the_state_and_the_planned_identity() {
    let host = Host::identified(Behavior::IdentityPanics).await;
    let unknown = Value::object([("id", Value::Unknown), ("name", "a".into())]);
    for prior in [Value::Null, thing("a")] {
        let request = pb::apply_resource_change::Request {
            planned_identity: sent(&identity("a")),
            ..host.apply_request(&prior, &unknown)
        };
        let answer = host.client().apply_resource_change(request).await;
        let answer = answer.unwrap().into_inner();
        let state = host.value(answer.new_state);
        assert_eq!(state.get("id").as_str(), Some("made"));
        assert_eq!(answer.private, b"done");
        assert_eq!(received(answer.new_identity), identity("a"));
        assert_eq!(
            lines(&answer.diagnostics),
            ["error: Provider failed unexpectedly"]
        );
    }
}

#[tokio::test]
async fn an_identity_change_in_an_apply_is_an_error_and_keeps_the_state() {
    let host = Host::identified(Behavior::Returns(thing("b"))).await;
    let broken = apply(&host, &thing("a"), &thing("a"), sent(&identity("a"))).await;
    assert_eq!(broken, (identity("b"), vec![CHANGED.to_owned()]));
}

async fn import(
    host: &Host,
    id: &str,
    by: Option<pb::ResourceIdentityData>,
) -> (Value, Value, Vec<String>) {
    let request = pb::import_resource_state::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        id: id.to_owned(),
        identity: by,
        ..Default::default()
    };
    let answer = host.client().import_resource_state(request).await.unwrap();
    let mut answer = answer.into_inner();
    let said = lines(&answer.diagnostics);
    match answer.imported_resources.pop() {
        None => (Value::Null, Value::Null, said),
        Some(imported) => (
            host.value(imported.state).get("name").clone(),
            received(imported.identity),
            said,
        ),
    }
}

#[tokio::test]
async fn an_import_by_id_or_identity_returns_the_complete_identity() {
    let host = Host::identified(Behavior::Behaves).await;
    for (id, by) in [
        ("a", None),
        ("a", sent(&Value::Null)),
        ("", sent(&identity("a"))),
    ] {
        let imported = import(&host, id, by).await;
        assert_eq!(imported, ("a".into(), identity("a"), vec![]));
    }
}

#[tokio::test]
async fn an_import_by_incomplete_identity_is_an_error() {
    let host = Host::identified(Behavior::Behaves).await;
    let half = Value::object([("name", Value::Null), ("zone", "z".into())]);
    let (_, _, said) = import(&host, "", sent(&half)).await;
    assert_eq!(said, ["error: Incomplete identity"]);
    assert_eq!(host.resource.calls(), [""; 0]);
}

#[tokio::test]
async fn an_import_that_returns_no_identity_is_an_error() {
    let host = Host::identified(Behavior::Returns(thing(Value::Null))).await;
    let (_, _, said) = import(&host, "a", None).await;
    assert_eq!(said, ["error: Missing Resource Identity After Import"]);
}

async fn upgrade(host: &Host, version: i64, json: &str) -> (Value, Vec<String>) {
    let request = pb::upgrade_resource_identity::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        version,
        raw_identity: Some(pb::RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
    };
    let answer = host.client().upgrade_resource_identity(request).await;
    let answer = answer.unwrap().into_inner();
    (
        received(answer.upgraded_identity),
        lines(&answer.diagnostics),
    )
}

#[tokio::test]
async fn a_stored_identity_is_upgraded_and_a_missing_one_is_ignored() {
    let host = Host::identified(Behavior::Behaves).await;
    assert_eq!(
        upgrade(&host, 1, r#"{"name":"a"}"#).await,
        (identity("a"), vec![])
    );
    assert_eq!(
        upgrade(&host, 0, r#"{"old":1}"#).await,
        (identity("upgraded"), vec![])
    );
    assert_eq!(host.resource.calls(), [r#"upgrade identity 0: {"old":1}"#]);
    for nothing in ["", "null"] {
        assert_eq!(upgrade(&host, 0, nothing).await, (Value::Null, vec![]));
    }
    for (version, json, error) in [
        (1, "{", "error: Can't read the stored identity"),
        (
            1,
            r#"{"name":[7]}"#,
            "error: Can't read the stored identity",
        ),
        (1, "{}", "error: Missing Resource Identity After Upgrade"),
        (
            2,
            "{}",
            "error: Identity was written by a newer version of the provider",
        ),
    ] {
        assert_eq!(
            upgrade(&host, version, json).await,
            (Value::Null, vec![error.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_resource_without_identity_never_returns_one() {
    let host = Host::of(Behavior::Behaves).await;
    let stored = || sent(&identity("a"));
    assert_eq!(read(&host, stored()).await, (Value::Null, vec![]));
    let planned = plan(&host, &thing("a"), &thing("a"), stored()).await;
    assert_eq!(planned, (Value::Null, vec![]));
    let applied = apply(&host, &thing("a"), &thing("a"), stored()).await;
    assert_eq!(applied, (Value::Null, vec![]));
    let (_, _, said) = import(&host, "", stored()).await;
    assert_eq!(said, ["error: Resource has no identity"]);
}
