//! An attribute that may be unknown.

use crate::model::conversions::undressed;
use crate::model::{FromValue, ToValue};
use crate::value::{Problem, TypeError, Value};

/// The value of one attribute in a configuration or a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Field<T> {
    /// Null.
    #[default]
    Absent,
    /// Known only after apply, as a whole or in part.
    Unknown,
    /// A known value.
    Known(T),
}

impl<T> Field<T> {
    /// Reads a value that validation has already checked. A value that doesn't parse reads as
    /// unknown, because validation has already reported it.
    pub fn read(value: &Value, parse: impl FnOnce(&Value) -> Option<T>) -> Self {
        match value {
            Value::Null => Self::Absent,
            present => parse(present).map_or(Self::Unknown, Self::Known),
        }
    }

    /// The value, or `default` for null. [`None`] while the value is unknown.
    pub fn or(self, default: T) -> Option<T> {
        match self {
            Self::Absent => Some(default),
            Self::Unknown => None,
            Self::Known(value) => Some(value),
        }
    }

    /// The value, if it is known and not null.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Whether the value is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Unknown => Field::Unknown,
            Self::Known(value) => Field::Known(value),
        }
    }

    /// Applies `change` to a known value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Unknown => Field::Unknown,
            Self::Known(value) => Field::Known(change(value)),
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    /// [`None`] is null.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }
}

impl<T: FromValue> FromValue for Field<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match undressed(value) {
            Value::Null => Ok(Self::Absent),
            Value::Unknown => Ok(Self::Unknown),
            present => match T::from_value(present) {
                Err(error) if matches!(error.problem, Problem::Unknown) => Ok(Self::Unknown),
                result => result.map(Self::Known),
            },
        }
    }
}

impl<T: ToValue> ToValue for Field<T> {
    fn to_value(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(value) => value.to_value(),
        }
    }
}
