//! Rust structs for a provider's values. One line declares a field, its type and its attribute.
//!
//! [`model!`](crate::model!) declares a struct that is read from an object and written as one.
//! The type of a field decides how null and unknown are read:
//!
//! | field | null | unknown |
//! |---|---|---|
//! | `T` | an error, or its default | an error |
//! | [`Option<T>`] | [`None`] | an error |
//! | [`Field<T>`] | [`Field::Absent`] | [`Field::Unknown`] |
//! | [`Value`] | as it is | as it is |
//!
//! Your own types can be fields if they implement [`FromValue`] and [`ToValue`]. For a type that
//! parses from text, use [`text_value!`](crate::text_value!).
//!
//! # Layout
//! - [`Model`], [`FromValue`], [`ToValue`] and the macros (this file)
//! - [`Field`]: an attribute that may be unknown, as a whole or in part
//! - `conversions`: strings, numbers, collections
//!
//! ```
//! use std::collections::BTreeSet;
//! use terraform_plugin::model::{Field, Model};
//! use terraform_plugin::value::Value;
//!
//! terraform_plugin::model! {
//!     /// A note.
//!     #[derive(Debug, PartialEq)]
//!     pub struct Note {
//!         /// Its first line.
//!         pub title: String = "title",
//!         pub pinned: bool = "pinned" => or(false),
//!         pub labels: BTreeSet<String> = "labels" => or(BTreeSet::new()),
//!         /// Known after apply.
//!         pub id: Field<String> = "id",
//!     }
//! }
//!
//! let planned = Value::object([("title", Value::from("Milk")), ("id", Value::Unknown)]);
//! let note = Note::read(&planned)?;
//! assert_eq!((note.pinned, &note.id), (false, &Field::Unknown));
//! assert_eq!(Note::read(&note.write())?, note);
//! assert_eq!(Note::ATTRIBUTES, ["title", "pinned", "labels", "id"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::value::{Problem, Step, TypeError, Value};

mod conversions;
mod field;

pub use field::Field;

/// A type that can be read from a [`Value`].
pub trait FromValue: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// The value has the wrong kind, or it is null or unknown and this type can't hold that. An
    /// unknown value is [`Problem::Unknown`].
    fn from_value(value: &Value) -> Result<Self, TypeError>;
}

/// A type that can be written as a [`Value`].
pub trait ToValue {
    /// The value as Terraform stores it.
    fn to_value(&self) -> Value;
}

/// A struct declared with [`model!`](crate::model!).
pub trait Model: FromValue + ToValue {
    /// The attribute names in declaration order. A test can compare them with a schema.
    const ATTRIBUTES: &'static [&'static str];

    /// Reads an object. An alias of [`FromValue::from_value`].
    ///
    /// # Errors
    /// The error of the first field that can't be read, with its path.
    fn read(value: &Value) -> Result<Self, TypeError> {
        Self::from_value(value)
    }

    /// The object as Terraform stores it. An alias of [`ToValue::to_value`].
    fn write(&self) -> Value {
        self.to_value()
    }
}

