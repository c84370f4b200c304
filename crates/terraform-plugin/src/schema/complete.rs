//! Completes a value: every attribute and block of its schema is present, as the protocol requires.
//!
//! A host rejects an object without its null attributes, and a block that is null instead of empty.
//! It also rejects a write-only value outside the configuration. Provider code can ignore these rules.

use std::collections::BTreeMap;

use crate::schema::objects::{Fields, change_each_object, change_object};
use crate::schema::{Attribute, AttributeKind, Block, NestedBlock, Nesting};
use crate::value::{Type, Value};

impl Block {
    /// Returns the value with every attribute and block present. Absent and write-only attributes
    /// become null, absent blocks become empty. A null or unknown object stays as it is, and so do
    /// attributes that are not in the schema.
    #[must_use]
    pub fn complete(&self, value: Value) -> Value {
        change_object(value, |values| self.complete_object(values))
    }

    fn complete_object(&self, values: &mut Fields) {
        complete_attributes(&self.attributes, values);
        for block in &self.blocks {
            let value = values.remove(&block.name).unwrap_or_default();
            values.insert(block.name.clone(), block.complete(value));
        }
    }
}

impl NestedBlock {
    fn complete(&self, value: Value) -> Value {
        match value {
            Value::Null => self.none(),
            value => change_each_object(value, |object| self.block.complete_object(object)),
        }
    }

    /// The value that means "no such block".
    fn none(&self) -> Value {
        match (self.nesting, self.value_type()) {
            (Nesting::Single, _) => Value::Null,
            (Nesting::Group, _) => self.block.complete(Value::Object(BTreeMap::new())),
            (Nesting::List, Type::Dynamic) => {
                Value::Dynamic(Box::new((Type::Tuple(vec![]), Value::List(vec![]))))
            }
            (Nesting::Map, Type::Dynamic) => Value::Dynamic(Box::new((
                Type::Object(BTreeMap::new()),
                Value::Object(BTreeMap::new()),
            ))),
            (Nesting::List, _) => Value::List(vec![]),
            (Nesting::Set, _) => Value::Set(vec![]),
            (Nesting::Map, _) => Value::Map(BTreeMap::new()),
        }
    }
}

impl Attribute {
    fn complete(&self, value: Value) -> Value {
        match &self.kind {
            _ if self.write_only => Value::Null,
            AttributeKind::Plain(_) => value,
            AttributeKind::Nested(_, attributes) => {
                change_each_object(value, |object| complete_attributes(attributes, object))
            }
        }
    }
}

fn complete_attributes(attributes: &[Attribute], values: &mut Fields) {
    for attribute in attributes {
        let value = values.remove(&attribute.name).unwrap_or_default();
        values.insert(attribute.name.clone(), attribute.complete(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Configurability;

    fn text(name: &str) -> Attribute {
        Attribute::new(name, Type::String, Configurability::Optional, "")
    }

    fn block(name: &str, nesting: Nesting, attribute: Attribute) -> NestedBlock {
        NestedBlock {
            name: name.to_owned(),
            nesting,
            block: Block {
                attributes: vec![attribute],
                ..Block::default()
            },
            min_items: 0,
            max_items: 0,
        }
    }

    fn schema() -> Block {
        let dynamic = || Attribute::new("any", Type::Dynamic, Configurability::Optional, "");
        Block {
            attributes: vec![
                text("name"),
                Attribute {
                    write_only: true,
                    ..text("secret")
                },
                Attribute::nested(
                    "items",
                    Nesting::Map,
                    vec![text("a"), text("b")],
                    Configurability::Optional,
                    "",
                ),
            ],
            blocks: vec![
                block("single", Nesting::Single, text("x")),
                block("group", Nesting::Group, text("x")),
                block("list", Nesting::List, text("x")),
                block("set", Nesting::Set, text("x")),
                block("map", Nesting::Map, text("x")),
                block("list_of_any", Nesting::List, dynamic()),
                block("map_of_any", Nesting::Map, dynamic()),
            ],
            ..Block::default()
        }
    }

    #[test]
    fn absent_attributes_become_null_and_absent_blocks_empty() {
        let whole = schema().complete(Value::object([(
            "items",
            Value::Map([("k".to_owned(), Value::object([("a", "x".into())]))].into()),
        )]));
        assert_eq!(
            whole,
            Value::object([
                ("name", Value::Null),
                ("secret", Value::Null),
                (
                    "items",
                    Value::Map(
                        [(
                            "k".to_owned(),
                            Value::object([("a", "x".into()), ("b", Value::Null)]),
                        )]
                        .into()
                    )
                ),
                ("single", Value::Null),
                ("group", Value::object([("x", Value::Null)])),
                ("list", Value::List(vec![])),
                ("set", Value::Set(vec![])),
                ("map", Value::Map([].into())),
                (
                    "list_of_any",
                    Value::Dynamic(Box::new((Type::Tuple(vec![]), Value::List(vec![]))))
                ),
                (
                    "map_of_any",
                    Value::Dynamic(Box::new((
                        Type::Object([].into()),
                        Value::Object([].into())
                    )))
                ),
            ]),
        );
        assert!(crate::value::msgpack::encode(&whole, &schema().value_type()).is_ok());
    }

    #[test]
    fn a_write_only_value_is_removed() {
        let whole = schema().complete(Value::object([("secret", "s3cret".into())]));
        assert_eq!(*whole.get("secret"), Value::Null);
    }

    #[test]
    fn null_and_unknown_objects_stay_unchanged() {
        assert_eq!(schema().complete(Value::Null), Value::Null);
        assert_eq!(schema().complete(Value::Unknown), Value::Unknown);
        let unknown_block = Value::object([("list", Value::Unknown), ("items", Value::Unknown)]);
        let whole = schema().complete(unknown_block);
        assert_eq!(*whole.get("list"), Value::Unknown);
        assert_eq!(*whole.get("items"), Value::Unknown);
    }
}
