//! Schemas for tests.

use terraform_plugin::schema::{
    Attribute, Block, Configurability, IdentityAttribute, IdentitySchema, NestedBlock, Nesting,
    Schema,
};
use terraform_plugin::value::Type;

/// A small resource: `id` computed, `name` required, `size` and `secret` (write-only) optional,
/// and `rule` blocks.
pub fn thing() -> Schema {
    schema(
        vec![
            Attribute::new("id", Type::String, Configurability::Computed, "Its id."),
            Attribute::new("name", Type::String, Configurability::Required, "Its name."),
            Attribute::new("size", Type::Number, Configurability::Optional, "Its size."),
            Attribute::new(
                "secret",
                Type::String,
                Configurability::Optional,
                "A secret.",
            )
            .write_only(),
        ],
        vec![block("rule", Nesting::List, vec![text("name")], vec![])],
    )
}

/// The identity schema of the small resource: `name`, and optionally `zone`. Version 1.
pub fn identity() -> IdentitySchema {
    IdentitySchema {
        version: 1,
        attributes: vec![
            IdentityAttribute::required("name", Type::String, "Its name."),
            IdentityAttribute::optional("zone", Type::String, "Its zone."),
        ],
    }
}

/// A resource with an attribute and a block of every kind.
pub fn everything() -> Schema {
    let inner = || vec![text("a"), plain("n", Type::Number)];
    let any = || vec![plain("any", Type::Dynamic)];
    let nested = |name, nesting, attributes| {
        Attribute::nested(name, nesting, attributes, Configurability::Optional, "")
    };
    schema(
        vec![
            text("text"),
            plain("number", Type::Number),
            plain("truth", Type::Bool),
            plain("any", Type::Dynamic),
            plain("list", list(Type::String)),
            plain("set", Type::Set(Box::new(Type::Number))),
            plain("map", Type::Map(Box::new(list(Type::Bool)))),
            plain(
                "object",
                Type::Object([("a".to_owned(), Type::String), ("b".to_owned(), Type::Bool)].into()),
            ),
            plain("tuple", Type::Tuple(vec![Type::String, Type::Number])),
            nested("nested_single", Nesting::Single, inner()),
            nested("nested_list", Nesting::List, any()),
            nested("nested_set", Nesting::Set, inner()),
            nested("nested_map", Nesting::Map, any()),
        ],
        vec![
            block("block_single", Nesting::Single, inner(), vec![]),
            block("block_group", Nesting::Group, inner(), vec![]),
            block(
                "block_list",
                Nesting::List,
                inner(),
                vec![block("inner", Nesting::Set, inner(), vec![])],
            ),
            block("block_set", Nesting::Set, inner(), vec![]),
            block("block_map", Nesting::Map, inner(), vec![]),
            block("block_list_any", Nesting::List, any(), vec![]),
            block("block_map_any", Nesting::Map, any(), vec![]),
        ],
    )
}

/// An optional attribute of a plain type.
pub fn plain(name: &str, kind: Type) -> Attribute {
    Attribute::new(name, kind, Configurability::Optional, "")
}

/// A schema of version 2 with these attributes and blocks.
pub fn schema(attributes: Vec<Attribute>, blocks: Vec<NestedBlock>) -> Schema {
    Schema {
        version: 2,
        block: Block {
            attributes,
            blocks,
            ..Block::default()
        },
    }
}

fn text(name: &str) -> Attribute {
    plain(name, Type::String)
}

fn list(element: Type) -> Type {
    Type::List(Box::new(element))
}

fn block(
    name: &str,
    nesting: Nesting,
    attributes: Vec<Attribute>,
    blocks: Vec<NestedBlock>,
) -> NestedBlock {
    NestedBlock {
        name: name.to_owned(),
        nesting,
        block: Block {
            attributes,
            blocks,
            ..Block::default()
        },
        min_items: 0,
        max_items: 0,
    }
}