/// Declares a struct that is read from an object and written as one.
///
/// Each field is `name: Type = "attribute"`. With `=> or(default)` a null attribute reads as the
/// default. The attribute name may be a constant. The struct implements
/// [`Model`](crate::model::Model), so a model can be a field of another model, alone or in a
/// collection.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use terraform_plugin::model::Model;
/// # use terraform_plugin::value::Value;
/// const SIZE: &str = "size";
///
/// terraform_plugin::model! {
///     #[derive(Debug, Default)]
///     struct Disk {
///         size: i64 = SIZE => or(10),
///     }
/// }
///
/// terraform_plugin::model! {
///     #[derive(Debug, Default)]
///     struct Machine {
///         name: String = "name",
///         disks: BTreeMap<String, Disk> = "disks",
///     }
/// }
///
/// let wrong = Value::object([
///     ("name", Value::from("a")),
///     ("disks", Value::object([("root", Value::object([("size", Value::from("big"))]))])),
/// ]);
/// assert_eq!(
///     Machine::read(&wrong).unwrap_err().to_string(),
///     r#"disks["root"].size: a number is required, found a string"#
/// );
/// ```
#[macro_export]
macro_rules! model {
    (
        $(#[$about:meta])*
        $visible:vis struct $model:ident {
            $(
                $(#[$field_about:meta])*
                $field_visible:vis $field:ident: $kind:ty = $attribute:expr
                    $(=> or($default:expr))?
            ),+ $(,)?
        }
    ) => {
        $(#[$about])*
        $visible struct $model {
            $($(#[$field_about])* $field_visible $field: $kind,)+
        }

        impl $crate::model::FromValue for $model {
            fn from_value(
                value: &$crate::value::Value,
            ) -> ::core::result::Result<Self, $crate::value::TypeError> {
                let object = $crate::model::object(value)?;
                ::core::result::Result::Ok(Self {
                    $($field: $crate::model::attribute(
                        object,
                        $attribute,
                        $crate::model!(@default $($default)?),
                    )?,)+
                })
            }
        }

        impl $crate::model::ToValue for $model {
            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::object([
                    $(($attribute, $crate::model::ToValue::to_value(&self.$field)),)+
                ])
            }
        }

        impl $crate::model::Model for $model {
            const ATTRIBUTES: &'static [&'static str] = &[$($attribute),+];
        }
    };
    (@default) => { ::core::option::Option::None };
    (@default $default:expr) => { ::core::option::Option::Some(|| $default) };
}

/// Lets types that parse from text and print as text be fields of a model.
///
/// Each type must implement [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr). The
/// error of `FromStr` must implement [`Display`](std::fmt::Display).
///
/// ```
/// # use std::net::Ipv4Addr;
/// # use terraform_plugin::model::{FromValue, ToValue};
/// # use terraform_plugin::value::Value;
/// # #[derive(Debug)]
/// struct Address(Ipv4Addr);
/// # impl std::str::FromStr for Address {
/// #     type Err = std::net::AddrParseError;
/// #     fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
/// # }
/// # impl std::fmt::Display for Address {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
/// # }
/// // impl FromStr for Address, impl Display for Address
///
/// terraform_plugin::text_value!(Address);
///
/// let address = Address::from_value(&"10.0.0.1".into())?;
/// assert_eq!(address.to_value(), "10.0.0.1".into());
/// assert!(Address::from_value(&"home".into()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! text_value {
    ($($kind:ty),+ $(,)?) => {$(
        impl $crate::model::FromValue for $kind {
            fn from_value(
                value: &$crate::value::Value,
            ) -> ::core::result::Result<Self, $crate::value::TypeError> {
                $crate::model::text(value)
            }
        }

        impl $crate::model::ToValue for $kind {
            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::String(::std::string::ToString::to_string(self))
            }
        }
    )+};
}

/// Parses a string value.
///
/// # Errors
/// The value isn't a known string, or it doesn't parse ([`Problem::Invalid`]).
pub fn text<T>(value: &Value) -> Result<T, TypeError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    String::from_value(value)?
        .parse()
        .map_err(|error: T::Err| Problem::Invalid(error.to_string()).into())
}

/// For [`model!`](crate::model!). Returns the value if it is a known object.
#[doc(hidden)]
pub fn object(value: &Value) -> Result<&Value, TypeError> {
    conversions::known(value, "an object", |value| value.as_map().map(|_| value))
}

