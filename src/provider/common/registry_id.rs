//! The argument `registry_id` and its diagnostics.

use std::fmt::Display;

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

use crate::azure::RegistryId;
use crate::provider::common::findings::text;

/// The name of the argument.
pub(crate) const REGISTRY_ID: &str = "registry_id";

/// Returns an error if `registry_id` is not a container registry resource ID.
pub(crate) fn validate(config: &Value) -> Option<Diagnostic> {
    text::<RegistryId>(
        config,
        REGISTRY_ID,
        "Invalid registry ID",
        "Use the `id` of an `azurerm_container_registry`.",
    )
}

/// Reads `registry_id` from a configuration in which it is known.
///
/// # Errors
/// If it is not a container registry resource ID.
pub(crate) fn read(config: &Value) -> Result<RegistryId, Diagnostic> {
    parse(config.get(REGISTRY_ID).as_str().unwrap_or_default())
}

/// Parses a registry ID from a configuration or a state.
///
/// # Errors
/// If it is not a container registry resource ID.
pub(crate) fn parse(id: &str) -> Result<RegistryId, Diagnostic> {
    id.parse::<RegistryId>()
        .map_err(|problem| invalid(&problem))
}

/// Returns the error for an invalid registry ID.
pub(crate) fn invalid(problem: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "Invalid registry ID",
        format!("{problem}. Use the `id` of an `azurerm_container_registry`."),
    )
    .at(AttributePath::new(REGISTRY_ID))
}

/// Returns the error for a registry that Azure doesn't find.
pub(crate) fn not_found(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Registry not found",
        format!(
            "Registry {id} was not found, or the signed-in identity has no access to it. Check the ID, \
             the subscription and the tenant. If the same configuration creates the registry, refer to \
             its `id` attribute."
        ),
    )
    .at(AttributePath::new(REGISTRY_ID))
}
