//! Changing the objects in the value of a nested attribute or block, however they are collected.

use std::collections::BTreeMap;

use crate::value::Value;

/// The attributes and blocks of one object.
pub(super) type Fields = BTreeMap<String, Value>;

/// The same value, changed if it is an object: null and unknown stay as they are.
pub(super) fn change_object(value: Value, change: impl FnOnce(&mut Fields)) -> Value {
    match value {
        Value::Object(mut fields) => {
            change(&mut fields);
            Value::Object(fields)
        }
        other => other,
    }
}

/// The same object or collection of objects with each object changed. What travels as a dynamic
/// value brings its own exact type, and stays as it is.
pub(super) fn change_each_object(value: Value, change: impl Fn(&mut Fields)) -> Value {
    let each = |object| change_object(object, &change);
    match value {
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
