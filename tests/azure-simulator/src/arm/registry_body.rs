//! The body with which a client creates or changes a registry, and Azure's rules for it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::arm::error::{error, invalid_content, invalid_value};
use crate::arm::route::Place;
use crate::arm::task_body::typed;
use crate::registry::RegistrySpec;
use crate::state::World;
use crate::wire::{Call, Reply};

/// The body of a PUT or PATCH. Omitted parts stay as they are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Body {
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    sku: Option<Sku>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    properties: Option<Properties>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sku {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Properties {
    #[serde(default)]
    admin_user_enabled: Option<bool>,
}

impl Body {
    pub(crate) fn parse(call: &Call) -> Result<Self, Reply> {
        let body = serde_json::from_slice(&call.body)
            .map_err(|error| invalid_content(&error.to_string()))?;
        typed(body, "Registry")
    }

    /// Returns the region of a new registry.
    pub(crate) fn location(&self) -> Result<String, Reply> {
        let missing = "The location property is required for this definition.";
        let given = self.location.as_deref();
        given
            .map(normalized)
            .ok_or_else(|| error(400, "LocationRequired", missing))
    }

    /// Refuses to move a registry.
    pub(crate) fn check_location(&self, known: &RegistrySpec, place: &Place) -> Result<(), Reply> {
        let given = self.location.as_deref().map(normalized);
        let Some(other) = given.filter(|given| *given != normalized(&known.location)) else {
            return Ok(());
        };
        let message = format!(
            "The resource '{}' already exists in location '{}' in resource group '{}'. A resource with the same name cannot \
             be created in location '{other}'. Please select a new resource name.",
            known.name, known.location, place.group
        );
        Err(error(409, "InvalidResourceLocation", &message))
    }

    /// Returns the registry's settings with those of the body.
    pub(crate) fn applied_to(self, mut spec: RegistrySpec) -> Result<RegistrySpec, Reply> {
        if let Some(sku) = self.sku {
            if !["Basic", "Standard", "Premium"].contains(&sku.name.as_str()) {
                let why = "it must be Basic, Standard or Premium";
                return Err(invalid_value("sku.name", why));
            }
            spec.sku = sku.name;
        }
        spec.tags = self.tags.unwrap_or(spec.tags);
        let properties = self.properties.unwrap_or_default();
        let admin = properties.admin_user_enabled;
        spec.admin_user_enabled = admin.unwrap_or(spec.admin_user_enabled);
        Ok(spec)
    }
}

/// Returns a region as ARM stores it: `West Europe` is `westeurope`.
pub(crate) fn normalized(location: &str) -> String {
    location.replace(' ', "").to_lowercase()
}

/// Checks the name of a new registry.
pub(crate) fn check_name(name: &str) -> Result<(), Reply> {
    let fits = name.chars().all(|char| char.is_ascii_alphanumeric());
    if fits && (5..=50).contains(&name.len()) {
        return Ok(());
    }
    let why = "resource names may contain alpha numeric characters only and must be between 5 and 50 characters";
    Err(invalid_value("registryName", why))
}

/// Returns the error for a name that another registry has. Registry names are unique in all of Azure.
pub(crate) fn already_in_use(world: &World, place: &Place) -> Reply {
    let server = world
        .registry(&place.name)
        .map(crate::registry::Registry::login_server)
        .unwrap_or_default();
    let message = format!(
        "The registry DNS name {server} is already in use. You can check if the name is already claimed using following API: \
         https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability"
    );
    error(409, "AlreadyInUse", &message)
}
