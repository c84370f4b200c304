//! The configuration of a workflow, worked out from its state: what a user would have written.

use crate::provider::workflow::model::Preflight;
use crate::provider::workflow::names;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

/// The configuration, without what is as it is by default anyway.
pub(crate) fn configuration(schema: &Schema, state: Value) -> Value {
    let Value::Object(mut values) = schema.block.configuration_of(state) else {
        return Value::Null;
    };
    for (name, default) in [
        (names::ENABLED, Value::from(true)),
        (names::PREFLIGHT, Preflight::Warn.as_str().into()),
        (names::RUN_IMMEDIATELY, false.into()),
    ] {
        leave_out(values.get_mut(name), &default);
    }
    if let Some(Value::Map(repositories)) = values.get_mut(names::REPOSITORIES) {
        for repository in repositories.values_mut() {
            if let Value::Object(repository) = repository {
                leave_out(repository.get_mut(names::ENABLED), &true.into());
            }
        }
    }
    Value::Object(values)
}

fn leave_out(value: Option<&mut Value>, default: &Value) {
    if let Some(value) = value.filter(|value| **value == *default) {
        *value = Value::Null;
    }
}
