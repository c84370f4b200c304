//! Generates the configuration of an imported workflow from its state.

use crate::provider::workflow::names;
use crate::provider::workflow::schema::default_of;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

/// Returns the configuration without attributes that have their default value.
pub(crate) fn configuration(schema: &Schema, state: Value) -> Value {
    let Value::Object(mut values) = schema.block.configuration_of(state) else {
        return Value::Null;
    };
    for name in [names::ENABLED, names::PREFLIGHT, names::RUN_IMMEDIATELY] {
        leave_out(values.get_mut(name), &default_of(name));
    }
    if let Some(Value::Map(repositories)) = values.get_mut(names::REPOSITORIES) {
        for repository in repositories.values_mut() {
            if let Value::Object(repository) = repository {
                leave_out(
                    repository.get_mut(names::ENABLED),
                    &default_of(names::ENABLED),
                );
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
