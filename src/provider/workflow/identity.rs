//! What a workflow is named by, for good: its registry.
//!
//! The identity is that of the registry's id as the configuration or the import has spelled it,
//! which the state keeps. Azure spells ids in other letter case now and then; an identity that
//! followed it would change, which hosts don't allow.

use crate::azure::id::RegistryId;
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

/// The identity of the workflow of a registry, unknown while that is.
pub(crate) fn of(registry_id: &Value) -> Value {
    match registry_id {
        Value::Unknown => Value::Unknown,
        id => id
            .as_str()
            .and_then(|id| id.parse().ok())
            .map_or(Value::Null, |registry| of_registry(&registry)),
    }
}

/// The identity of the workflow of this registry.
pub(crate) fn of_registry(registry: &RegistryId) -> Value {
    Value::object([
        (SUBSCRIPTION_ID, registry.subscription_id.as_str().into()),
        (RESOURCE_GROUP_NAME, registry.resource_group.as_str().into()),
        (REGISTRY_NAME, registry.registry.as_str().into()),
    ])
}

/// The registry that the user has named.
pub(crate) fn named(request: &ImportRequest) -> Result<RegistryId, Diagnostics> {
    match request {
        ImportRequest::Id(id) => id.parse().map_err(|error| {
            let detail = format!("{error}. Import a workflow by the ID of its registry.");
            Diagnostic::error("Invalid import ID", detail).into()
        }),
        ImportRequest::Identity(identity) => {
            let part = |name| identity.get(name).as_str().unwrap_or_default();
            RegistryId::new(
                part(SUBSCRIPTION_ID),
                part(RESOURCE_GROUP_NAME),
                part(REGISTRY_NAME),
            )
            .map_err(|error| {
                let detail = format!(
                    "{error}. Import a workflow by the subscription, the resource group and the \
                     name of its registry."
                );
                Diagnostic::error("Invalid import identity", detail).into()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "/SUBSCRIPTIONS/aAaAaAaA-0000-0000-0000-000000000000/resourcegroups/My-Group/providers/microsoft.containerregistry/registries/Contoso";

    #[test]
    fn an_identity_keeps_the_spelling_of_the_id_and_leads_back_to_it() {
        let identity = of(&ID.into());
        assert_eq!(*identity.get(RESOURCE_GROUP_NAME), "My-Group".into());
        let registry = named(&ImportRequest::Identity(identity.clone())).unwrap();
        assert_eq!(registry, ID.parse().unwrap());
        assert_eq!(of(&registry.to_string().into()), identity);
    }

    #[test]
    fn what_is_unknown_or_no_id_has_no_identity() {
        assert_eq!(of(&Value::Unknown), Value::Unknown);
        assert_eq!(of(&Value::Null), Value::Null);
        assert_eq!(of(&"x".into()), Value::Null);
    }

    #[test]
    fn an_identity_that_names_no_registry_is_refused_with_the_part_that_is_wrong() {
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
