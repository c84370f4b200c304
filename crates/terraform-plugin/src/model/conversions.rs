//! Conversions between values and Rust's own types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use crate::model::{FromValue, ToValue};
use crate::value::{Number, Problem, Step, TypeError, Value};

/// Reads a known value with `read`.
///
/// # Errors
/// The value is unknown ([`Problem::Unknown`]), or `read` returns [`None`]: `expected` is required.
pub(super) fn known<'a, T>(
    value: &'a Value,
    expected: &'static str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<T, TypeError> {
    match undressed(value) {
        Value::Unknown => Err(Problem::Unknown.into()),
        value => read(value).ok_or_else(|| Problem::wrong_kind(expected, value).into()),
    }
}

/// The inner value of a dynamic value, and any other value unchanged.
pub(super) fn undressed(value: &Value) -> &Value {
    match value {
        Value::Dynamic(typed) => &typed.1,
        plain => plain,
    }
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        Ok(value.clone())
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        known(value, "a string", Value::as_str).map(str::to_owned)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        known(value, "a bool", Value::as_bool)
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        (*self).into()
    }
}

impl FromValue for Number {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        known(value, "a number", |value| match value {
            Value::Number(number) => Some(number.clone()),
            _ => None,
        })
    }
}

impl ToValue for Number {
    fn to_value(&self) -> Value {
        self.clone().into()
    }
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl FromValue for $integer {
            fn from_value(value: &Value) -> Result<Self, TypeError> {
                let number = Number::from_value(value)?;
                let invalid = || Problem::Invalid(format!(
                    "{number} is not a whole number from {} to {}", Self::MIN, Self::MAX
                ));
                // An integer that fits prints without an exponent.
                Ok(number.to_string().parse().map_err(|_| invalid())?)
            }
        }

        impl ToValue for $integer {
            fn to_value(&self) -> Value {
                Number::from(*self).into()
            }
        }
    )+};
}
integers!(i64, u64);

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        match undressed(value) {
            Value::Null => Ok(None),
            present => T::from_value(present).map(Some),
        }
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        let elements = known(value, "a list", Value::as_elements)?;
        let read = |(index, element): (usize, &Value)| {
            let step = Step::Index(i64::try_from(index).unwrap_or(i64::MAX));
            T::from_value(element).map_err(|error| error.within(step))
        };
        elements.iter().enumerate().map(read).collect()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        let elements = known(value, "a set", Value::as_elements)?;
        elements.iter().map(T::from_value).collect()
    }
}

impl<T: ToValue> ToValue for BTreeSet<T> {
    fn to_value(&self) -> Value {
        Value::Set(self.iter().map(T::to_value).collect())
    }
}

impl<K: Ord + FromStr<Err: Display>, T: FromValue> FromValue for BTreeMap<K, T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        let read = |(key, element): (&String, &Value)| {
            let step = || Step::Key(key.clone());
            let name = key.parse().map_err(|error: K::Err| {
                TypeError::from(Problem::Invalid(error.to_string())).within(step())
            })?;
            let element = T::from_value(element).map_err(|misfit| misfit.within(step()))?;
            Ok((name, element))
        };
        let elements = known(value, "a map", Value::as_map)?;
        elements.iter().map(read).collect()
    }
}

impl<K: Display, T: ToValue> ToValue for BTreeMap<K, T> {
    fn to_value(&self) -> Value {
        let write = |(key, element): (&K, &T)| (key.to_string(), element.to_value());
        Value::Map(self.iter().map(write).collect())
    }
}
