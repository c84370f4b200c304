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
            value @ Value::Dynamic(_) => self.without_write_only(value),
            value => change_each_object(self.nesting, value, |object| {
                self.block.complete_object(object);
            }),
        }
    }

    /// Returns the value without write-only values, and otherwise as it is. A dynamic value has its own
    /// exact type, so it can't get more attributes.
    fn without_write_only(&self, value: Value) -> Value {
        change_each_object(self.nesting, value, |object| {
            forget_write_only(&self.block.attributes, object);
            for nested in &self.block.blocks {
                if let Some(value) = object.get_mut(&nested.name) {
                    *value = nested.without_write_only(std::mem::take(value));
                }
            }
        })
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
            AttributeKind::Nested(nesting, attributes) => {
                change_each_object(*nesting, value, |object| {
                    complete_attributes(attributes, object)
                })
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

fn forget_write_only(attributes: &[Attribute], values: &mut Fields) {
    for attribute in attributes {
        let Some(value) = values.get_mut(&attribute.name) else {
            continue;
        };
        match &attribute.kind {
            _ if attribute.write_only => *value = Value::Null,
            AttributeKind::Plain(_) => {}
            AttributeKind::Nested(nesting, attributes) => {
                *value = change_each_object(*nesting, std::mem::take(value), |object| {
                    forget_write_only(attributes, object);
                });
            }
        }
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
    fn a_write_only_value_is_removed_from_blocks_that_travel_as_dynamic() {
        let secret = || text("secret").write_only();
        let any = || Attribute::new("any", Type::Dynamic, Configurability::Optional, "");
        let list_of = |attributes| {
            Attribute::nested(
                "items",
                Nesting::Map,
                attributes,
                Configurability::Optional,
                "",
            )
        };
        let inner = Block {
            attributes: vec![any(), secret(), list_of(vec![secret()])],
            blocks: vec![block("inner", Nesting::Map, secret())],
            ..Block::default()
        };
        let nested = |name: &str, nesting| NestedBlock {
            block: inner.clone(),
            ..block(name, nesting, any())
        };
        let schema = Block {
            blocks: vec![nested("list", Nesting::List), nested("map", Nesting::Map)],
            ..Block::default()
        };
        let object = |secret: Value| {
            let of = |name: &str, secret: Value| {
                Value::object([(name, Value::object([("secret", secret)]))])
            };
            Value::object([
                ("any", true.into()),
                ("secret", secret.clone()),
                ("items", of("a", secret.clone())),
                ("inner", of("b", secret)),
            ])
        };
        let only_secret = || Type::Object([("secret".to_owned(), Type::String)].into());
        let of = |name: &str| Type::Object([(name.to_owned(), only_secret())].into());
        let kind = Type::Object(
            [
                ("any", Type::Bool),
                ("secret", Type::String),
                ("items", of("a")),
                ("inner", of("b")),
            ]
            .map(|(name, kind)| (name.to_owned(), kind))
            .into(),
        );
        let value = |secret: Value| {
            let list = (
                Type::Tuple(vec![kind.clone()]),
                Value::List(vec![object(secret.clone())]),
            );
            let map = (
                Type::Object([("k".to_owned(), kind.clone())].into()),
                Value::object([("k", object(secret))]),
            );
            let dynamic = |typed| Value::Dynamic(Box::new(typed));
            Value::object([("list", dynamic(list)), ("map", dynamic(map))])
        };

        let whole = schema.complete(value("planted".into()));

        assert_eq!(whole, value(Value::Null));
        assert!(crate::value::msgpack::encode(&whole, &schema.value_type()).is_ok());
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
