//! Errors in values, with their paths.

use std::fmt;
use std::io;

use crate::value::{AttributePath, NumberError, Step, Type, Value};

/// A value doesn't match its type, or bytes don't contain a value.
#[derive(Debug)]
pub struct TypeError {
    /// The path of the invalid part, from the root of the value.
    pub path: AttributePath,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value has the wrong kind.
    #[error("{expected} is required, found {found}")]
    WrongKind {
        /// The kind that the type requires.
        expected: &'static str,
        /// The kind of the value.
        found: &'static str,
    },
    /// An object lacks an attribute of its type.
    #[error("attribute {0:?} is missing")]
    MissingAttribute(String),
    /// An object has an attribute that its type lacks.
    #[error("attribute {0:?} is not in the schema")]
    UnexpectedAttribute(String),
    /// A map or object has the same key twice.
    #[error("key {0:?} appears twice")]
    DuplicateKey(String),
    /// The length of a tuple differs from its type.
    #[error("a tuple of length {expected} is required, found {found}")]
    WrongLength {
        /// The type's length.
        expected: usize,
        /// The value's length.
        found: usize,
    },
    /// A string or a map key is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A value is unknown that must be known.
    #[error("the value is still unknown")]
    Unknown,
    /// The value has the right kind, but its reader rejects it.
    #[error("{0}")]
    Invalid(String),
    /// The number is invalid.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A JSON expression is not a type.
    #[error("{0} is not a type")]
    NotAType(String),
    /// Bytes follow the end of the value.
    #[error("extra bytes after the value: {0}")]
    TrailingBytes(usize),
    /// The bytes are not MessagePack.
    #[error("the value is not MessagePack")]
    NotMessagePack(#[source] io::Error),
    /// The value is nested more deeply than any schema.
    #[error("the value is nested too deeply")]
    TooDeep,
    /// The value needs too much memory.
    #[error("the value needs more than {limit} bytes of memory")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The bytes are not JSON.
    #[error("the value is not JSON")]
    NotJson(#[source] serde_json::Error),
}

impl Problem {
    /// The error for a value whose kind is not `expected`.
    pub(crate) fn wrong_kind(expected: &'static str, found: &Value) -> Self {
        Self::WrongKind {
            expected,
            found: found_name(found),
        }
    }
}

impl TypeError {
    /// Prepends a step to the path.
    #[must_use]
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.path = self.path.within(step);
        self
    }
}

impl From<Problem> for TypeError {
    /// A problem at the root.
    fn from(problem: Problem) -> Self {
        Self {
            path: AttributePath::root(),
            problem,
        }
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            self.problem.fmt(f)
        } else {
            write!(f, "{}: {}", self.path, self.problem)
        }
    }
}

impl std::error::Error for TypeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source()
    }
}

/// Prepends `step` to the path of an error.
pub(crate) fn at<T>(step: Step, result: Result<T, TypeError>) -> Result<T, TypeError> {
    result.map_err(|error| error.within(step))
}

/// Compares the length of a tuple with its type.
pub(crate) fn check_length(expected: usize, found: usize) -> Result<(), TypeError> {
    if expected == found {
        Ok(())
    } else {
        Err(Problem::WrongLength { expected, found }.into())
    }
}

/// The name of this type in a message.
pub(crate) fn expected_name(kind: &Type) -> &'static str {
    match kind {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "a bool",
        Type::Dynamic => "a dynamic value",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Object(_) => "an object",
        Type::Tuple(_) => "a tuple",
    }
}

/// The name of this kind of value in a message.
pub(crate) fn found_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Unknown => "an unknown value",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Set(_) => "a set",
        Value::Map(_) => "a map",
        Value::Object(_) => "an object",
        Value::Dynamic(_) => "a dynamic value",
    }
}
