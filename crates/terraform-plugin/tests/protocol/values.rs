//! Values of every kind and size through plan, apply and read.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Number, Type, Value, json, msgpack};

use terraform_plugin_testing::host::Host;
use terraform_plugin_testing::schemas;
use terraform_plugin_testing::scripted_provider::Behavior;

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn map(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let entries = entries.into_iter();
    Value::Map(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn dynamic(kind: Type, value: Value) -> Value {
    Value::Dynamic(Box::new((kind, value)))
}

fn object_kind(name: &str, kind: Type) -> Type {
    Type::Object([(name.to_owned(), kind)].into())
}

/// An object with a value in every attribute and block.
fn full() -> Value {
    let inner = |a: &str| Value::object([("a", a.into()), ("n", number("0.1"))]);
    let any = || Value::object([("any", dynamic(Type::Bool, true.into()))]);
    let any_kind = || object_kind("any", Type::Dynamic);
    let mut with_inner = inner("outer").as_map().unwrap().clone();
    with_inner.insert("inner".to_owned(), Value::Set(vec![inner("x"), inner("y")]));
    Value::object([
        ("text", "Ünïcode \"quoted\"\n".into()),
        ("number", number("18446744073709551616")),
        ("truth", true.into()),
        (
            "any",
            dynamic(
                Type::List(Box::new(Type::Number)),
                Value::List(vec![number("1")]),
            ),
        ),
        (
            "list",
            Value::List(vec!["a".into(), Value::Null, "".into()]),
        ),
        ("set", Value::Set(vec![number("2"), number("1")])),
        (
            "map",
            map([("k", Value::List(vec![false.into()])), ("", Value::Null)]),
        ),
        (
            "object",
            Value::object([("a", "x".into()), ("b", Value::Null)]),
        ),
        ("tuple", Value::List(vec!["x".into(), number("-1.5")])),
        ("nested_single", inner("s")),
        (
            "nested_list",
            Value::List(vec![any(), Value::object([("any", Value::Null)])]),
        ),
        ("nested_set", Value::Set(vec![inner("1"), inner("2")])),
        ("nested_map", map([("k", any())])),
        ("block_single", inner("s")),
        ("block_group", inner("g")),
        ("block_list", Value::List(vec![Value::Object(with_inner)])),
        ("block_set", Value::Set(vec![inner("1")])),
        ("block_map", map([("k", inner("m"))])),
        (
            "block_list_any",
            dynamic(Type::Tuple(vec![any_kind()]), Value::List(vec![any()])),
        ),
        (
            "block_map_any",
            dynamic(object_kind("k", any_kind()), Value::object([("k", any())])),
        ),
    ])
}

async fn round_trips(host: &Host, value: &Value) {
    let plan = host.plan(&Value::Null, value).await;
    assert_eq!(plan.lines(), [""; 0]);
    assert_eq!(plan.object, *value);
    if value.is_wholly_known() {
        let applied = host.apply(&Value::Null, value).await;
        assert_eq!(applied.lines(), [""; 0]);
        assert_eq!(applied.object, *value);
        assert_eq!(host.read(value).await.object, *value);
    }
}

#[tokio::test]
async fn a_value_of_every_kind_round_trips() {
    let host = Host::with(schemas::everything(), Behavior::Behaves).await;
    round_trips(&host, &full()).await;
}

#[tokio::test]
async fn null_and_unknown_round_trip_in_every_attribute() {
    let host = Host::with(schemas::everything(), Behavior::Behaves).await;
    let block = schemas::everything().block;
    let empty = block.complete(Value::Object(BTreeMap::new()));
    round_trips(&host, &empty).await;

    let unknown = |name: &String| (name.clone(), Value::Unknown);
    let attributes = block
        .attributes
        .iter()
        .map(|attribute| unknown(&attribute.name));
    let blocks = block.blocks.iter().map(|nested| unknown(&nested.name));
    round_trips(&host, &Value::object(attributes.chain(blocks))).await;
}

#[tokio::test]
async fn mistake_15_numbers_keep_every_digit() {
    let host = Host::with(schemas::everything(), Behavior::Behaves).await;
    for text in [
        "0",
        "0.1",
        "-0.1",
        "1e-30",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "3.141592653589793238462643383279502884197",
        "123456789012345678901234567890.5",
        "1e400",
    ] {
        let value = schemas::everything()
            .block
            .complete(Value::object([("number", number(text))]));
        round_trips(&host, &value).await;
    }
}

#[tokio::test]
async fn an_unknown_value_with_refinements_is_unknown() {
    let host = Host::of(Behavior::Behaves).await;
    for unknown in [&b"\xd4\x00\x00"[..], b"\xc7\x03\x0c\x81\x01\xc2"] {
        let name = [
            b"\x85\xa2id\xc0\xa4name",
            unknown,
            b"\xa4rule\x90\xa6secret\xc0\xa4size\xc0",
        ];
        let config = Some(pb::DynamicValue {
            msgpack: name.concat(),
            json: vec![],
        });
        let request = pb::plan_resource_change::Request {
            proposed_new_state: config.clone(),
            config,
            ..host.plan_request(&Value::Null, &Value::Null)
        };
        let answer = host
            .client()
            .plan_resource_change(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            *host.value(answer.planned_state).get("name"),
            Value::Unknown
        );
    }
}

#[tokio::test]
async fn mistake_8_a_value_of_5_mib_round_trips() {
    let host = Host::of(Behavior::Behaves).await;
    let large = "x".repeat(5 << 20);
    let planned = Value::object([("name", Value::from(large))]);
    let applied = host.apply(&Value::Null, &planned).await;
    assert_eq!(applied.object.get("name"), planned.get("name"));
}

/// Generates types of up to three levels.
fn kinds() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::String),
        Just(Type::Number),
        Just(Type::Bool),
        Just(Type::Dynamic),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Type::List),
            boxed.clone().prop_map(Type::Set),
            boxed.prop_map(Type::Map),
            prop::collection::btree_map("[a-z_]{1,8}", inner.clone(), 0..4).prop_map(Type::Object),
            prop::collection::vec(inner, 0..4).prop_map(Type::Tuple),
        ]
    })
}

