//! Reads values from the JSON of stored state. Only hosts write it.
//!
//! The JSON has the same shapes as the wire encoding, but a dynamic value is an object with `type`
//! and `value`. JSON has no unknown values. Numbers are exact, because they never become a float.

use serde_json::Value as Json;

use crate::value::type_error::{at, check_length, expected_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// Reads a value of type `kind`. An attribute that the object lacks becomes null. An attribute that
/// the type lacks is dropped. The schema may have gained or lost attributes since the state was
/// written.
///
/// # Errors
/// The JSON is not a value of this type. The error has the path of the invalid part.
pub fn decode(json: &Json, kind: &Type) -> Result<Value, TypeError> {
    match (kind, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Number, Json::Number(number)) => {
            let number: Number = number.to_string().parse().map_err(Problem::from)?;
            Ok(Value::Number(number))
        }
        (Type::List(element), Json::Array(elements)) => (0..)
            .zip(elements)
            .map(|(index, json)| at(Step::Index(index), decode(json, element)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        // The protocol has no path to a set element, so an error in an element is an error of the set.
        (Type::Set(element), Json::Array(elements)) => elements
            .iter()
            .map(|json| decode(json, element).map_err(|error| error.problem.into()))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Type::Tuple(kinds), Json::Array(elements)) => {
            check_length(kinds.len(), elements.len())?;
            (0..)
                .zip(elements.iter().zip(kinds))
                .map(|(index, (json, kind))| at(Step::Index(index), decode(json, kind)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (Type::Map(element), Json::Object(elements)) => elements
            .iter()
            .map(|(key, json)| {
                let value = at(Step::Key(key.clone()), decode(json, element))?;
                Ok((key.clone(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(kinds), Json::Object(attributes)) => kinds
            .iter()
            .map(|(name, kind)| {
                let json = attributes.get(name).unwrap_or(&Json::Null);
                let value = at(Step::Attribute(name.clone()), decode(json, kind))?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object),
        (Type::Dynamic, Json::Object(typed)) => {
            let kind = Type::from_json(typed.get("type").unwrap_or(&Json::Null))?;
            let value = decode(typed.get("value").unwrap_or(&Json::Null), &kind)?;
            Ok(Value::Dynamic(Box::new((kind, value))))
        }
        (kind, json) => Err(Problem::WrongKind {
            expected: expected_name(kind),
            found: json_name(json),
        }
        .into()),
    }
}

fn json_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(expression: &str) -> Type {
        Type::from_json(&serde_json::from_str(expression).unwrap()).unwrap()
    }

    fn read(text: &str, expression: &str) -> Result<Value, TypeError> {
        decode(&serde_json::from_str(text).unwrap(), &kind(expression))
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        for (expression, text, value) in [
            (r#""string""#, r#""hi""#, "hi".into()),
            (r#""string""#, "null", Value::Null),
            (r#""bool""#, "true", true.into()),
            (
                r#"["list","number"]"#,
                "[1,null,2]",
                Value::List(vec![number("1"), Value::Null, number("2")]),
            ),
            (
                r#"["set","string"]"#,
                r#"["b","a"]"#,
                Value::Set(vec!["b".into(), "a".into()]),
            ),
            (
                r#"["map","bool"]"#,
                r#"{"k":false}"#,
                Value::Map([("k".to_owned(), false.into())].into()),
            ),
            (
                r#"["tuple",["bool","string"]]"#,
                r#"[true,"a"]"#,
                Value::List(vec![true.into(), "a".into()]),
            ),
            (
                r#"["object",{"a":"string","b":["list","bool"]}]"#,
                r#"{"a":"x","b":null}"#,
                Value::object([("a", "x".into()), ("b", Value::Null)]),
            ),
            (
                r#""dynamic""#,
                r#"{"type":["list","number"],"value":[1]}"#,
                Value::Dynamic(Box::new((
                    kind(r#"["list","number"]"#),
                    Value::List(vec![number("1")]),
                ))),
            ),
            (r#""dynamic""#, "null", Value::Null),
        ] {
            assert_eq!(read(text, expression).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in ["18446744073709551616.5", "-9007199254740993", "0.1"] {
            assert_eq!(read(text, r#""number""#).unwrap(), number(text));
        }
    }

    #[test]
    fn added_attributes_are_null_and_removed_ones_are_dropped() {
        assert_eq!(
            read(
                r#"{"old":1,"kept":"x"}"#,
                r#"["object",{"kept":"string","new":"bool"}]"#
            )
            .unwrap(),
            Value::object([("kept", "x".into()), ("new", Value::Null)]),
        );
    }

    #[test]
    fn an_invalid_value_is_an_error_with_its_path() {
        for (text, expression, message) in [
            ("1", r#""string""#, "a string is required, found a number"),
            (
                r#""x""#,
                r#""number""#,
                "a number is required, found a string",
            ),
            (
                "[]",
                r#"["tuple",["bool"]]"#,
                "a tuple of length 1 is required, found 0",
            ),
            (
                r#"{"a":{"k":[0]}}"#,
                r#"["object",{"a":["map",["list","bool"]]}]"#,
                "a[\"k\"][0]: a bool is required, found a number",
            ),
            (r#"{"value":1}"#, r#""dynamic""#, "null is not a type"),
        ] {
            assert_eq!(read(text, expression).unwrap_err().to_string(), message);
        }
    }
}
