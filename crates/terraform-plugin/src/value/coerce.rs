//! Makes an invalid value fit its type.
//!
//! An existing object must reach the state even if the provider describes it incorrectly. If one
//! value has the wrong type, the host drops the whole object and loses track of it.

use std::collections::BTreeMap;

use crate::value::type_error::{expected_name, found_name};
use crate::value::{Problem, Step, Type, TypeError, Value};

/// Replaces each unknown value, and each value that doesn't match `kind`, by null. Also returns an
/// error for each replacement. The resulting value can always be encoded.
pub(crate) fn coerce(value: Value, kind: &Type) -> (Value, Vec<TypeError>) {
    let mut found = Vec::new();
    let coerced = coerce_into(value, kind, &mut found);
    (coerced, found)
}

fn coerce_into(value: Value, kind: &Type, found: &mut Vec<TypeError>) -> Value {
    match (kind, value) {
        (_, Value::Null) => Value::Null,
        (_, Value::Unknown) => {
            found.push(Problem::Unknown.into());
            Value::Null
        }
        (Type::String, value @ Value::String(_))
        | (Type::Bool, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_)) => value,
        (Type::List(element), Value::List(elements)) => Value::List(
            (0..)
                .zip(elements)
                .map(|(index, value)| coerce_at(&Step::Index(index), value, element, found))
                .collect(),
        ),
        // The protocol has no path to a set element, so an error in an element is an error of the set.
        (Type::Set(element), Value::Set(elements)) => {
            let mut within = Vec::new();
            let elements = elements
                .into_iter()
                .map(|value| coerce_into(value, element, &mut within))
                .collect();
            found.extend(within.into_iter().map(|error| error.problem.into()));
            Value::Set(elements)
        }
        (Type::Tuple(kinds), Value::List(elements)) if kinds.len() == elements.len() => {
            Value::List(
                (0..)
                    .zip(elements.into_iter().zip(kinds))
                    .map(|(index, (value, kind))| {
                        coerce_at(&Step::Index(index), value, kind, found)
                    })
                    .collect(),
            )
        }
        (Type::Map(element), Value::Map(elements)) => Value::Map(
            elements
                .into_iter()
                .map(|(key, value)| {
                    let value = coerce_at(&Step::Key(key.clone()), value, element, found);
                    (key, value)
                })
                .collect(),
        ),
        (Type::Object(kinds), Value::Object(attributes)) => coerce_object(attributes, kinds, found),
        (Type::Dynamic, Value::Dynamic(typed)) => {
            let (kind, value) = *typed;
            let value = coerce_into(value, &kind, found);
            Value::Dynamic(Box::new((kind, value)))
        }
        (kind, value) => {
            found.push(
                Problem::WrongKind {
                    expected: expected_name(kind),
                    found: found_name(&value),
                }
                .into(),
            );
            Value::Null
        }
    }
}

fn coerce_object(
    attributes: BTreeMap<String, Value>,
    kinds: &BTreeMap<String, Type>,
    found: &mut Vec<TypeError>,
) -> Value {
    let mut fitting = BTreeMap::new();
    for (name, value) in attributes {
        match kinds.get(&name) {
            Some(kind) => {
                let value = coerce_at(&Step::Attribute(name.clone()), value, kind, found);
                fitting.insert(name, value);
            }
            None => found.push(Problem::UnexpectedAttribute(name).into()),
        }
    }
    Value::Object(fitting)
}

fn coerce_at(step: &Step, value: Value, kind: &Type, found: &mut Vec<TypeError>) -> Value {
    let before = found.len();
    let coerced = coerce_into(value, kind, found);
    let within: Vec<TypeError> = found.drain(before..).collect();
    found.extend(within.into_iter().map(|error| error.within(step.clone())));
    coerced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::msgpack;

    fn kind(expression: &str) -> Type {
        Type::from_json(&serde_json::from_str(expression).unwrap()).unwrap()
    }

    #[test]
    fn a_valid_value_stays_unchanged() {
        let kind = kind(r#"["object",{"a":["map","number"],"b":"dynamic"}]"#);
        let value = Value::object([
            ("a", Value::Map([("k".to_owned(), 1_i64.into())].into())),
            ("b", Value::Dynamic(Box::new((Type::Bool, true.into())))),
        ]);
        let (coerced, found) = coerce(value.clone(), &kind);
        assert_eq!(coerced, value);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn every_invalid_value_becomes_null_and_is_reported_with_its_path() {
        let kind = kind(
            r#"["object",{"id":"string","tags":["list","string"],"set":["set","bool"],
                "pair":["tuple",["bool","bool"]]}]"#,
        );
        let value = Value::object([
            ("id", "kept".into()),
            (
                "tags",
                Value::List(vec!["a".into(), Value::Unknown, 7_i64.into()]),
            ),
            ("set", Value::Set(vec![Value::Unknown])),
            ("pair", Value::List(vec![])),
            ("other", Value::Null),
        ]);
        let (coerced, found) = coerce(value, &kind);
        assert_eq!(
            coerced,
            Value::object([
                ("id", "kept".into()),
                (
                    "tags",
                    Value::List(vec!["a".into(), Value::Null, Value::Null])
                ),
                ("set", Value::Set(vec![Value::Null])),
                ("pair", Value::Null),
            ]),
        );
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "attribute \"other\" is not in the schema",
                "pair: a tuple is required, found a list",
                "set: the value is still unknown",
                "tags[1]: the value is still unknown",
                "tags[2]: a string is required, found a number",
            ],
        );
        assert!(msgpack::encode(&coerced, &kind).is_ok());
    }
}
