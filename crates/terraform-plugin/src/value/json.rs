//! Reads values from the JSON of stored state. Only hosts write it.
//!
//! The JSON has the same shapes as the wire encoding, but a dynamic value is an object with `type`
//! and `value`. JSON has no unknown values. Numbers are exact, because they never become a float.
//!
//! A host also accepts text for a number or a bool, and a number or a bool for text (go-cty,
//! `cty/json/unmarshal.go`). Older providers and manual edits leave such states behind.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::Value as Json;

use crate::value::type_error::{at, check_length, expected_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// Reads a value of type `kind` from the text of JSON. Like [`decode`], but reads straight into values,
/// so that a large state needs no second tree in memory.
///
/// # Errors
/// The text is not JSON, or not a value of this type. The error has the path of the invalid part.
pub fn decode_slice(text: &[u8], kind: &Type) -> Result<Value, TypeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Stream(kind).deserialize(&mut deserializer);
    if let Ok(value) = value
        && deserializer.end().is_ok()
    {
        return Ok(value);
    }
    // Only the tree of an invalid value tells the path and the kind of the invalid part.
    decode(
        &serde_json::from_slice(text).map_err(Problem::NotJson)?,
        kind,
    )
}

/// Reads a value of this type from a stream of JSON.
struct Stream<'a>(&'a Type);

impl<'de> DeserializeSeed<'de> for Stream<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Type::String | Type::Number | Type::Bool | Type::Dynamic => {
                decode(&Json::deserialize(deserializer)?, self.0).map_err(D::Error::custom)
            }
            Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Map(_) | Type::Object(_) => {
                deserializer.deserialize_option(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for Stream<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(expected_name(self.0))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Type::Map(_) | Type::Object(_) => deserializer.deserialize_map(self),
            _ => deserializer.deserialize_seq(self),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        match self.0 {
            Type::List(kind) | Type::Set(kind) => {
                while let Some(element) = from.next_element_seed(Stream(kind))? {
                    elements.push(element);
                }
            }
            Type::Tuple(kinds) => {
                for kind in kinds {
                    let element = from.next_element_seed(Stream(kind))?;
                    elements.push(element.ok_or_else(|| A::Error::custom("too short"))?);
                }
            }
            other => return Err(A::Error::custom(expected_name(other))),
        }
        Ok(match self.0 {
            Type::Set(_) => Value::Set(elements),
            _ => Value::List(elements),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        match self.0 {
            Type::Map(kind) => {
                while let Some(key) = from.next_key::<String>()? {
                    entries.insert(key, from.next_value_seed(Stream(kind))?);
                }
                Ok(Value::Map(entries))
            }
            Type::Object(kinds) => {
                while let Some(name) = from.next_key::<String>()? {
                    match kinds.get(&name) {
                        Some(kind) => {
                            entries.insert(name, from.next_value_seed(Stream(kind))?);
                        }
                        None => {
                            from.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                for name in kinds.keys() {
                    if !entries.contains_key(name) {
                        entries.insert(name.clone(), Value::Null);
                    }
                }
                Ok(Value::Object(entries))
            }
            other => Err(A::Error::custom(expected_name(other))),
        }
    }
}

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
        (Type::String, Json::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::String, Json::Bool(truth)) => Ok(Value::String(truth.to_string())),
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Bool, Json::String(text)) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(wrong_kind(kind, json)),
        },
        (Type::Number, Json::Number(number)) => number_from(&number.to_string()),
        (Type::Number, Json::String(text)) => number_from(text),
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
        (kind, json) => Err(wrong_kind(kind, json)),
    }
}

fn number_from(text: &str) -> Result<Value, TypeError> {
    let number: Number = text.parse().map_err(Problem::from)?;
    Ok(Value::Number(number))
}

fn wrong_kind(kind: &Type, json: &Json) -> TypeError {
    let (expected, found) = (expected_name(kind), json_name(json));
    Problem::WrongKind { expected, found }.into()
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
        let kind = kind(expression);
        let read = decode(&serde_json::from_str(text).unwrap(), &kind);
        let streamed = decode_slice(text.as_bytes(), &kind);
        match (&read, &streamed) {
            (Ok(read), Ok(streamed)) => assert_eq!(read, streamed, "{text}"),
            (read, streamed) => assert_eq!(
                read.as_ref().err().map(ToString::to_string),
                streamed.as_ref().err().map(ToString::to_string),
                "{text}"
            ),
        }
        read
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
    fn text_numbers_and_bools_convert_as_a_host_converts_them() {
        for (text, expression, value) in [
            (r#""7""#, r#""number""#, number("7")),
            (r#""-0.50""#, r#""number""#, number("-0.5")),
            (r#""true""#, r#""bool""#, true.into()),
            (r#""1""#, r#""bool""#, true.into()),
            (r#""false""#, r#""bool""#, false.into()),
            (r#""0""#, r#""bool""#, false.into()),
            ("7", r#""string""#, "7".into()),
            ("1.50", r#""string""#, "1.50".into()),
            ("true", r#""string""#, "true".into()),
        ] {
            assert_eq!(read(text, expression).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_an_error() {
        let list = Type::List(Box::new(Type::Bool));
        for text in ["", "[true", "[true] x", "{", "[tru]"] {
            let error = decode_slice(text.as_bytes(), &list).unwrap_err();
            assert_eq!(error.to_string(), "the value is not JSON", "{text}");
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
            ("[]", r#""string""#, "a string is required, found an array"),
            (r#""x""#, r#""number""#, "\"x\" is not a decimal number"),
            ("true", r#""number""#, "a number is required, found a bool"),
            (
                r#""True""#,
                r#""bool""#,
                "a bool is required, found a string",
            ),
            ("1", r#""bool""#, "a bool is required, found a number"),
            (
                "7",
                r#"["list","bool"]"#,
                "a list is required, found a number",
            ),
            (
                "7",
                r#"["map","string"]"#,
                "a map is required, found a number",
            ),
            (
                "7",
                r#"["object",{"a":"string"}]"#,
                "an object is required, found a number",
            ),
            (
                "[true,false]",
                r#"["tuple",["bool"]]"#,
                "a tuple of length 1 is required, found 2",
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
