//! Equal texts for equal states. Two runs differ in generated IDs, times and tokens, and a check after one of
//! them tells nothing new after the other.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_lite::{Captures, Regex};
use serde_json::Value;

/// Returns a text that is the same for the same Azure and the same state file.
pub(crate) fn canonical(azure: &Value, state: Option<&str>) -> String {
    let mut ids = Ids::default();
    let registries = ids.replace(&azure["registries"].to_string());
    let mut assignments: Vec<String> = azure["role_assignments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|assignment| {
            let mut without_name = assignment.clone();
            without_name["name"] = Value::Null;
            let key = ids.known(&without_name.to_string());
            format!("{key} {assignment}")
        })
        .collect();
    // The order of their creation differs between runs.
    assignments.sort();
    let assignments = ids.replace(&assignments.join("\n"));
    let state = ids.replace(&state.map(readable).unwrap_or_default());
    format!("{registries}\n{assignments}\n{state}")
}

/// Returns the resources of a state file, with readable private data.
fn readable(state: &str) -> String {
    let mut state: Value = serde_json::from_str(state).unwrap_or_default();
    let resources = state["resources"].as_array_mut().into_iter().flatten();
    for instance in resources.flat_map(|it| it["instances"].as_array_mut().into_iter().flatten()) {
        let private = instance["private"].as_str().unwrap_or_default();
        let private = STANDARD.decode(private).unwrap_or_default();
        instance["private"] = String::from_utf8_lossy(&private).into();
    }
    state["resources"].to_string()
}

/// Numbers for generated IDs, in the order in which they appear.
#[derive(Default)]
struct Ids(BTreeMap<String, usize>);

impl Ids {
    fn replace(&mut self, text: &str) -> String {
        let named = UUID.with(|uuid| {
            uuid.replace_all(text, |found: &Captures<'_>| {
                let next = self.0.len();
                let number = self.0.entry(found[0].to_lowercase()).or_insert(next);
                format!("<{number}>")
            })
            .into_owned()
        });
        TIME.with(|time| time.replace_all(&named, "<time>").into_owned())
    }

    /// Replaces only the IDs that have a number.
    fn known(&self, text: &str) -> String {
        let named = UUID.with(|uuid| {
            uuid.replace_all(text, |found: &Captures<'_>| {
                let number = self.0.get(&found[0].to_lowercase());
                number.map_or_else(|| "<?>".to_owned(), |number| format!("<{number}>"))
            })
            .into_owned()
        });
        TIME.with(|time| time.replace_all(&named, "<time>").into_owned())
    }
}

thread_local! {
    static UUID: Regex =
        Regex::new("(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    static TIME: Regex =
        Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)").unwrap();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn azure(principal: &str, names: [&str; 2], time: &str) -> Value {
        json!({
            "registries": [{"tasks": {"a": {"principal_id": principal, "created": time}}}],
            "role_assignments": [
                {"name": names[0], "role": "r1", "principal_id": principal},
                {"name": names[1], "role": "r2", "principal_id": principal},
            ],
        })
    }

    #[test]
    fn generated_ids_times_and_orders_make_no_difference() {
        let [a, b, c] = [1, 2, 3].map(|n| format!("{n:08}-0000-4000-8000-000000000000"));
        let one = azure(&a, [&b, &c], "2026-11-23T08:00:00Z");
        let mut other = azure(&c, [&a, &b], "2026-11-24T09:30:00.5Z");
        other["role_assignments"].as_array_mut().unwrap().reverse();
        assert_eq!(canonical(&one, None), canonical(&other, None));
    }

    #[test]
    fn another_principal_and_another_state_make_a_difference() {
        let [a, b, c] = [1, 2, 3].map(|n| format!("{n:08}-0000-4000-8000-000000000000"));
        let one = azure(&a, [&b, &c], "2026-11-23T08:00:00Z");
        let mut orphaned = one.clone();
        orphaned["role_assignments"][0]["principal_id"] = json!(b);
        assert_ne!(canonical(&one, None), canonical(&orphaned, None));
        let state = r#"{"resources": [{"instances": [{"private": "eyJhIjoxfQ=="}]}]}"#;
        let with_state = canonical(&one, Some(state));
        assert!(with_state.contains(r#"{\"a\":1}"#), "{with_state}");
        assert_ne!(canonical(&one, None), with_state);
    }
}
