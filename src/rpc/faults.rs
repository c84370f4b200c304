//! Wording of what goes wrong between host and provider. None of it is the user's fault, except
//! the last: most say whose it is.

use std::error::Error;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::value::Misfit;

const OUR_BUG: &str = "This is always a bug in the provider; please report it.";

/// The host asks for something of which there is none of that name.
pub(crate) fn unknown_type(what: &str, name: &str) -> Diagnostics {
    Diagnostic::error(
        format!("Unknown {what} type"),
        format!(
            "This version of the provider has no {what} named {name:?}. Check the name, and \
             whether the configuration needs a newer version of the provider."
        ),
    )
    .into()
}

/// The host calls a function that there isn't.
pub(crate) fn unknown_function(name: &str) -> String {
    format!("this version of the provider has no function named {name:?}")
}

/// The host gives too many or too few arguments.
pub(crate) fn number_of_arguments(expected: usize, found: usize) -> String {
    format!("it takes {expected} arguments, {found} were given")
}

/// A function panicked.
pub(crate) fn panicked_function(text: &str) -> String {
    format!("the provider panicked: {text}. {OUR_BUG}")
}

/// A function says of known arguments that its result isn't known.
pub(crate) fn unknown_result() -> String {
    format!("the result of known arguments is unknown. {OUR_BUG}")
}

/// A function returned something of another type than its own.
pub(crate) fn invalid_function_result(misfit: &Misfit) -> String {
    format!(
        "the result doesn't fit its type: {}. {OUR_BUG}",
        with_causes(misfit)
    )
}

/// The host brings an identity for a resource that has none.
pub(crate) fn no_identity(type_name: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource has no identity",
        format!(
            "The state holds an identity of {type_name:?}, which this version of the provider \
             doesn't know. Use the version of the provider that wrote the state, or a later one."
        ),
    )
    .into()
}

/// The host wants to turn one resource type into another.
pub(crate) fn no_move(from: &str, to: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource can't be moved to another type",
        format!(
            "The provider can't turn {from:?} into {to:?}. Remove the \"moved\" block; use \
             \"removed\" and \"import\" blocks instead."
        ),
    )
    .into()
}

/// The host wants a configuration for a resource, which it can work out by itself.
pub(crate) fn no_generated_config(type_name: &str) -> Diagnostics {
    Diagnostic::error(
        "Configuration can't be generated",
        format!("The provider doesn't generate configurations of {type_name:?}."),
    )
    .into()
}

/// What the host sent is no value of the schema.
pub(crate) fn undecodable(what: &str, misfit: &Misfit) -> Diagnostics {
    Diagnostic::error(
        format!("Can't read the {what} sent by the host"),
        format!(
            "It doesn't fit the schema: {}. Either the host or the provider has a bug; please \
             report it.",
            with_causes(misfit)
        ),
    )
    .at(misfit.path.clone())
    .into()
}

/// What the provider made is no value of its schema.
pub(crate) fn invalid_result(misfit: &Misfit) -> Diagnostic {
    Diagnostic::error(
        "Provider returned an invalid value",
        format!(
            "The result doesn't fit the schema: {}. {OUR_BUG}",
            with_causes(misfit)
        ),
    )
    .at(misfit.path.clone())
}

/// An operation that ends well has left nothing to store.
pub(crate) fn missing_result(operation: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Missing resource state after {operation}"),
        format!("The provider reported success, but returned no state. {OUR_BUG}"),
    )
}

/// An operation panicked.
pub(crate) fn panicked(operation: &str, text: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider failed unexpectedly",
        format!("The provider panicked in {operation}: {text}. {OUR_BUG}"),
    )
}

/// A schema that hosts refuse.
pub(crate) fn flawed_schema(what: &str, flaw: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider has an invalid schema",
        format!("The schema of {what} breaks a rule of the protocol: {flaw}. {OUR_BUG}"),
    )
}

/// The stored state is of a schema that this version doesn't know yet.
pub(crate) fn newer_state(type_name: &str, stored: i64, known: i64) -> Diagnostics {
    Diagnostic::error(
        "State was written by a newer version of the provider",
        format!(
            "The stored state of {type_name:?} has schema version {stored}; this version of the \
             provider knows {known}. Upgrade the provider."
        ),
    )
    .into()
}

/// There is no stored state in a form we can read.
pub(crate) fn unreadable_state(type_name: &str, why: &str) -> Diagnostics {
    Diagnostic::error(
        "Can't read the stored state",
        format!(
            "The stored state of {type_name:?} can't be upgraded: {why}. Restore it from a \
             backup, or remove it from the state and import the object again."
        ),
    )
    .into()
}

/// The text of an error and of its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
