//! What Terraform Core makes of a configuration before a provider sees it, and what it demands of
//! a provider's answers. Findings are a line each, beginning with the path.

use std::collections::BTreeMap;

use terraform_plugin::schema::{Attribute, AttributeKind, Block, Configurability, Nesting};
use terraform_plugin::value::Value;

/// The configuration, with what the provider has computed before where it says nothing.
pub fn proposed(block: &Block, prior: &Value, config: &Value) -> Value {
    merged(&block.attributes, prior, config)
}

fn merged(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    let Value::Object(configured) = config else {
        return config.clone();
    };
    let mut merged = configured.clone();
    for attribute in attributes {
        let (prior, config) = (prior.get(&attribute.name), config.get(&attribute.name));
        let value = match (&attribute.kind, config) {
            (_, Value::Null) if is_computed(attribute) => prior.clone(),
            (AttributeKind::Nested(Nesting::Map, inner), Value::Map(elements)) => {
                let element = |(key, element)| {
                    let key: &String = key;
                    (key.clone(), self::merged(inner, prior.get(key), element))
                };
                Value::Map(elements.iter().map(element).collect())
            }
            (_, config) => config.clone(),
        };
        merged.insert(attribute.name.clone(), value);
    }
    Value::Object(merged)
}

/// What is wrong with a plan ("Provider produced invalid plan").
pub fn plan_faults(block: &Block, prior: &Value, config: &Value, planned: &Value) -> Vec<String> {
    if planned.as_map().is_none() {
        return vec![format!(": the plan is {planned:?}")];
    }
    let mut faults = attribute_faults("", &block.attributes, prior, config, planned);
    for nested in &block.blocks {
        let (config, planned) = (config.get(&nested.name), planned.get(&nested.name));
        if config != planned {
            faults.push(format!(
                ".{}: {config:?} planned as {planned:?}",
                nested.name
            ));
        }
    }
    faults
}

fn attribute_faults(
    path: &str,
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Vec<String> {
    attributes
        .iter()
        .flat_map(|attribute| {
            let name = &attribute.name;
            let (prior, config, planned) = (prior.get(name), config.get(name), planned.get(name));
            value_faults(&format!("{path}.{name}"), attribute, prior, config, planned)
        })
        .collect()
}

fn value_faults(
    path: &str,
    attribute: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Vec<String> {
    let free = config.is_null() && is_computed(attribute);
    let as_before = !config.is_null() && !prior.is_null() && planned == prior;
    if planned == config || as_before || free {
        return vec![];
    }
    match (&attribute.kind, config, planned) {
        (AttributeKind::Nested(_, inner), Value::Map(configured), Value::Map(elements))
            if configured.keys().eq(elements.keys()) =>
        {
            let element = |(key, element): (&String, &Value)| {
                let path = format!("{path}[{key:?}]");
                attribute_faults(&path, inner, prior.get(key), config.get(key), element)
            };
            elements.iter().flat_map(element).collect()
        }
        _ => vec![format!("{path}: {config:?} planned as {planned:?}")],
    }
}

/// Where a result contradicts what was planned_identity: the plan ("inconsistent result after apply"), or
/// an earlier plan ("inconsistent final plan"). What was unknown may have become anything.
pub fn broken_promises(planned_identity: &Value, kept: &Value) -> Vec<String> {
    let mut broken = vec![];
    compare("", planned_identity, kept, &mut broken);
    broken
}

fn compare(path: &str, planned_identity: &Value, kept: &Value, broken: &mut Vec<String>) {
    type Elements = BTreeMap<String, Value>;
    let same_keys = |a: &Elements, b: &Elements| a.keys().eq(b.keys());
    match (planned_identity, kept) {
        (Value::Unknown, _) => {}
        (Value::Object(a), Value::Object(b)) | (Value::Map(a), Value::Map(b))
            if same_keys(a, b) =>
        {
            for (key, planned_identity) in a {
                compare(&format!("{path}.{key}"), planned_identity, &b[key], broken);
            }
        }
        (Value::Set(a), Value::Set(b)) if sets_agree(a, b) => {}
        (planned_identity, kept) if planned_identity == kept => {}
        _ => broken.push(format!(
            "{path}: was {planned_identity:?}, but now {kept:?}"
        )),
    }
}

/// Each element needs one on the other side that it may be; unknown ones may turn out to be the
/// same, but not to be more.
fn sets_agree(planned_identity: &[Value], kept: &[Value]) -> bool {
    let may_be = |a: &Value, b: &Value| broken_promises(a, b).is_empty();
    kept.len() <= planned_identity.len()
        && planned_identity
            .iter()
            .all(|a| kept.iter().any(|b| may_be(a, b)))
        && kept
            .iter()
            .all(|b| planned_identity.iter().any(|a| may_be(a, b)))
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(
        attribute.configurability,
        Configurability::Computed | Configurability::OptionalComputed
    )
}
