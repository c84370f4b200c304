//! Functions: what is computed from arguments alone.

use std::fmt;

use crate::value::{Type, Value};

/// A function, `provider::<provider>::<name>` in a configuration.
///
/// It is pure: hosts call it in every phase, also of a provider that isn't configured, and hold
/// the results of equal arguments against each other.
pub trait Function: Send + Sync + 'static {
    /// Its name, without any prefix.
    fn name(&self) -> &str;

    /// Its arguments, its result, and what documentation says of it.
    fn definition(&self) -> &Definition;

    /// Computes the result. There is an argument of its type for each parameter, then one for each
    /// that was given for the variadic one; null and unknown only where the parameter allows them.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// The signature of a function and its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The arguments by position.
    pub parameters: Vec<Parameter>,
    /// What any number of further arguments is.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// What it does, in one line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// What to use instead, if it is deprecated.
    pub deprecation: Option<String>,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What documentation calls it.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Whether the function copes with null. Otherwise a null argument is refused beforehand.
    pub allow_null: bool,
    /// Whether the function copes with what is unknown. Otherwise the result of an argument that
    /// isn't wholly known is unknown, and the function isn't run.
    pub allow_unknown: bool,
    /// Markdown.
    pub description: String,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// What is wrong: hosts put the name of the function, or of the argument, in front of it.
    pub text: String,
    /// The argument that it is wrong with, counted from 0 over all that were given.
    pub argument: Option<usize>,
}

impl Definition {
    /// A function of these parameters.
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

    /// The same, taking any number of further arguments.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// The same with its documentation, in Markdown.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// What the argument at `index` is for; [`None`] where there may not be as many.
    pub(crate) fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }
}

impl Parameter {
    /// A parameter for which there is always a known value.
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
    /// An error that is about no argument in particular.
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
