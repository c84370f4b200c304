//! Functions: results that depend only on their arguments.

use std::fmt;

use crate::value::{Type, Value};

/// A function, `provider::<provider>::<name>` in a configuration.
///
/// A function must be pure. Hosts call it in every phase, even if the provider isn't configured. They
/// check that equal arguments have equal results.
pub trait Function: Send + Sync + 'static {
    /// The name, without a prefix.
    fn name(&self) -> &str;

    /// The parameters, the result type and the documentation.
    fn definition(&self) -> &Definition;

    /// Computes the result.
    ///
    /// `arguments` has one value for each parameter, followed by the variadic ones. Each has the type
    /// of its parameter. It is null or unknown only if the parameter allows that.
    ///
    /// # Errors
    /// The arguments are invalid.
    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// The signature of a function and its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// The parameter that accepts any number of further arguments.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// A one-line summary.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// The deprecation message, which says what to use instead.
    pub deprecation: Option<String>,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name in the documentation.
    pub name: String,
    /// The type.
    pub kind: Type,
    /// Whether the function accepts null. If not, the framework rejects a null argument.
    pub allow_null: bool,
    /// Whether the function accepts unknown values. If not, and the argument isn't wholly known, the
    /// result is unknown and the function doesn't run.
    pub allow_unknown: bool,
    /// Markdown.
    pub description: String,
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// The error message. Hosts prepend the name of the function or of the argument.
    pub text: String,
    /// The index of the invalid argument, counted from 0 over all arguments.
    pub argument: Option<usize>,
}

impl Definition {
    /// A function with these parameters.
    pub fn new(parameters: Vec<Parameter>, returns: Type, summary: impl Into<String>) -> Self {
        Self {
            parameters,
            variadic: None,
            returns,
            summary: summary.into(),
            description: String::new(),
            deprecation: None,
        }
    }

    /// Accepts any number of further arguments.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// Sets the description, in Markdown.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The parameter of the argument at `index`, or [`None`] if the function has too few parameters.
    pub(crate) fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }
}

impl Parameter {
    /// A parameter that allows neither null nor unknown.
    pub fn new(name: &str, kind: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            allow_null: false,
            allow_unknown: false,
            description: description.into(),
        }
    }
}

impl FunctionError {
    /// An error about the call as a whole.
    pub fn new(problem: impl fmt::Display) -> Self {
        Self {
            text: problem.to_string(),
            argument: None,
        }
    }

    /// An error about the argument at `index`.
    pub fn of_argument(index: usize, problem: impl fmt::Display) -> Self {
        Self {
            argument: Some(index),
            ..Self::new(problem)
        }
    }
}
