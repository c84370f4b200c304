//! Checks a configuration against its schema, as far as hosts don't check it.
//!
//! Hosts reject unknown arguments and require that the required ones are present. They don't reject a
//! null in a required argument, or a value for a read-only attribute.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::schema::{Attribute, AttributeKind, Block, Configurability};
use crate::value::{AttributePath, Step, Value};

/// Whether the host supports write-only attributes (Terraform and OpenTofu 1.11 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOnly {
    /// The host supports them.
    Allowed,
    /// The host doesn't support them, and would reject the plan later with an unhelpful message.
    NotAllowed,
}

/// Checks a configuration against its schema. Unknown values are not checked.
pub(crate) fn check_config(block: &Block, config: &Value, write_only: WriteOnly) -> Diagnostics {
    let mut checks = Checks {
        write_only,
        found: Diagnostics::new(),
    };
    checks.block(block, config, &Place::default());
    checks.found
}

/// The path that is being checked. Inside a set it stays the path of the set, because the protocol
/// has no path to a set element.
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
            (Configurability::Required, value) if value.is_null() => Diagnostic::error(
                "Missing required argument",
                format!("The argument {name:?} is required, but its value is null. Set a value."),
            ),
            (_, value) if value.is_null() => return,
            (Configurability::Computed, _) => Diagnostic::error(
                "Value for a read-only attribute",
                format!("Only the provider sets {name:?}. Remove it from the configuration."),
            ),
            _ if attribute.write_only && self.write_only == WriteOnly::NotAllowed => {
                Diagnostic::error(
                    "Write-only argument not supported",
                    format!(
                        "The write-only argument {name:?} requires Terraform or OpenTofu 1.11 or \
                         later. Remove the argument, or upgrade."
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

/// The objects of a nested attribute or block, with their paths.
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

/// The objects of a block that is encoded as a dynamic value: a tuple of objects, or an object with
/// an object for each key.
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
    fn a_valid_configuration_has_no_diagnostics() {
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
    fn a_typed_null_of_a_dynamic_argument_is_null() {
        let any = |name, configurability| Attribute::new(name, Type::Dynamic, configurability, "");
        let schema = Block {
            attributes: vec![
                any("required", Configurability::Required),
                any("computed", Configurability::Computed),
                any("old", Configurability::Optional).deprecated("Omit it."),
            ],
            ..Block::default()
        };
        let null = || Value::Dynamic(Box::new((Type::String, Value::Null)));
        let config = ["required", "computed", "old"].map(|name| (name, null()));
        let found = check_config(&schema, &Value::object(config), WriteOnly::Allowed);
        let found: Vec<&str> = found.iter().map(|it| it.summary.as_str()).collect();
        assert_eq!(found, ["Missing required argument"]);
    }

    #[test]
    fn invalid_arguments_are_reported_at_every_depth() {
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
