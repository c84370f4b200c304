//! What a provider, resource or data source looks like from outside: attributes, blocks, types,
//! descriptions.
//!
//! # Layout
//! - [`Schema`] and its parts (this file)
//! - [`IdentitySchema`]: what tells one object from all others
//! - `complete`: values with everything of their schema present
//! - `configuration`: the configuration that a state could have come from
//! - `objects`: the objects in a value, each changed
//! - `rules`: what hosts demand of a schema
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
//! // Whoever makes a value may leave out what is null.
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
    /// The version of the state's shape; a higher one needs an upgrade of stored state.
    pub version: i64,
    /// The root.
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
    /// What to use instead, if it is deprecated.
    pub deprecation: Option<String>,
}

/// Whether an attribute is set by the user, by the provider, or by either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configurability {
    /// The configuration must set it.
    Required,
    /// The configuration may set it.
    Optional,
    /// The provider sets it.
    Computed,
    /// The configuration may set it, else the provider does. Every attribute with a default is
    /// of this kind: the host forbids a planned value for an attribute that is optional only.
    OptionalComputed,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name, `^[a-z0-9_]+$`.
    pub name: String,
    /// What it holds.
    pub kind: AttributeKind,
    /// Who sets it.
    pub configurability: Configurability,
    /// Markdown.
    pub description: String,
    /// Whether hosts hide its value.
    pub sensitive: bool,
    /// Whether it stands in the configuration only, never in plan or state.
    pub write_only: bool,
    /// What to use instead, if it is deprecated.
    pub deprecation: Option<String>,
}

/// A plain type, or an object with a schema of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A value of this type.
    Plain(Type),
    /// An object, or a collection of objects, with these attributes.
    Nested(Nesting, Vec<Attribute>),
}

/// How the objects of a nested attribute or block are collected. Groups, for blocks only, are
/// single objects that are never null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object or null.
    Single,
    /// One object, never null (blocks only).
    Group,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// Objects by key.
    Map,
}

/// A nested block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedBlock {
    /// The name, `^[a-z0-9_]+$`.
    pub name: String,
    /// How often and in which collection it may stand.
    pub nesting: Nesting,
    /// Its content.
    pub block: Block,
    /// For lists and sets: the least number of blocks.
    pub min_items: i64,
    /// For lists and sets: the greatest number of blocks, 0 for any.
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

    /// An attribute of objects with a schema of their own.
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

    /// The same attribute, hidden in the host's output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The same attribute, in the configuration only: it never reaches plan or state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// The same attribute, deprecated in favour of what `instead` says.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecation = Some(instead.into());
        self
    }

    /// The same attribute, set by the provider alone, and so is everything in it.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.configurability = Configurability::Computed;
        if let AttributeKind::Nested(nesting, attributes) = self.kind {
            let attributes = attributes.into_iter().map(Self::computed).collect();
            self.kind = AttributeKind::Nested(nesting, attributes);
        }
        self
    }

    /// The same attribute, with another sentence at the end of its description.
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
    /// The type of its value. A list or map block that holds a dynamic attribute travels as a
    /// dynamic value, because its elements may differ in type.
    pub fn value_type(&self) -> Type {
        let object = self.block.value_type();
        match self.nesting {
            Nesting::List | Nesting::Map if object.has_dynamic() => Type::Dynamic,
            nesting => nesting.of(object),
        }
    }
}

impl Block {
    /// The object type of its value: every attribute and every block.
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