/// Generates integers, floats and decimals.
fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?(e-?[0-9]{1,3})?".prop_map(|text| text.parse().unwrap()),
        any::<f64>().prop_filter_map("not NaN", |float| Number::try_from(float).ok()),
    ]
}

/// Generates values of this type, with unknown values only if `with_unknowns`.
fn values(kind: &Type, with_unknowns: bool) -> BoxedStrategy<Value> {
    let known = match kind {
        Type::String => any::<String>().prop_map(Value::from).boxed(),
        Type::Number => numbers().prop_map(Value::from).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Dynamic => kinds()
            .prop_flat_map(move |kind| {
                let inner = values(&kind, with_unknowns);
                inner.prop_map(move |value| dynamic(kind.clone(), value))
            })
            .boxed(),
        Type::List(element) => prop::collection::vec(values(element, with_unknowns), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => prop::collection::vec(values(element, with_unknowns), 0..4)
            .prop_map(Value::Set)
            .boxed(),
        Type::Map(element) => {
            prop::collection::btree_map(any::<String>(), values(element, with_unknowns), 0..4)
                .prop_map(Value::Map)
                .boxed()
        }
        Type::Object(kinds) => {
            let names: Vec<String> = kinds.keys().cloned().collect();
            let inner: Vec<_> = kinds
                .values()
                .map(|kind| values(kind, with_unknowns))
                .collect();
            inner
                .prop_map(move |values| Value::object(names.iter().cloned().zip(values)))
                .boxed()
        }
        Type::Tuple(kinds) => {
            let inner: Vec<_> = kinds
                .iter()
                .map(|kind| values(kind, with_unknowns))
                .collect();
            inner.prop_map(Value::List).boxed()
        }
    };
    prop_oneof![
        8 => known,
        1 => Just(Value::Null),
        u32::from(with_unknowns) => Just(Value::Unknown),
    ]
    .boxed()
}

/// The JSON of stored state, or [`None`] if a part of the value can't be stored.
fn stored(value: &Value) -> Option<serde_json::Value> {
    let each = |(key, value): (&String, &Value)| Some((key.clone(), stored(value)?));
    Some(match value {
        Value::Unknown => return None,
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => json!(truth),
        Value::String(text) => json!(text),
        Value::Number(number) => serde_json::Value::Number(number.to_string().parse().ok()?),
        Value::List(elements) | Value::Set(elements) => {
            elements.iter().map(stored).collect::<Option<_>>()?
        }
        Value::Map(elements) | Value::Object(elements) => {
            serde_json::Value::Object(elements.iter().map(each).collect::<Option<_>>()?)
        }
        Value::Dynamic(typed) => json!({
            "type": typed.0.to_json(),
            "value": stored(&typed.1)?,
        }),
    })
}

fn typed(with_unknowns: bool) -> impl Strategy<Value = (Type, Value)> {
    kinds().prop_flat_map(move |kind| {
        let value = values(&kind, with_unknowns);
        (Just(kind), value)
    })
}

proptest! {
    #[test]
    fn every_value_round_trips_over_the_wire((kind, value) in typed(true)) {
        let bytes = msgpack::encode(&value, &kind).unwrap();
        prop_assert_eq!(msgpack::decode(&bytes, &kind).unwrap(), value);
        prop_assert_eq!(Type::from_json(&kind.to_json()).unwrap(), kind);
    }

    #[test]
    fn every_known_finite_value_round_trips_through_stored_state((kind, value) in typed(false)) {
        if let Some(json) = stored(&value) {
            let text = json.to_string();
            let read = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&json::decode(&read, &kind).unwrap(), &value);
            prop_assert_eq!(json::decode_slice(text.as_bytes(), &kind).unwrap(), value);
        }
    }

    #[test]
    fn arbitrary_types_are_read_or_refused(text in corpus::changed("types")) {
        if let Ok(read) = serde_json::from_slice(&text)
            && let Ok(kind) = Type::from_json(&read)
        {
            prop_assert_eq!(Type::from_json(&kind.to_json()).unwrap(), kind);
        }
    }

    #[test]
    fn arbitrary_messages_are_decoded_or_refused(
        message in corpus::changed("values"),
        kind in kinds(),
    ) {
        let _ = msgpack::decode(&message, &kind);
        let _ = json::decode_slice(&message, &kind);
    }

    #[test]
    fn decoding_random_bytes_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in kinds(),
    ) {
        let _ = msgpack::decode(&bytes, &kind);
    }
}