/// For [`model!`](crate::model!). Reads one attribute of an object.
#[doc(hidden)]
pub fn attribute<T: FromValue>(
    object: &Value,
    name: &str,
    default: Option<fn() -> T>,
) -> Result<T, TypeError> {
    match (object.get(name), default) {
        (Value::Null, Some(default)) => Ok(default()),
        (value, _) => {
            T::from_value(value).map_err(|error| error.within(Step::Attribute(name.to_owned())))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::value::Number;

    crate::model! {
        #[derive(Clone, Debug, PartialEq)]
        struct Part {
            size: i64 = "size" => or(1),
        }
    }

    crate::model! {
        #[derive(Clone, Debug, PartialEq)]
        struct Whole {
            name: String = "name",
            note: Option<String> = "note",
            count: Field<u64> = "count",
            words: Vec<String> = "words",
            tags: BTreeSet<String> = "tags",
            parts: BTreeMap<String, Part> = "parts",
            first: Option<Part> = "first",
            rest: Value = "rest",
        }
    }

    fn whole() -> Whole {
        Whole {
            name: "a".to_owned(),
            note: None,
            count: Field::Known(u64::MAX),
            words: vec!["x".to_owned(), "x".to_owned()],
            tags: ["t".to_owned()].into(),
            parts: [("p".to_owned(), Part { size: -3 })].into(),
            first: Some(Part { size: 2 }),
            rest: Value::List(vec![Value::Unknown]),
        }
    }

    fn with(attribute: &str, value: Value) -> Result<Whole, String> {
        let Value::Object(mut attributes) = whole().write() else {
            panic!("a model is written as an object")
        };
        attributes.insert(attribute.to_owned(), value);
        Whole::read(&Value::Object(attributes)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_written_model_reads_back() {
        let whole = whole();
        assert_eq!(Whole::read(&whole.write()).unwrap(), whole);
    }

    #[test]
    fn a_model_writes_exactly_its_attributes() {
        let written = whole().write();
        let written: BTreeSet<&str> = written
            .as_map()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(written, Whole::ATTRIBUTES.iter().copied().collect());
        assert!(matches!(whole().write().get("tags"), Value::Set(_)));
        assert!(matches!(whole().write().get("parts"), Value::Map(_)));
    }

    #[test]
    fn unknown_and_null_are_distinct() {
        assert_eq!(with("count", Value::Null).unwrap().count, Field::Absent);
        assert_eq!(with("count", Value::Unknown).unwrap().count, Field::Unknown);
        assert_eq!(
            with("name", Value::Unknown).unwrap_err(),
            "name: the value is still unknown"
        );
        assert_eq!(
            with("note", Value::Unknown).unwrap_err(),
            "note: the value is still unknown"
        );
        assert_eq!(
            with("name", Value::Null).unwrap_err(),
            "name: a string is required, found null"
        );
    }

    #[test]
    fn a_partly_unknown_value_reads_as_an_unknown_field() {
        let partly = Value::Set(vec!["a".into(), Value::Unknown]);
        let read: Field<BTreeSet<String>> = FromValue::from_value(&partly).unwrap();
        assert_eq!(read, Field::Unknown);
        assert!(Field::<Part>::from_value(&"text".into()).is_err());
    }

    #[test]
    fn a_field_with_a_default_may_be_null_but_not_unknown() {
        let part = |size| Part::read(&Value::object([("size", size)]));
        assert_eq!(part(Value::Null).unwrap().size, 1);
        assert_eq!(Part::read(&Value::object::<&str>([])).unwrap().size, 1);
        assert!(part(Value::Unknown).is_err());
    }

    #[test]
    fn an_error_names_its_path() {
        let parts = Value::object([("p", Value::object([("size", Value::from(true))]))]);
        assert_eq!(
            with("parts", parts).unwrap_err(),
            r#"parts["p"].size: a number is required, found a bool"#
        );
        assert_eq!(
            with("words", Value::List(vec!["x".into(), 1.into()])).unwrap_err(),
            "words[1]: a string is required, found a number"
        );
        assert!(Whole::read(&Value::Null).is_err());
        assert!(Whole::read(&Value::Unknown).is_err());
    }

    #[test]
    fn an_out_of_range_number_is_an_error() {
        assert_eq!(
            with("count", Value::from(-1)).unwrap_err(),
            "count: -1 is not a whole number from 0 to 18446744073709551615"
        );
        assert!(
            with(
                "first",
                Value::object([("size", "1.5".parse::<Number>().unwrap().into())])
            )
            .is_err()
        );
    }

    #[test]
    fn a_dynamic_value_reads_as_its_inner_value() {
        let dynamic = |value| Value::Dynamic(Box::new((crate::value::Type::String, value)));
        assert_eq!(with("name", dynamic("b".into())).unwrap().name, "b");
        assert_eq!(with("note", dynamic(Value::Null)).unwrap().note, None);
        assert_eq!(
            with("count", dynamic(Value::Unknown)).unwrap().count,
            Field::Unknown
        );
    }
}
