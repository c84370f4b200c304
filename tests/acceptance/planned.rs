//! The changes of a plan, attribute by attribute.

use std::collections::{BTreeMap, BTreeSet};

use host_cli::run::Finished;
use serde_json::Value;

use crate::stage::Stage;

/// A plan, as `show -json` describes it.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The finished command with its output.
    pub(crate) finished: Finished,
    /// The resources that the plan changes, by address.
    pub(crate) changes: BTreeMap<String, Change>,
    /// The resources that changed outside Terraform, by address.
    pub(crate) drift: BTreeMap<String, Change>,
}

/// A planned or detected change of a resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The actions, such as `update`, or `delete create` for a replacement.
    pub(crate) actions: String,
    /// The paths of the attributes that change, such as `tasks/cssc-scan-image/status`.
    pub(crate) attributes: Vec<String>,
}

impl Stage {
    /// Plans with these options.
    pub(crate) async fn planned(&self, options: &[&str]) -> Planned {
        const FILE: &str = "tfplan";
        let out = format!("-out={FILE}");
        let options = [&[out.as_str()], options].concat();
        let plan = self.workspace.plan(&options).await.unwrap();
        let shown = self.workspace.run(&["show", "-json", FILE]).await.unwrap();
        let shown = shown.ended_with(0).unwrap().stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        Planned {
            finished: plan.finished().clone(),
            changes: changes(&shown["resource_changes"]),
            drift: changes(&shown["resource_drift"]),
        }
    }
}

fn changes(resources: &Value) -> BTreeMap<String, Change> {
    let resources = resources.as_array().into_iter().flatten();
    let described = resources.map(|resource| {
        let address = resource["address"].as_str().unwrap().to_owned();
        (address, Change::of(&resource["change"]))
    });
    described
        .filter(|(_, change)| change.actions != "no-op")
        .collect()
}

impl Change {
    fn of(change: &Value) -> Self {
        let actions: Vec<&str> = change["actions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut attributes = Vec::new();
        let (before, after) = (&change["before"], &change["after"]);
        compare("", before, after, &change["after_unknown"], &mut attributes);
        Self {
            actions: actions.join(" "),
            attributes,
        }
    }
}

/// Collects the paths of values that change or that are known only after apply.
fn compare(path: &str, before: &Value, after: &Value, unknown: &Value, into: &mut Vec<String>) {
    if let (Value::Object(before), Value::Object(after)) = (before, after) {
        let unknowns = unknown.as_object().into_iter().flat_map(|all| all.keys());
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).chain(unknowns).collect();
        for key in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}/{key}")
            };
            let at = |values: &serde_json::Map<String, Value>| {
                values.get(key).cloned().unwrap_or_default()
            };
            compare(&path, &at(before), &at(after), &unknown[key], into);
        }
    } else if before != after || unknown == &Value::Bool(true) {
        into.push(path.to_owned());
    }
}
