//! Merging a PATCH into a stored task.

use serde_json::{Map, Value};

/// Merges a PATCH into the stored properties.
///
/// Objects merge by field, timers and source triggers by name, and registry credentials by key, where null removes an entry.
/// Other values are replaced, and null is ignored.
pub(crate) fn merge(stored: &mut Map<String, Value>, update: Map<String, Value>) {
    for (key, value) in update {
        match (key.as_str(), stored.get_mut(&key), value) {
            (
                "timerTriggers" | "sourceTriggers",
                Some(Value::Array(triggers)),
                Value::Array(updates),
            ) => merge_named(triggers, updates),
            ("customRegistries", Some(Value::Object(registries)), Value::Object(updates)) => {
                for (server, credentials) in updates {
                    match credentials {
                        Value::Null => registries.remove(&server),
                        credentials => registries.insert(server, credentials),
                    };
                }
            }
            (_, _, Value::Null) => {}
            (_, Some(Value::Object(object)), Value::Object(update)) => merge(object, update),
            (_, _, value) => {
                stored.insert(key, value);
            }
        }
    }
}

fn merge_named(triggers: &mut Vec<Value>, updates: Vec<Value>) {
    for update in updates {
        let name = update["name"].as_str().map(str::to_owned);
        let same = triggers
            .iter_mut()
            .find(|trigger| name.is_some() && trigger["name"].as_str() == name.as_deref());
        match (same, update) {
            (Some(Value::Object(trigger)), Value::Object(update)) => merge(trigger, update),
            (_, update) => triggers.push(update),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(stored: Value, update: Value) -> Value {
        let (Value::Object(mut stored), Value::Object(update)) = (stored, update) else {
            return Value::Null;
        };
        merge(&mut stored, update);
        Value::Object(stored)
    }

    #[test]
    fn a_timer_is_matched_by_name_and_keeps_omitted_fields() {
        let stored = json!({"trigger": {"timerTriggers": [
            {"name": "a", "schedule": "0 0 * * *", "status": "Enabled"}, {"name": "b", "schedule": "1 1 * * *"}]}});
        let update =
            json!({"trigger": {"timerTriggers": [{"name": "a", "schedule": "5 5 * * *"}]}});
        let expected = json!({"trigger": {"timerTriggers": [
            {"name": "a", "schedule": "5 5 * * *", "status": "Enabled"}, {"name": "b", "schedule": "1 1 * * *"}]}});
        assert_eq!(merged(stored, update), expected);
    }

    #[test]
    fn null_only_removes_a_custom_registrys_credentials() {
        let stored =
            json!({"timeout": 300, "credentials": {"customRegistries": {"a": {}, "b": {}}}});
        let update = json!({"timeout": null, "credentials": {"customRegistries": {"a": null}}});
        let expected = json!({"timeout": 300, "credentials": {"customRegistries": {"b": {}}}});
        assert_eq!(merged(stored, update), expected);
    }
}
