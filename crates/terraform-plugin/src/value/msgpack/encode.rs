//! Encodes a value for the wire.

use std::collections::BTreeMap;

use rmpv::Value as Wire;

use crate::value::type_error::{at, check_length, expected_name, found_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// The extension code and content of an unknown value without refinements.
const UNKNOWN: (i8, [u8; 1]) = (0, [0]);

/// Encodes a value of type `kind`. Attributes that an object omits are encoded as null.
///
/// # Errors
/// The value doesn't match the type. The error has the path of the invalid part.
pub fn encode(value: &Value, kind: &Type) -> Result<Vec<u8>, TypeError> {
    let wire = to_wire(value, kind)?;
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &wire).expect("memory takes every write");
    Ok(bytes)
}

fn to_wire(value: &Value, kind: &Type) -> Result<Wire, TypeError> {
    match (kind, value) {
        (_, Value::Null) => Ok(Wire::Nil),
        (_, Value::Unknown) => Ok(Wire::Ext(UNKNOWN.0, UNKNOWN.1.to_vec())),
        (Type::String, Value::String(text)) => Ok(Wire::from(text.as_str())),
        (Type::Bool, Value::Bool(truth)) => Ok(Wire::from(*truth)),
        (Type::Number, Value::Number(number)) => Ok(number_to_wire(number)),
        (Type::List(element), Value::List(elements)) => (0..)
            .zip(elements)
            .map(|(index, value)| at(Step::Index(index), to_wire(value, element)))
            .collect::<Result<_, _>>()
            .map(Wire::Array),
        (Type::Set(element), Value::Set(elements)) => elements
            .iter()
            .map(|value| to_wire(value, element).map_err(|error| error.problem.into()))
            .collect::<Result<_, _>>()
            .map(Wire::Array),
        (Type::Tuple(kinds), Value::List(elements)) => {
            check_length(kinds.len(), elements.len())?;
            (0..)
                .zip(elements.iter().zip(kinds))
                .map(|(index, (value, kind))| at(Step::Index(index), to_wire(value, kind)))
                .collect::<Result<_, _>>()
                .map(Wire::Array)
        }
        (Type::Map(element), Value::Map(elements)) => elements
            .iter()
            .map(|(key, value)| {
                let value = at(Step::Key(key.clone()), to_wire(value, element))?;
                Ok((Wire::from(key.as_str()), value))
            })
            .collect::<Result<_, _>>()
            .map(Wire::Map),
        (Type::Object(kinds), Value::Object(attributes)) => object_to_wire(attributes, kinds),
        (Type::Dynamic, Value::Dynamic(typed)) => {
            let (kind, value) = typed.as_ref();
            let expression = kind.to_json().to_string().into_bytes();
            Ok(Wire::Array(vec![
                Wire::Binary(expression),
                to_wire(value, kind)?,
            ]))
        }
        (kind, value) => Err(Problem::WrongKind {
            expected: expected_name(kind),
            found: found_name(value),
        }
        .into()),
    }
}

fn object_to_wire(
    attributes: &BTreeMap<String, Value>,
    kinds: &BTreeMap<String, Type>,
) -> Result<Wire, TypeError> {
    if let Some(unexpected) = attributes.keys().find(|name| !kinds.contains_key(*name)) {
        return Err(Problem::UnexpectedAttribute(unexpected.clone()).into());
    }
    kinds
        .iter()
        .map(|(name, kind)| {
            let value = attributes.get(name).unwrap_or(&Value::Null);
            let value = at(Step::Attribute(name.clone()), to_wire(value, kind))?;
            Ok((Wire::from(name.as_str()), value))
        })
        .collect::<Result<_, _>>()
        .map(Wire::Map)
}

/// Encodes an integer that fits in 64 bits as an integer. Every other number becomes decimal text,
/// because a float would lose digits.
fn number_to_wire(number: &Number) -> Wire {
    if number.is_infinite() {
        let sign = if number.is_negative() { -1.0 } else { 1.0 };
        return Wire::F64(f64::INFINITY * sign);
    }
    match number.to_i64() {
        Some(integer) => Wire::from(integer),
        None => Wire::from(number.to_string()),
    }
}
