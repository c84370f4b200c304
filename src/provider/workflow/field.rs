//! A part of a configuration, of which it may not be known yet what it is.

use terraform_plugin::value::Value;

/// A part of a configuration: not there, not known yet, or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field<T> {
    /// Null.
    Absent,
    /// Known only at apply.
    Unknown,
    /// A valid value.
    Known(T),
}

impl<T> Field<T> {
    /// Reads a value that has passed validation; what doesn't parse counts as unknown, because
    /// it has been reported already.
    pub(crate) fn read(value: &Value, parse: impl FnOnce(&Value) -> Option<T>) -> Self {
        match value {
            Value::Null => Self::Absent,
            known => parse(known).map_or(Self::Unknown, Self::Known),
        }
    }

    /// The value, or `default` where the configuration has none; [`None`] while it is unknown.
    pub(crate) fn or(self, default: T) -> Option<T> {
        match self {
            Self::Absent => Some(default),
            Self::Unknown => None,
            Self::Known(value) => Some(value),
        }
    }

    /// The value if it is known and there.
    pub(crate) fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}
