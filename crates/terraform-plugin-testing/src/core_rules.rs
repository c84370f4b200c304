//! Terraform Core's proposed state, and its rules for a provider's answers.
//!
//! Each broken rule is one line that starts with the path.

use std::collections::BTreeMap;

use terraform_plugin::schema::{Attribute, AttributeKind, Block, Configurability, Nesting};
use terraform_plugin::value::Value;

/// The proposed state: the configuration, with prior values for computed attributes that it omits.
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

/// The rules that a plan breaks ("Provider produced invalid plan").
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

/// The paths where `actual` contradicts the planned state.
///
/// `actual` is the state after apply ("inconsistent result after apply") or a later plan ("inconsistent
/// final plan"). An unknown planned value may become any value.
pub fn broken_promises(planned: &Value, actual: &Value) -> Vec<String> {
    let mut broken = vec![];
    compare("", planned, actual, &mut broken);
    broken
}

fn compare(path: &str, planned: &Value, actual: &Value, broken: &mut Vec<String>) {
    type Elements = BTreeMap<String, Value>;
    let same_keys = |a: &Elements, b: &Elements| a.keys().eq(b.keys());
    match (planned, actual) {
        (Value::Unknown, _) => {}
        (Value::Object(a), Value::Object(b)) | (Value::Map(a), Value::Map(b))
            if same_keys(a, b) =>
        {
            for (key, planned) in a {
                compare(&format!("{path}.{key}"), planned, &b[key], broken);
            }
        }
        (Value::Set(a), Value::Set(b)) if sets_agree(a, b) => {}
        (planned, actual) if planned == actual => {}
        _ => broken.push(format!(
            "{path}: planned as {planned:?}, but now {actual:?}"
        )),
    }
}

/// Whether each element has a possible counterpart in the other set. Several unknown elements may turn
/// out equal, so the set may shrink but not grow.
fn sets_agree(planned: &[Value], actual: &[Value]) -> bool {
    let may_be = |a: &Value, b: &Value| broken_promises(a, b).is_empty();
    actual.len() <= planned.len()
        && planned.iter().all(|a| actual.iter().any(|b| may_be(a, b)))
        && actual.iter().all(|b| planned.iter().any(|a| may_be(a, b)))
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(
        attribute.configurability,
        Configurability::Computed | Configurability::OptionalComputed
    )
}
