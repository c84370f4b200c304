//! What is wrong with a value, and where in it.

use std::fmt;

use crate::value::{AttributePath, NumberError, Step, Type, Value};

/// A value that doesn't fit its type, or bytes that hold no value at all.
#[derive(Debug)]
pub struct TypeError {
    /// Where the trouble is, from the root of the value.
    pub path: AttributePath,
    /// What the trouble is.
    pub problem: Problem,
}

/// What can be wrong with a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Another kind of value stands there.
    #[error("{expected} is required, found {found}")]
    WrongKind {
        /// What the type asks for.
        expected: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// An object lacks an attribute of its type.
    #[error("attribute {0:?} is missing")]
    MissingAttribute(String),
    /// An object has an attribute that its type lacks.
    #[error("attribute {0:?} is not in the schema")]
    UnexpectedAttribute(String),
    /// A key stands twice in one map or object.
    #[error("key {0:?} stands twice")]
    DuplicateKey(String),
    /// A tuple has another length than its type.
    #[error("a tuple of length {expected} is required, found {found}")]
    WrongLength {
        /// The type's length.
        expected: usize,
        /// The value's length.
        found: usize,
    },
    /// Text or a map key that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Something is unknown that has to be known.
    #[error("the value is still unknown")]
    Unknown,
    /// A value of the right kind that its reader doesn't take.
    #[error("{0}")]
    Invalid(String),
    /// A number that isn't one.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A type expression in JSON that isn't one.
    #[error("{0} is not a type")]
    NotAType(String),
    /// Bytes after the end of the value.
    #[error("the value ends early; bytes left: {0}")]
    TrailingBytes(usize),
    /// Bytes that aren't MessagePack.
    #[error("the value is not MessagePack")]
    NotMessagePack(#[source] rmpv::decode::Error),
    /// Bytes that aren't JSON.
    #[error("the value is not JSON")]
    NotJson(#[source] serde_json::Error),
}

impl Problem {
    /// Something else stands where `expected` should.
    pub(crate) fn wrong_kind(expected: &'static str, found: &Value) -> Self {
        Self::WrongKind {
            expected,
            found: found_name(found),
        }
    }
}

impl TypeError {
    /// The same trouble seen from one level further out.
    #[must_use]
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.path = self.path.within(step);
        self
    }
}

impl From<Problem> for TypeError {
    /// The trouble is at the root.
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

/// The result of what stands at `step`, seen from one level further out.
pub(crate) fn at<T>(step: Step, result: Result<T, TypeError>) -> Result<T, TypeError> {
    result.map_err(|error| error.within(step))
}

/// Holds a tuple against the length of its type.
pub(crate) fn check_length(expected: usize, found: usize) -> Result<(), TypeError> {
    if expected == found {
        Ok(())
    } else {
        Err(Problem::WrongLength { expected, found }.into())
    }
}

/// What a value of this type is called in a message.
pub(crate) fn expected_name(kind: &Type) -> &'static str {
    match kind {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "a bool",
        Type::Dynamic => "a value with its type",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Object(_) => "an object",
        Type::Tuple(_) => "a tuple",
    }
}

/// What this value is called in a message.
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
        Value::Dynamic(_) => "a value with its type",
    }
}
