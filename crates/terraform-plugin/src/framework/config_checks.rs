//! What can be said of any configuration by its schema alone, and what hosts leave to providers:
//! they know which arguments there are and that the required ones stand there, but not whether
//! null was put there, or a value into a read-only attribute.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::schema::{Attribute, AttributeKind, Block, Configurability};
use crate::value::{AttributePath, Step, Value};

/// Whether the host can keep write-only values out of plan and state (Terraform and OpenTofu can
/// from 1.11 on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOnly {
    /// It can.
    Allowed,
    /// It can't, and would reject the plan later with a message that helps nobody.
    NotAllowed,
}

/// Holds a configuration against its schema. What is unknown is not judged.
pub(crate) fn check_config(block: &Block, config: &Value, write_only: WriteOnly) -> Diagnostics {
    let mut checks = Checks {
        write_only,
        found: Diagnostics::new(),
    };
    checks.block(block, config, &Place::default());
    checks.found
}

/// Where the checks are. Within a set, whose elements have no path in the protocol, that stays the
/// set.
#[derive(Clone, Default)]
struct Place {
    path: AttributePath,
    is_in_set: bool,
}

impl Place {
    fn attribute(&self, name: &str) -> Self {
        self.element(Step::Attribute(name.to_owned()))
    }

    fn element(&self, step: Step) -> Self {
        let mut place = self.clone();
        if !self.is_in_set {
            place.path = place.path.step(step);
        }
        place
    }

    fn within_set(&self) -> Self {
        Self {
            path: self.path.clone(),
            is_in_set: true,
        }
    }
}

struct Checks {
    write_only: WriteOnly,
    found: Diagnostics,
}

impl Checks {
    fn block(&mut self, block: &Block, value: &Value, place: &Place) {
        self.attributes(&block.attributes, value, place);
        for nested in &block.blocks {
            let place = place.attribute(&nested.name);
            for (object, place) in objects(value.get(&nested.name), &place) {
                self.block(&nested.block, object, &place);
            }
        }
    }

    fn attributes(&mut self, attributes: &[Attribute], object: &Value, place: &Place) {
        if object.as_map().is_none() {
            return;
        }
        for attribute in attributes {
            let value = object.get(&attribute.name);
            let place = place.attribute(&attribute.name);
            self.attribute(attribute, value, &place);
            if let AttributeKind::Nested(_, attributes) = &attribute.kind {
                for (object, place) in objects(value, &place) {
                    self.attributes(attributes, object, &place);
                }
            }
        }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &Value, place: &Place) {
        let name = &attribute.name;
        let finding = match (attribute.configurability, value) {
            (Configurability::Required, Value::Null) => Diagnostic::error(
                "Missing required argument",
                format!("The argument {name:?} is required, but it is null. Give it a value."),
            ),
            (_, Value::Null) => return,
            (Configurability::Computed, _) => Diagnostic::error(
                "Value for a read-only attribute",
                format!(
                    "The provider decides on {name:?} by itself. Remove it from the configuration."
                ),
            ),
            _ if attribute.write_only && self.write_only == WriteOnly::NotAllowed => {
                Diagnostic::error(
                    "Write-only argument not supported",
                    format!(
                        "The argument {name:?} is never stored, which takes Terraform or OpenTofu \
                         1.11 or later. Remove it, or upgrade."
                    ),
                )
            }
            _ => match &attribute.deprecation {
                Some(instead) => Diagnostic::warning("Argument deprecated", instead),
                None => return,
            },
        };
        self.found.push(finding.at(place.path.clone()));
    }
}

/// The objects of a nested attribute or block, each with its place.
fn objects<'a>(value: &'a Value, place: &Place) -> Vec<(&'a Value, Place)> {
    match value {
        Value::Object(_) => vec![(value, place.clone())],
        Value::List(objects) => (0..)
            .zip(objects)
            .map(|(index, object)| (object, place.element(Step::Index(index))))
            .collect(),
        Value::Set(objects) => objects
            .iter()
            .map(|object| (object, place.within_set()))
            .collect(),
        Value::Map(objects) => objects
            .iter()
            .map(|(key, object)| (object, place.element(Step::Key(key.clone()))))
            .collect(),
        Value::Dynamic(typed) => objects_of_dynamic(&typed.1, place),
        Value::Null | Value::Unknown | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![]
        }
    }
}

/// A block that travels as a dynamic value is a tuple of objects, or an object of objects by key.
fn objects_of_dynamic<'a>(value: &'a Value, place: &Place) -> Vec<(&'a Value, Place)> {
    match value {
        Value::Object(objects) => objects
            .iter()
            .map(|(key, object)| (object, place.element(Step::Key(key.clone()))))
            .collect(),
        value => objects(value, place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{NestedBlock, Nesting};
    use crate::value::Type;

    fn schema() -> Block {
        let text = |name, configurability| Attribute::new(name, Type::String, configurability, "");
        let inner = || {
            vec![
                text("name", Configurability::Required),
                text("id", Configurability::Computed),
            ]
        };
        Block {
            attributes: vec![
                text("title", Configurability::Required),
                text("secret", Configurability::Optional).write_only(),
                text("old", Configurability::Optional).deprecated("Use title instead."),
                Attribute::nested(
                    "items",
                    Nesting::Map,
                    inner(),
                    Configurability::Optional,
                    "",
                ),
                Attribute::nested("tags", Nesting::Set, inner(), Configurability::Optional, ""),
            ],
            blocks: vec![NestedBlock {
                name: "rule".to_owned(),
                nesting: Nesting::List,
                block: Block {
                    attributes: [inner(), vec![text("any", Configurability::Optional)]].concat(),
                    ..Block::default()
                },
                min_items: 0,
                max_items: 0,
            }],
            ..Block::default()
        }
    }

    fn findings(config: &Value, write_only: WriteOnly) -> Vec<(String, String)> {
        check_config(&schema(), config, write_only)
            .iter()
            .map(|found| {
                let path = found.path.as_ref().unwrap().to_string();
                (path, found.summary.clone())
            })
            .collect()
    }

    #[test]
    fn a_configuration_that_fits_its_schema_has_no_finding() {
        let config = Value::object([
            ("title", "x".into()),
            ("secret", "s".into()),
            ("items", Value::Unknown),
            (
                "rule",
                Value::List(vec![Value::object([("name", Value::Unknown)])]),
            ),
        ]);
        assert_eq!(findings(&config, WriteOnly::Allowed), []);
        assert_eq!(findings(&Value::Unknown, WriteOnly::Allowed), []);
    }

    #[test]
    fn what_hosts_let_pass_is_found_at_every_depth() {
        let item = |id: Value| Value::object([("name", Value::Null), ("id", id)]);
        let config = Value::object([
            ("title", Value::Null),
            ("secret", "s".into()),
            ("old", "x".into()),
            (
                "items",
                Value::Map([("k".to_owned(), item(Value::Null))].into()),
            ),
            ("tags", Value::Set(vec![item(Value::Null)])),
            ("rule", Value::List(vec![item(Value::Unknown)])),
        ]);
        let found = findings(&config, WriteOnly::NotAllowed);
        let found: Vec<(&str, &str)> = found.iter().map(|(p, s)| (&p[..], &s[..])).collect();
        assert_eq!(
            found,
            [
                ("title", "Missing required argument"),
                ("secret", "Write-only argument not supported"),
                ("old", "Argument deprecated"),
                ("items[\"k\"].name", "Missing required argument"),
                ("tags", "Missing required argument"),
                ("rule[0].name", "Missing required argument"),
                ("rule[0].id", "Value for a read-only attribute"),
            ],
        );
    }
}
