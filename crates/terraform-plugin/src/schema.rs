//! Schemas of providers, resources and data sources: attributes, blocks, types, descriptions.
//!
//! # Layout
//! - [`Schema`] and its parts (this file)
//! - [`IdentitySchema`]: the schema of a resource identity
//! - `complete`: fills in the attributes and blocks that a value omits
//! - `configuration`: generates a configuration from a state
//! - `objects`: changes each object in a value
//! - `rules`: the rules that hosts enforce on a schema
//!
//! ```
//! use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
//! use terraform_plugin::value::{Type, Value};
//!
//! let name = Attribute::new("name", Type::String, Configurability::Required, "Its name.");
//! let id = Attribute::new("id", Type::String, Configurability::Computed, "Its id.").sensitive();
//! let schema = Schema {
//!     version: 0,
//!     block: Block {
//!         attributes: vec![name, id],
//!         description: "A thing.".to_owned(),
//!         ..Block::default()
//!     },
//! };
//!
//! // A value may omit attributes that are null.
//! let whole = schema.block.complete(Value::object([("name", Value::from("a"))]));
//! assert_eq!(whole, Value::object([("name", "a".into()), ("id", Value::Null)]));
//! ```

mod complete;
mod configuration;
mod identity;
mod objects;
pub(crate) mod rules;

use std::collections::BTreeMap;

use crate::value::Type;

pub use identity::{ForImport, IdentityAttribute, IdentitySchema};

/// A schema and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The schema version. State of an older version must be upgraded.
    pub version: i64,
    /// The root block.
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// In the order in which documentation lists them.
    pub attributes: Vec<Attribute>,
    /// In the order in which documentation lists them.
    pub blocks: Vec<NestedBlock>,
    /// Markdown.
    pub description: String,
    /// The deprecation message, which says what to use instead.
    pub deprecation: Option<String>,
}

/// Whether the user, the provider or either of them sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configurability {
    /// The configuration must set it.
    Required,
    /// The configuration may set it.
    Optional,
    /// The provider sets it.
    Computed,
    /// The configuration may set it. If omitted, the provider sets it. Every attribute with a
    /// default must be of this kind, because a host rejects a planned value for an attribute that
    /// is only optional.
    OptionalComputed,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name, `^[a-z0-9_]+$`.
    pub name: String,
    /// Its type.
    pub kind: AttributeKind,
    /// Who sets it.
    pub configurability: Configurability,
    /// Markdown.
    pub description: String,
    /// Whether hosts hide its value.
    pub sensitive: bool,
    /// Whether its value appears only in the configuration, never in plan or state.
    pub write_only: bool,
    /// The deprecation message, which says what to use instead.
    pub deprecation: Option<String>,
}

/// The type of an attribute: a plain type, or objects with nested attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A value of this type.
    Plain(Type),
    /// An object, or a collection of objects, with these attributes.
    Nested(Nesting, Vec<Attribute>),
}

/// The nesting mode of a nested attribute or block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object, or null.
    Single,
    /// One object that is never null. Only for blocks.
    Group,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// A nested block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedBlock {
    /// The name, `^[a-z0-9_]+$`.
    pub name: String,
    /// The nesting mode.
    pub nesting: Nesting,
    /// The attributes and blocks inside it.
    pub block: Block,
    /// The minimum number of blocks, for lists and sets.
    pub min_items: i64,
    /// The maximum number of blocks, for lists and sets. 0 means unlimited.
    pub max_items: i64,
}

impl Attribute {
    /// An attribute of a plain type.
    pub fn new(
        name: &str,
        kind: Type,
        configurability: Configurability,
        description: impl Into<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind: AttributeKind::Plain(kind),
            configurability,
            description: description.into(),
            sensitive: false,
            write_only: false,
            deprecation: None,
        }
    }

    /// An attribute with nested attributes.
    pub fn nested(
        name: &str,
        nesting: Nesting,
        attributes: Vec<Attribute>,
        configurability: Configurability,
        description: impl Into<String>,
    ) -> Self {
        Self {
            kind: AttributeKind::Nested(nesting, attributes),
            ..Self::new(name, Type::Dynamic, configurability, description)
        }
    }

    /// Marks the attribute as sensitive: hosts hide its value.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Marks the attribute as write-only: its value never reaches plan or state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Marks the attribute as deprecated. `instead` says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecation = Some(instead.into());
        self
    }

    /// Marks the attribute and all its nested attributes as computed.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.configurability = Configurability::Computed;
        if let AttributeKind::Nested(nesting, attributes) = self.kind {
            let attributes = attributes.into_iter().map(Self::computed).collect();
            self.kind = AttributeKind::Nested(nesting, attributes);
        }
        self
    }

    /// Appends a sentence to the description.
    #[must_use]
    pub fn with_note(mut self, more: &str) -> Self {
        self.description = format!("{} {more}", self.description);
        self
    }

    /// The type of its value.
    pub fn value_type(&self) -> Type {
        match &self.kind {
            AttributeKind::Plain(plain) => plain.clone(),
            AttributeKind::Nested(nesting, attributes) => {
                nesting.of(Type::Object(types_of(attributes)))
            }
        }
    }
}

impl NestedBlock {
    /// The type of its value. A list or map block with a dynamic attribute is encoded as a dynamic
    /// value, because its elements may differ in type.
    pub fn value_type(&self) -> Type {
        let object = self.block.value_type();
        match self.nesting {
            Nesting::List | Nesting::Map if object.has_dynamic() => Type::Dynamic,
            nesting => nesting.of(object),
        }
    }
}

impl Block {
    /// The object type of its value, with every attribute and every block.
    pub fn value_type(&self) -> Type {
        let mut types = types_of(&self.attributes);
        types.extend(
            self.blocks
                .iter()
                .map(|block| (block.name.clone(), block.value_type())),
        );
        Type::Object(types)
    }
}

impl Nesting {
    fn of(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::List(Box::new(object)),
            Self::Set => Type::Set(Box::new(object)),
            Self::Map => Type::Map(Box::new(object)),
        }
    }
}

fn types_of(attributes: &[Attribute]) -> BTreeMap<String, Type> {
    attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute.value_type()))
        .collect()
}
