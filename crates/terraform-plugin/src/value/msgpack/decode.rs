//! Decodes a value from the wire encoding.

use std::collections::BTreeMap;

use rmpv::ValueRef;

use crate::value::type_error::{at, check_length, expected_name};
use crate::value::{Number, Problem, Step, Type, TypeError, Value};

/// The maximum nesting depth. Deeper values would exhaust the stack. Each array or map counts twice,
/// so this allows 128 levels, the same as serde_json.
const MAX_DEPTH: usize = 256;

/// Decodes a value of type `kind`. Objects must have exactly the attributes of their type.
///
/// # Errors
/// The bytes are not exactly one value of this type. The error has the path of the invalid part.
pub fn decode(bytes: &[u8], kind: &Type) -> Result<Value, TypeError> {
    let mut rest = bytes;
    let wire = rmpv::decode::read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(Problem::NotMessagePack)?;
    if !rest.is_empty() {
        return Err(Problem::TrailingBytes(rest.len()).into());
    }
    from_wire(wire, kind)
}

fn from_wire(wire: ValueRef<'_>, kind: &Type) -> Result<Value, TypeError> {
    match (kind, wire) {
        (_, ValueRef::Nil) => Ok(Value::Null),
        (_, ValueRef::Ext(_, _)) => Ok(Value::Unknown),
        (Type::String, ValueRef::String(text)) => Ok(Value::String(utf8(text)?)),
        (Type::Bool, ValueRef::Boolean(truth)) => Ok(Value::Bool(truth)),
        (Type::Number, wire) => Ok(Value::Number(number_from_wire(&wire)?)),
        (Type::List(element), ValueRef::Array(elements)) => {
            elements_from_wire(elements, element).map(Value::List)
        }
        // The protocol has no path to a set element, so an error in an element is an error of the set.
        (Type::Set(element), ValueRef::Array(elements)) => elements
            .into_iter()
            .map(|wire| from_wire(wire, element).map_err(|error| error.problem.into()))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Type::Tuple(kinds), ValueRef::Array(elements)) => {
            check_length(kinds.len(), elements.len())?;
            (0..)
                .zip(elements.into_iter().zip(kinds))
                .map(|(index, (wire, kind))| at(Step::Index(index), from_wire(wire, kind)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (Type::Map(element), ValueRef::Map(entries)) => {
            let mut elements = BTreeMap::new();
            for (key, wire) in entries {
                let key = key_from_wire(key)?;
                let value = at(Step::Key(key.clone()), from_wire(wire, element))?;
                insert_once(&mut elements, key, value)?;
            }
            Ok(Value::Map(elements))
        }
        (Type::Object(kinds), ValueRef::Map(entries)) => object_from_wire(entries, kinds),
        (Type::Dynamic, ValueRef::Array(pair)) => dynamic_from_wire(pair),
        (kind, wire) => Err(Problem::WrongKind {
            expected: expected_name(kind),
            found: wire_name(&wire),
        }
        .into()),
    }
}

fn number_from_wire(wire: &ValueRef<'_>) -> Result<Number, TypeError> {
    match wire {
        ValueRef::Integer(integer) => Ok(match integer.as_i64() {
            Some(integer) => integer.into(),
            None => integer.as_u64().unwrap_or_default().into(),
        }),
        ValueRef::F32(float) => Ok(Number::try_from(f64::from(*float)).map_err(Problem::from)?),
        ValueRef::F64(float) => Ok(Number::try_from(*float).map_err(Problem::from)?),
        ValueRef::String(text) => {
            let text = text.as_str().ok_or(Problem::NotUtf8)?;
            Ok(text.parse::<Number>().map_err(Problem::from)?)
        }
        other => Err(Problem::WrongKind {
            expected: expected_name(&Type::Number),
            found: wire_name(other),
        }
        .into()),
    }
}

fn elements_from_wire(elements: Vec<ValueRef<'_>>, kind: &Type) -> Result<Vec<Value>, TypeError> {
    (0..)
        .zip(elements)
        .map(|(index, wire)| at(Step::Index(index), from_wire(wire, kind)))
        .collect()
}

fn object_from_wire(
    entries: Vec<(ValueRef<'_>, ValueRef<'_>)>,
    kinds: &BTreeMap<String, Type>,
) -> Result<Value, TypeError> {
    let mut attributes = BTreeMap::new();
    for (name, wire) in entries {
        let name = key_from_wire(name)?;
        let Some(kind) = kinds.get(&name) else {
            return Err(Problem::UnexpectedAttribute(name).into());
        };
        let value = at(Step::Attribute(name.clone()), from_wire(wire, kind))?;
        insert_once(&mut attributes, name, value)?;
    }
    match kinds.keys().find(|name| !attributes.contains_key(*name)) {
        Some(missing) => Err(Problem::MissingAttribute(missing.clone()).into()),
        None => Ok(Value::Object(attributes)),
    }
}

fn dynamic_from_wire(pair: Vec<ValueRef<'_>>) -> Result<Value, TypeError> {
    let [expression, wire] =
        <[ValueRef<'_>; 2]>::try_from(pair).map_err(|pair| Problem::WrongLength {
            expected: 2,
            found: pair.len(),
        })?;
    let expression = match &expression {
        ValueRef::Binary(bytes) => bytes,
        ValueRef::String(text) => text.as_bytes(),
        other => {
            return Err(Problem::WrongKind {
                expected: "a type",
                found: wire_name(other),
            }
            .into());
        }
    };
    let kind = Type::from_json(&serde_json::from_slice(expression).map_err(Problem::NotJson)?)?;
    let value = from_wire(wire, &kind)?;
    Ok(Value::Dynamic(Box::new((kind, value))))
}

fn insert_once(
    entries: &mut BTreeMap<String, Value>,
    key: String,
    value: Value,
) -> Result<(), TypeError> {
    if entries.contains_key(&key) {
        return Err(Problem::DuplicateKey(key).into());
    }
    entries.insert(key, value);
    Ok(())
}

fn key_from_wire(key: ValueRef<'_>) -> Result<String, TypeError> {
    match key {
        ValueRef::String(text) => utf8(text),
        other => Err(Problem::WrongKind {
            expected: "a string key",
            found: wire_name(&other),
        }
        .into()),
    }
}

fn utf8(text: rmpv::Utf8StringRef<'_>) -> Result<String, TypeError> {
    text.as_str()
        .map(str::to_owned)
        .ok_or_else(|| Problem::NotUtf8.into())
}

fn wire_name(wire: &ValueRef<'_>) -> &'static str {
    match wire {
        ValueRef::Nil => "null",
        ValueRef::Boolean(_) => "a bool",
        ValueRef::Integer(_) | ValueRef::F32(_) | ValueRef::F64(_) => "a number",
        ValueRef::String(_) => "a string",
        ValueRef::Binary(_) => "bytes",
        ValueRef::Array(_) => "an array",
        ValueRef::Map(_) => "a map",
        ValueRef::Ext(_, _) => "an unknown value",
    }
}
