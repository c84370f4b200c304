//! Wording of what goes wrong between host and provider. None of it is the user's fault, except
//! the last: most say whose it is.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::error_text::with_causes;
use crate::value::{TypeError, Value};

const PROVIDER_BUG: &str = "This is always a bug in the provider; please report it.";

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

/// The host asks for an ephemeral resource.
pub(crate) fn no_ephemeral(name: &str) -> Diagnostics {
    unknown_type("ephemeral resource", name)
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
    format!("the provider panicked: {text}. {PROVIDER_BUG}")
}

/// A function says of known arguments that its result isn't known.
pub(crate) fn unknown_result() -> String {
    format!("the result of known arguments is unknown. {PROVIDER_BUG}")
}

/// A function returned something of another type than its own.
pub(crate) fn invalid_function_result(error: &TypeError) -> String {
    format!(
        "the result doesn't fit its type: {}. {PROVIDER_BUG}",
        with_causes(error)
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

/// The host wants a configuration for a resource, and doesn't say which.
pub(crate) fn no_state_to_generate_from() -> Diagnostics {
    Diagnostic::error(
        "Configuration can't be generated",
        "The host sent no state to generate it from, as Terraform 1.14.0 does. Use Terraform \
         1.14.1 or later, or write the configuration by hand.",
    )
    .into()
}

/// The user wants to import by identity what has none.
pub(crate) fn no_import_by_identity(type_name: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource has no identity",
        format!("{type_name:?} can't be imported by identity. Import it by its ID."),
    )
    .into()
}

/// The identity to import by doesn't say enough.
pub(crate) fn incomplete_identity(type_name: &str, missing: &[&str]) -> Diagnostics {
    Diagnostic::error(
        "Incomplete identity",
        format!(
            "An import of {type_name:?} by identity needs {}. Add what is missing, or import by \
             ID.",
            missing.join(", ")
        ),
    )
    .into()
}

/// The identity of an object became another.
pub(crate) fn identity_changed(operation: &str, before: &Value, now: &Value) -> Diagnostic {
    Diagnostic::error(
        "Unexpected Identity Change",
        format!(
            "An identity never changes without a replacement, but {operation} made {} of {}. \
             {PROVIDER_BUG}",
            identity_text(now),
            identity_text(before),
        ),
    )
}

/// An object that exists has no identity.
pub(crate) fn missing_identity(operation: &str) -> Diagnostic {
    let title = operation[..1].to_uppercase() + &operation[1..];
    Diagnostic::error(
        format!("Missing Resource Identity After {title}"),
        format!("The provider returned no identity, or one that isn't whole. {PROVIDER_BUG}"),
    )
}

/// What the provider made is no identity of its schema.
pub(crate) fn invalid_identity(error: &TypeError) -> Diagnostic {
    Diagnostic::error(
        "Provider returned an invalid identity",
        format!(
            "It doesn't fit the schema: {}. {PROVIDER_BUG}",
            with_causes(error)
        ),
    )
}

/// The stored identity is of a schema that this version doesn't know yet.
pub(crate) fn newer_identity(type_name: &str, stored: i64, known: i64) -> Diagnostics {
    Diagnostic::error(
        "Identity was written by a newer version of the provider",
        format!(
            "The stored identity of {type_name:?} has schema version {stored}; this version of \
             the provider knows {known}. Upgrade the provider."
        ),
    )
    .into()
}

/// There is no stored identity in a form we can read.
pub(crate) fn unreadable_identity(type_name: &str, why: &str) -> Diagnostics {
    Diagnostic::error(
        "Can't read the stored identity",
        format!(
            "The stored identity of {type_name:?} can't be upgraded: {why}. Restore the state from \
             a backup, or remove the resource from it and import the object again."
        ),
    )
    .into()
}

/// A configuration has to be known by the time it is used.
pub(crate) fn unknown_config(what: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Configuration of the {what} is not known yet"),
        "The host sent values that are still unknown. Apply what they depend on first.",
    )
}

/// What the host sent is no value of the schema.
pub(crate) fn undecodable(what: &str, error: &TypeError) -> Diagnostics {
    Diagnostic::error(
        format!("Can't read the {what} sent by the host"),
        format!(
            "It doesn't fit the schema: {}. Either the host or the provider has a bug; please \
             report it.",
            with_causes(error)
        ),
    )
    .at(error.path.clone())
    .into()
}

/// What the provider made is no value of its schema.
pub(crate) fn invalid_result(error: &TypeError) -> Diagnostic {
    Diagnostic::error(
        "Provider returned an invalid value",
        format!(
            "The result doesn't fit the schema: {}. {PROVIDER_BUG}",
            with_causes(error)
        ),
    )
    .at(error.path.clone())
}

/// An operation that ends well has left nothing to store.
pub(crate) fn missing_result(operation: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Missing resource state after {operation}"),
        format!("The provider reported success, but returned no state. {PROVIDER_BUG}"),
    )
}

/// An operation panicked.
pub(crate) fn panicked(operation: &str, text: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider failed unexpectedly",
        format!("The provider panicked in {operation}: {text}. {PROVIDER_BUG}"),
    )
}

/// A schema that hosts refuse.
pub(crate) fn flawed_schema(what: &str, flaw: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider has an invalid schema",
        format!("The schema of {what} breaks a rule of the protocol: {flaw}. {PROVIDER_BUG}"),
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

fn identity_text(identity: &Value) -> String {
    let attributes = identity.as_map().into_iter().flatten();
    let attributes = attributes.map(|(name, value)| match value {
        Value::String(text) => format!("{name} = {text:?}"),
        Value::Unknown => format!("{name} = (unknown)"),
        other => format!("{name} = {other:?}"),
    });
    let text: Vec<String> = attributes.collect();
    format!("{{{}}}", text.join(", "))
}
