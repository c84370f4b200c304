//! Generates a configuration from a state.

use crate::schema::objects::{Fields, change_each_object, change_object};
use crate::schema::{Attribute, AttributeKind, Block, Configurability};
use crate::value::Value;

impl Block {
    /// Returns a configuration for this state. Computed attributes, deprecated attributes and blocks,
    /// and optional empty strings become null. Attributes that are both optional and computed keep
    /// their value, so that a plan shows no changes.
    #[must_use]
    pub fn configuration_of(&self, state: Value) -> Value {
        self.complete(change_object(state, |values| {
            self.keep_configuration(values);
        }))
    }

    fn keep_configuration(&self, values: &mut Fields) {
        keep_arguments(&self.attributes, values);
        for nested in &self.blocks {
            let Some(value) = values.remove(&nested.name) else {
                continue;
            };
            let value = if nested.block.deprecation.is_some() {
                Value::Null
            } else {
                change_each_object(nested.nesting, value, |object| {
                    nested.block.keep_configuration(object);
                })
            };
            values.insert(nested.name.clone(), value);
        }
    }
}

fn keep_arguments(attributes: &[Attribute], values: &mut Fields) {
    for attribute in attributes {
        if let Some(value) = values.get_mut(&attribute.name) {
            *value = argument(attribute, std::mem::take(value));
        }
    }
}

fn argument(attribute: &Attribute, value: Value) -> Value {
    let is_optional = attribute.configurability != Configurability::Required;
    let is_empty = value.as_str() == Some("");
    let is_left_out = attribute.configurability == Configurability::Computed
        || attribute.deprecation.is_some()
        || (is_optional && is_empty);
    match &attribute.kind {
        _ if is_left_out => Value::Null,
        AttributeKind::Plain(_) => value,
        AttributeKind::Nested(nesting, attributes) => {
            change_each_object(*nesting, value, |object| keep_arguments(attributes, object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{NestedBlock, Nesting};
    use crate::value::Type;

    #[test]
    fn only_configurable_attributes_remain() {
        use Configurability::{Computed, Optional, OptionalComputed, Required};
        let text = |name, configurability| Attribute::new(name, Type::String, configurability, "");
        let inner = || vec![text("name", Required), text("id", Computed)];
        let schema = Block {
            attributes: vec![
                text("name", Required),
                text("id", Computed),
                text("kind", OptionalComputed),
                text("empty", Optional),
                text("secret", Optional).write_only(),
                text("old", Optional).deprecated("Use name."),
                Attribute::nested("items", Nesting::Map, inner(), Optional, ""),
                Attribute::nested("made", Nesting::List, inner(), Computed, ""),
            ],
            blocks: vec![NestedBlock {
                name: "rule".to_owned(),
                nesting: Nesting::List,
                block: Block {
                    attributes: inner(),
                    ..Block::default()
                },
                min_items: 0,
                max_items: 0,
            }],
            ..Block::default()
        };
        let object = || Value::object([("name", "n".into()), ("id", "i".into())]);
        let state = Value::object([
            ("name", "".into()),
            ("id", "i".into()),
            ("kind", "k".into()),
            ("empty", "".into()),
            ("secret", "s".into()),
            ("old", "o".into()),
            ("items", Value::Map([("a".to_owned(), object())].into())),
            ("made", Value::List(vec![object()])),
            ("rule", Value::List(vec![object()])),
        ]);
        let written = || Value::object([("name", "n".into()), ("id", Value::Null)]);
        assert_eq!(
            schema.configuration_of(state),
            Value::object([
                ("name", "".into()),
                ("id", Value::Null),
                ("kind", "k".into()),
                ("empty", Value::Null),
                ("secret", Value::Null),
                ("old", Value::Null),
                ("items", Value::Map([("a".to_owned(), written())].into())),
                ("made", Value::Null),
                ("rule", Value::List(vec![written()])),
            ])
        );
    }
}
