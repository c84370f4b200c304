//! The argument `registry_id`, and what is said of one that is wrong.

use std::fmt::Display;

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

use crate::azure::RegistryId;
use crate::provider::common::findings::text;

/// The argument.
pub(crate) const REGISTRY_ID: &str = "registry_id";

/// The finding about the argument.
pub(crate) fn validate(config: &Value) -> Option<Diagnostic> {
    text::<RegistryId>(
        config,
        REGISTRY_ID,
        "Invalid registry ID",
        "Use the `id` of an `azurerm_container_registry`.",
    )
}

/// The argument, once it is known.
///
/// # Errors
/// It is no registry's id.
pub(crate) fn read(config: &Value) -> Result<RegistryId, Diagnostic> {
    parse(config.get(REGISTRY_ID).as_str().unwrap_or_default())
}

/// A registry's id, as a configuration or a state has it.
///
/// # Errors
/// It is none.
pub(crate) fn parse(id: &str) -> Result<RegistryId, Diagnostic> {
    id.parse::<RegistryId>()
        .map_err(|problem| invalid(&problem))
}

/// An id of no registry.
pub(crate) fn invalid(problem: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "Invalid registry ID",
        format!("{problem}. Use the `id` of an `azurerm_container_registry`."),
    )
    .at(AttributePath::new(REGISTRY_ID))
}

/// No registry of that id.
pub(crate) fn not_found(id: &str) -> Diagnostic {
    Diagnostic::error(
        "The registry does not exist",
        format!(
            "There is no container registry {id}, or whoever is signed in can't see it. Check the \
             ID and the subscription's tenant; a registry that is created in the same \
             configuration has to be referred to by its `id` attribute."
        ),
    )
    .at(AttributePath::new(REGISTRY_ID))
}
