//! The messages about errors between host and provider. Most errors are bugs, and their messages
//! say whose bug it is.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::error_text::with_causes;
use crate::value::{TypeError, Value};

const PROVIDER_BUG: &str = "This is always a bug in the provider. Please report it.";

/// The host requests a type that the provider doesn't have.
pub(crate) fn unknown_type(what: &str, name: &str) -> Diagnostics {
    Diagnostic::error(
        format!("Unknown {what} type"),
        format!(
            "This version of the provider has no {what} named {name:?}. Check the name. If the \
             name is correct, the configuration may need a newer version of the provider."
        ),
    )
    .into()
}

/// The host requests an ephemeral resource.
pub(crate) fn no_ephemeral(name: &str) -> Diagnostics {
    unknown_type("ephemeral resource", name)
}

/// The host calls a function that doesn't exist.
pub(crate) fn unknown_function(name: &str) -> String {
    format!("this version of the provider has no function named {name:?}")
}

/// The host passes too many or too few arguments.
pub(crate) fn number_of_arguments(expected: usize, found: usize) -> String {
    format!("expected {expected} arguments, got {found}")
}

/// A function panicked.
pub(crate) fn panicked_function(text: &str) -> String {
    format!("the provider panicked: {text}. {PROVIDER_BUG}")
}

/// A function returned an unknown result for known arguments.
pub(crate) fn unknown_result() -> String {
    format!("the result is unknown, but all arguments are known. {PROVIDER_BUG}")
}

/// A function returned a value of the wrong type.
pub(crate) fn invalid_function_result(error: &TypeError) -> String {
    format!(
        "the result doesn't match its type: {}. {PROVIDER_BUG}",
        with_causes(error)
    )
}

/// The host sent an identity for a resource without an identity schema.
pub(crate) fn no_identity(type_name: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource has no identity",
        format!(
            "The state contains an identity of {type_name:?}. In this version of the provider, the \
             resource has no identity. Use the version that wrote the state, or a later version."
        ),
    )
    .into()
}

/// The host requests a move to another resource type.
pub(crate) fn no_move(from: &str, to: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource can't be moved to another type",
        format!(
            "The provider can't move {from:?} to {to:?}. Replace the \"moved\" block by \
             \"removed\" and \"import\" blocks."
        ),
    )
    .into()
}

/// The host requests a generated configuration without a state.
pub(crate) fn no_state_to_generate_from() -> Diagnostics {
    Diagnostic::error(
        "Configuration can't be generated",
        "The host sent no state from which to generate it. Terraform 1.14.0 never sends one. Use \
         Terraform 1.14.1 or later, or write the configuration manually.",
    )
    .into()
}

/// The user imports a resource without an identity schema by identity.
pub(crate) fn no_import_by_identity(type_name: &str) -> Diagnostics {
    Diagnostic::error(
        "Resource has no identity",
        format!("{type_name:?} can't be imported by identity. Import it by its ID."),
    )
    .into()
}

/// The identity of an import lacks required attributes.
pub(crate) fn incomplete_identity(type_name: &str, missing: &[&str]) -> Diagnostics {
    Diagnostic::error(
        "Incomplete identity",
        format!(
            "An import of {type_name:?} by identity also requires {}. Set the missing attributes, \
             or import by ID.",
            missing.join(", ")
        ),
    )
    .into()
}

/// The identity of an object changed.
pub(crate) fn identity_changed(operation: &str, before: &Value, now: &Value) -> Diagnostic {
    Diagnostic::error(
        "Unexpected Identity Change",
        format!(
            "The identity changed from {} to {} during {operation}, but only a replacement may \
             change it. {PROVIDER_BUG}",
            identity_text(before),
            identity_text(now),
        ),
    )
}

/// An existing object has no complete identity.
pub(crate) fn missing_identity(operation: &str) -> Diagnostic {
    let title = operation[..1].to_uppercase() + &operation[1..];
    Diagnostic::error(
        format!("Missing Resource Identity After {title}"),
        format!("The provider returned no identity, or an incomplete one. {PROVIDER_BUG}"),
    )
}

/// The provider returned an identity that doesn't match its schema.
pub(crate) fn invalid_identity(error: &TypeError) -> Diagnostic {
    Diagnostic::error(
        "Provider returned an invalid identity",
        format!(
            "The identity doesn't match the schema: {}. {PROVIDER_BUG}",
            with_causes(error)
        ),
    )
}

/// The stored identity has a newer schema version than the provider supports.
pub(crate) fn newer_identity(type_name: &str, stored: i64, known: i64) -> Diagnostics {
    Diagnostic::error(
        "Identity was written by a newer version of the provider",
        format!(
            "The stored identity of {type_name:?} has schema version {stored}. This version of \
             the provider supports versions up to {known}. Upgrade the provider."
        ),
    )
    .into()
}

/// The stored identity can't be read.
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

/// The host sent an unknown configuration where it must be known.
pub(crate) fn unknown_config(what: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Configuration of the {what} is not known yet"),
        "The host sent values that are known only after apply. First apply the resources that they \
         depend on.",
    )
}

/// The host sent a value that doesn't match the schema.
pub(crate) fn undecodable(what: &str, error: &TypeError) -> Diagnostics {
    Diagnostic::error(
        format!("Can't read the {what} sent by the host"),
        format!(
            "The {what} doesn't match the schema: {}. The host or the provider has a bug. Please \
             report it.",
            with_causes(error)
        ),
    )
    .at(error.path.clone())
    .into()
}

/// The provider returned a value that doesn't match the schema.
pub(crate) fn invalid_result(error: &TypeError) -> Diagnostic {
    Diagnostic::error(
        "Provider returned an invalid value",
        format!(
            "The result doesn't match the schema: {}. {PROVIDER_BUG}",
            with_causes(error)
        ),
    )
    .at(error.path.clone())
}

/// An operation succeeded without a state.
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

/// The schema breaks a rule that hosts enforce.
pub(crate) fn flawed_schema(what: &str, flaw: &str) -> Diagnostic {
    Diagnostic::error(
        "Provider has an invalid schema",
        format!("The schema of {what} breaks a rule of the protocol: {flaw}. {PROVIDER_BUG}"),
    )
}

/// The stored state has a newer schema version than the provider supports.
pub(crate) fn newer_state(type_name: &str, stored: i64, known: i64) -> Diagnostics {
    Diagnostic::error(
        "State was written by a newer version of the provider",
        format!(
            "The stored state of {type_name:?} has schema version {stored}. This version of the \
             provider supports versions up to {known}. Upgrade the provider."
        ),
    )
    .into()
}

/// The stored state can't be read.
pub(crate) fn unreadable_state(type_name: &str, why: &str) -> Diagnostics {
    Diagnostic::error(
        "Can't read the stored state",
        format!(
            "The stored state of {type_name:?} can't be upgraded: {why}. Restore the state from \
             a backup, or remove the resource from it and import the object again."
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
