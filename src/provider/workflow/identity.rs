//! The resource identity of a workflow: its registry.
//!
//! A new identity has the letter case of the configuration or the import. An identity in the state keeps its
//! own. Azure ignores the letter case of IDs, and hosts don't allow an identity to change.

use crate::azure::id::{InvalidRegistryId, RegistryId};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::ImportRequest;
use terraform_plugin::schema::{IdentityAttribute, IdentitySchema};
use terraform_plugin::value::{Type, Value};

const SUBSCRIPTION_ID: &str = "subscription_id";
const RESOURCE_GROUP_NAME: &str = "resource_group_name";
const REGISTRY_NAME: &str = "registry_name";

/// The schema, version 0.
pub(crate) fn schema() -> IdentitySchema {
    let text = |name, description| IdentityAttribute::required(name, Type::String, description);
    IdentitySchema {
        version: 0,
        attributes: vec![
            text(SUBSCRIPTION_ID, "The ID of the registry's subscription."),
            text(
                RESOURCE_GROUP_NAME,
                "The name of the registry's resource group.",
            ),
            text(REGISTRY_NAME, "The name of the container registry."),
        ],
    }
}

/// Returns the identity for a registry ID. It is unknown while the ID is.
pub(crate) fn of(registry_id: &Value) -> Value {
    match registry_id {
        Value::Unknown => Value::Unknown,
        id => id
            .as_str()
            .and_then(|id| id.parse().ok())
            .map_or(Value::Null, |registry| of_registry(&registry)),
    }
}

/// Returns the identity for a registry.
pub(crate) fn of_registry(registry: &RegistryId) -> Value {
    Value::object([
        (SUBSCRIPTION_ID, registry.subscription_id.as_str().into()),
        (RESOURCE_GROUP_NAME, registry.resource_group.as_str().into()),
        (REGISTRY_NAME, registry.registry.as_str().into()),
    ])
}

/// Returns the registry in an import request.
pub(crate) fn named(request: &ImportRequest) -> Result<RegistryId, Diagnostics> {
    match request {
        ImportRequest::Id(id) => id.parse().map_err(|error| {
            let detail = format!("{error}. Import a workflow by the ID of its registry.");
            Diagnostic::error("Invalid import ID", detail).into()
        }),
        ImportRequest::Identity(identity) => registry(identity).map_err(|error| {
            let detail = format!(
                "{error}. Import a workflow by the subscription, the resource group and the \
                     name of its registry."
            );
            Diagnostic::error("Invalid import identity", detail).into()
        }),
    }
}

/// Whether two identities name the same registry, in any letter case.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (registry(a), registry(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Returns the registry that an identity names.
fn registry(identity: &Value) -> Result<RegistryId, InvalidRegistryId> {
    let part = |name| identity.get(name).as_str().unwrap_or_default();
    RegistryId::new(
        part(SUBSCRIPTION_ID),
        part(RESOURCE_GROUP_NAME),
        part(REGISTRY_NAME),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "/SUBSCRIPTIONS/aAaAaAaA-0000-0000-0000-000000000000/resourcegroups/My-Group/providers/microsoft.containerregistry/registries/Contoso";

    #[test]
    fn an_identity_keeps_the_letter_case_of_the_id() {
        let identity = of(&ID.into());
        assert_eq!(*identity.get(RESOURCE_GROUP_NAME), "My-Group".into());
        let registry = named(&ImportRequest::Identity(identity.clone())).unwrap();
        assert_eq!(registry, ID.parse().unwrap());
        assert_eq!(of(&registry.to_string().into()), identity);
    }

    #[test]
    fn identities_that_differ_only_in_letter_case_are_the_same() {
        let identity = of(&ID.into());
        assert!(is_same(&identity, &of(&ID.to_lowercase().into())));
        let other = ID.replace("Contoso", "Fabrikam");
        assert!(!is_same(&identity, &of(&other.into())));
        assert!(!is_same(&identity, &Value::Unknown));
    }

    #[test]
    fn an_unknown_or_invalid_id_has_no_identity() {
        assert_eq!(of(&Value::Unknown), Value::Unknown);
        assert_eq!(of(&Value::Null), Value::Null);
        assert_eq!(of(&"x".into()), Value::Null);
    }

    #[test]
    fn an_invalid_identity_names_the_invalid_part() {
        let refused = named(&ImportRequest::Identity(Value::object([
            (SUBSCRIPTION_ID, "me".into()),
            (RESOURCE_GROUP_NAME, "demo".into()),
            (REGISTRY_NAME, "contoso".into()),
        ])));
        let refused = refused.unwrap_err();
        let refused = refused.iter().next().unwrap();
        assert_eq!(refused.summary, "Invalid import identity");
        assert!(refused.detail.contains("the subscription ID is not a GUID"));
    }
}
