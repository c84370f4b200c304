//! Changes the objects in the value of a nested attribute or block, in any nesting mode.

use std::collections::BTreeMap;

use crate::schema::Nesting;
use crate::value::Value;

/// The attributes and blocks of one object.
pub(super) type Fields = BTreeMap<String, Value>;

/// Changes the value if it is an object. Null and unknown stay as they are.
pub(super) fn change_object(value: Value, change: impl FnOnce(&mut Fields)) -> Value {
    match value {
        Value::Object(mut fields) => {
            change(&mut fields);
            Value::Object(fields)
        }
        other => other,
    }
}

/// Changes an object, or each object in a collection of this nesting mode.
///
/// A dynamic value has its own exact type, which stays. So `change` must not add attributes to it.
pub(super) fn change_each_object(
    nesting: Nesting,
    value: Value,
    change: impl Fn(&mut Fields),
) -> Value {
    match value {
        Value::Dynamic(typed) => {
            let (kind, value) = *typed;
            Value::Dynamic(Box::new((kind, change_each(nesting, value, &change))))
        }
        value => change_each(nesting, value, &change),
    }
}

fn change_each(nesting: Nesting, value: Value, change: &impl Fn(&mut Fields)) -> Value {
    let each = |object| change_object(object, change);
    match value {
        // In a dynamic value, a map of objects that differ in type is an object of objects.
        Value::Object(objects) if nesting == Nesting::Map => Value::Object(
            objects
                .into_iter()
                .map(|(key, object)| (key, each(object)))
                .collect(),
        ),
        Value::List(objects) => Value::List(objects.into_iter().map(each).collect()),
        Value::Set(objects) => Value::Set(objects.into_iter().map(each).collect()),
        Value::Map(objects) => Value::Map(
            objects
                .into_iter()
                .map(|(key, object)| (key, each(object)))
                .collect(),
        ),
        value => each(value),
    }
}
