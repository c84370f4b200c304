//! Terraform's values and types. A value is known, null or unknown, and numbers are exact.
//!
//! # Layout
//! - [`Value`], [`Type`]: the model (this file)
//! - [`Number`]: numbers of any size, exact
//! - [`AttributePath`]: the path of an attribute
//! - [`TypeError`]: why a value doesn't match its type
//! - [`msgpack`]: the wire encoding
//! - [`json`]: the encoding of stored state
//! - `type_json`: the encoding of types
//! - `equality`: when two values are equal
//! - `coerce`: makes an invalid value fit its type
//!
//! ```
//! use terraform_plugin::value::{AttributePath, Value};
//!
//! let note = Value::object([
//!     ("title", Value::from("Milk")),
//!     ("labels", Value::Set(vec!["shop".into()])),
//!     ("id", Value::Unknown),
//! ]);
//! assert_eq!(note.get("title").as_str(), Some("Milk"));
//! assert!(note.get("id").is_unknown() && !note.is_wholly_known());
//! assert!(note.get("no_such_attribute").is_null());
//! assert_eq!(AttributePath::new("notes").key("a").attribute("id").to_string(), r#"notes["a"].id"#);
//! ```

use std::collections::BTreeMap;

pub(crate) mod coerce;
mod equality;
pub mod json;
pub mod msgpack;
mod number;
mod path;
pub(crate) mod type_error;
mod type_json;

pub use number::{Number, NumberError};
pub use path::{AttributePath, Step};
pub use type_error::{Problem, TypeError};

/// The type of a value, as a schema declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// UTF-8 text, normalised to NFC by the host.
    String,
    /// A number of any size and precision.
    Number,
    /// `true` or `false`.
    Bool,
    /// Any type. The value carries its own type.
    Dynamic,
    /// An ordered sequence of one type.
    List(Box<Type>),
    /// An unordered collection of one type without duplicates.
    Set(Box<Type>),
    /// A map from string keys to elements of one type.
    Map(Box<Type>),
    /// Named attributes, each of its own type.
    Object(BTreeMap<String, Type>),
    /// A fixed sequence, each element of its own type.
    Tuple(Vec<Type>),
}

/// A value in a request or response of the protocol.
///
/// The schema has its type. Only [`Value::Dynamic`] carries its own type.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// Known only after apply. The decoder drops the host's refinements, which describe the value in
    /// advance. A plan is valid without them.
    Unknown,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(String),
    /// The elements of a list or a tuple, in order.
    List(Vec<Value>),
    /// The elements of a set. The order doesn't matter for equality.
    Set(Vec<Value>),
    /// The elements of a map by key.
    Map(BTreeMap<String, Value>),
    /// The attributes and blocks of an object by name.
    Object(BTreeMap<String, Value>),
    /// A value of a dynamically typed attribute, with its type.
    Dynamic(Box<(Type, Value)>),
}

impl Type {
    /// Whether the type is dynamic or contains a dynamic type at any depth.
    pub(crate) fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
        }
    }
}

impl Value {
    /// An object with the given attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// Whether the value is null. A dynamic value is null if its inner value is null.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Dynamic(inner) => inner.1.is_null(),
            _ => false,
        }
    }

    /// Whether the value is unknown as a whole. See also [`Value::is_wholly_known`].
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Dynamic(inner) => inner.1.is_unknown(),
            _ => false,
        }
    }

    /// Whether the value is known at every depth.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) | Self::Set(elements) => {
                elements.iter().all(Self::is_wholly_known)
            }
            Self::Map(elements) | Self::Object(elements) => {
                elements.values().all(Self::is_wholly_known)
            }
            Self::Dynamic(inner) => inner.1.is_wholly_known(),
        }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The elements of a known map or the attributes of a known object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(elements) | Self::Object(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of a known list, tuple or set.
    pub fn as_elements(&self) -> Option<&[Value]> {
        match self {
            Self::List(elements) | Self::Set(elements) => Some(elements),
            _ => None,
        }
    }

    /// The attribute `name` of a known object, or the element `name` of a known map. Returns unknown
    /// for an unknown value, and null in every other case.
    pub fn get(&self, name: &str) -> &Value {
        match self {
            Self::Unknown => &Self::Unknown,
            other => other
                .as_map()
                .and_then(|attributes| attributes.get(name))
                .unwrap_or(&Self::Null),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
