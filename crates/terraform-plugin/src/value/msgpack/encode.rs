//! Encodes a value.
//!
//! The encoder writes straight into the message, without a second tree in memory.

use std::collections::BTreeMap;

use rmp::encode::buffer::ByteBuf;
use rmp::encode::{
    write_array_len, write_bin, write_bool, write_ext_meta, write_f64, write_map_len, write_nil,
    write_sint, write_str,
};

use crate::value::type_error::{at, check_length, expected_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// The extension code and content of an unknown value.
const UNKNOWN: (i8, [u8; 1]) = (0, [0]);

/// Why a write succeeds.
const GROWS: &str = "a buffer in memory takes every write";

/// Encodes a value of type `kind`. Attributes that an object omits are encoded as null.
///
/// # Errors
/// The value doesn't match the type. The error has the path of the invalid part.
pub fn encode(value: &Value, kind: &Type) -> Result<Vec<u8>, TypeError> {
    let mut wire = ByteBuf::new();
    write(&mut wire, value, kind)?;
    Ok(wire.into_vec())
}

fn write(wire: &mut ByteBuf, value: &Value, kind: &Type) -> Result<(), TypeError> {
    match (kind, value) {
        (_, Value::Null) => write_nil(wire).expect(GROWS),
        (_, Value::Unknown) => {
            let (code, content) = UNKNOWN;
            write_ext_meta(wire, length(content.len())?, code).expect(GROWS);
            wire.as_mut_vec().extend(content);
        }
        (Type::String, Value::String(text)) => write_str(wire, text).expect(GROWS),
        (Type::Bool, Value::Bool(truth)) => write_bool(wire, *truth).expect(GROWS),
        (Type::Number, Value::Number(number)) => write_number(wire, number),
        (Type::List(element), Value::List(elements)) => {
            write_array_len(wire, length(elements.len())?).expect(GROWS);
            for (index, value) in (0..).zip(elements) {
                at(Step::Index(index), write(wire, value, element))?;
            }
        }
        (Type::Set(element), Value::Set(elements)) => {
            write_array_len(wire, length(elements.len())?).expect(GROWS);
            for value in elements {
                write(wire, value, element).map_err(|error| TypeError::from(error.problem))?;
            }
        }
        (Type::Tuple(kinds), Value::List(elements)) => {
            check_length(kinds.len(), elements.len())?;
            write_array_len(wire, length(elements.len())?).expect(GROWS);
            for (index, (value, kind)) in (0..).zip(elements.iter().zip(kinds)) {
                at(Step::Index(index), write(wire, value, kind))?;
            }
        }
        (Type::Map(element), Value::Map(elements)) => {
            write_map_len(wire, length(elements.len())?).expect(GROWS);
            for (key, value) in elements {
                write_str(wire, key).expect(GROWS);
                at(Step::Key(key.clone()), write(wire, value, element))?;
            }
        }
        (Type::Object(kinds), Value::Object(attributes)) => write_object(wire, attributes, kinds)?,
        (Type::Dynamic, Value::Dynamic(typed)) => {
            let (kind, value) = typed.as_ref();
            write_array_len(wire, 2).expect(GROWS);
            write_bin(wire, kind.to_json().to_string().as_bytes()).expect(GROWS);
            write(wire, value, kind)?;
        }
        (kind, value) => return Err(Problem::wrong_kind(expected_name(kind), value).into()),
    }
    Ok(())
}

fn write_object(
    wire: &mut ByteBuf,
    attributes: &BTreeMap<String, Value>,
    kinds: &BTreeMap<String, Type>,
) -> Result<(), TypeError> {
    if let Some(unexpected) = attributes.keys().find(|name| !kinds.contains_key(*name)) {
        return Err(Problem::UnexpectedAttribute(unexpected.clone()).into());
    }
    write_map_len(wire, length(kinds.len())?).expect(GROWS);
    for (name, kind) in kinds {
        let value = attributes.get(name).unwrap_or(&Value::Null);
        write_str(wire, name).expect(GROWS);
        at(Step::Attribute(name.clone()), write(wire, value, kind))?;
    }
    Ok(())
}

/// Encodes an integer that fits in 64 bits as an integer. Every other number becomes decimal text,
/// because a float would lose digits.
fn write_number(wire: &mut ByteBuf, number: &Number) {
    if number.is_infinite() {
        let sign = if number.is_negative() { -1.0 } else { 1.0 };
        write_f64(wire, f64::INFINITY * sign).expect(GROWS);
        return;
    }
    match number.to_i64() {
        Some(integer) => {
            write_sint(wire, integer).expect(GROWS);
        }
        None => write_str(wire, &number.to_string()).expect(GROWS),
    }
}

/// The length of an array, a map or an extension on the wire.
fn length(length: usize) -> Result<u32, Problem> {
    u32::try_from(length)
        .map_err(|_| Problem::Invalid(format!("a value has too many elements: {length}")))
}
