//! The resource types: their attributes, and where each attribute is in the JSON of Azure Resource Manager.

use serde_json::{Value as Json, json};
use terraform_plugin::schema::Configurability::{
    self, Computed, Optional, OptionalComputed, Required,
};
use terraform_plugin::value::Value;

/// A resource type of Azure Resource Manager.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The type name in configurations.
    pub(crate) type_name: &'static str,
    /// The api-version of its requests.
    pub(crate) api_version: &'static str,
    /// The ID of an object, with attribute names in braces.
    pub(crate) id: &'static str,
    /// The attributes without `id`.
    pub(crate) attributes: &'static [Property],
}

/// An attribute, as name, configurability, JSON pointer, and what a change needs.
type Property = (&'static str, Configurability, &'static str, Change);

/// What a change of an attribute needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The ID has it, so a change requires replacement.
    Replace,
    /// The body of a request has it, and a change requires replacement.
    ReplaceInBody,
    /// The body of a request has it.
    Update,
    /// Only Azure sets it.
    Never,
}

use Change::{Never, Replace, ReplaceInBody, Update};

pub(crate) const RESOURCE_GROUP: Kind = Kind {
    type_name: "azurerm_resource_group",
    api_version: "2023-07-01",
    id: "/subscriptions/{subscription_id}/resourceGroups/{name}",
    attributes: &[
        ("name", Required, "/name", Replace),
        ("location", Required, "/location", ReplaceInBody),
        ("tags", Optional, "/tags", Update),
    ],
};

pub(crate) const CONTAINER_REGISTRY: Kind = Kind {
    type_name: "azurerm_container_registry",
    api_version: "2025-11-01",
    id: "/subscriptions/{subscription_id}/resourceGroups/{resource_group_name}/providers/Microsoft.ContainerRegistry/registries/{name}",
    attributes: &[
        ("name", Required, "/name", Replace),
        ("resource_group_name", Required, "", Replace),
        ("location", Required, "/location", ReplaceInBody),
        ("sku", Required, "/sku/name", Update),
        (
            "admin_enabled",
            OptionalComputed,
            "/properties/adminUserEnabled",
            Update,
        ),
        ("tags", Optional, "/tags", Update),
        ("login_server", Computed, "/properties/loginServer", Never),
    ],
};

pub(crate) const ROLE_ASSIGNMENT: Kind = Kind {
    type_name: "azurerm_role_assignment",
    api_version: "2022-04-01",
    id: "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
    attributes: &[
        ("name", OptionalComputed, "/name", Replace),
        ("scope", Required, "/properties/scope", Replace),
        (
            "role_definition_id",
            OptionalComputed,
            "/properties/roleDefinitionId",
            ReplaceInBody,
        ),
        ("role_definition_name", OptionalComputed, "", Replace),
        (
            "principal_id",
            Required,
            "/properties/principalId",
            ReplaceInBody,
        ),
        (
            "principal_type",
            Computed,
            "/properties/principalType",
            Never,
        ),
    ],
};

impl Kind {
    /// The ID of a planned object. `others` has values for the attributes that are not known yet.
    pub(crate) fn id(&self, planned: &Value, others: [(&str, &str); 2]) -> String {
        let known = self.attributes.iter().filter_map(|(name, ..)| {
            let value = planned.get(name).as_str()?;
            Some((*name, value))
        });
        known
            .chain(others)
            .fold(self.id.to_owned(), |id, (name, value)| {
                id.replace(&format!("{{{name}}}"), value)
            })
    }

    /// The body of the request that creates or updates the planned object.
    pub(crate) fn body(&self, planned: &Value) -> Json {
        let mut body = json!({});
        for (name, _, pointer, change) in self.attributes {
            if matches!(change, ReplaceInBody | Update) {
                let keys = pointer.split('/').skip(1);
                *keys.fold(&mut body, |at, key| &mut at[key]) = match planned.get(name) {
                    // Omitted tags would stay as they are.
                    Value::Null if *name == "tags" => json!({}),
                    value => to_json(value),
                };
            }
        }
        body
    }

    /// The state of an object that Azure returns. `before` is the planned or the prior state.
    pub(crate) fn state(&self, found: &Json, before: &Value) -> Value {
        let id = found["id"].as_str().unwrap_or_default();
        let attributes = self.attributes.iter().map(|&(name, _, pointer, _)| {
            let stored = found.pointer(pointer).filter(|_| !pointer.is_empty());
            let (prior, stored) = (before.get(name), from_json(stored.unwrap_or(&Json::Null)));
            let value = match name {
                "resource_group_name" => id.split('/').nth(4).into(),
                "role_definition_name" => prior.clone(),
                // Azure shows omitted tags as empty.
                "tags" if stored == Value::Map([].into()) && prior.is_null() => Value::Null,
                "location" if is_same_location(prior, &stored) => prior.clone(),
                _ => stored,
            };
            (name, value)
        });
        Value::object(attributes.chain([("id", id.into())]))
    }
}

/// Whether two spellings name the same region, such as `West Europe` and `westeurope`.
fn is_same_location(prior: &Value, stored: &Value) -> bool {
    let normalized = |value: &Value| value.as_str().map(|it| it.replace(' ', "").to_lowercase());
    normalized(prior) == normalized(stored)
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Map(elements) => elements
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)))
            .collect(),
        _ => Json::Null,
    }
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::String(text) => text.as_str().into(),
        Json::Bool(truth) => (*truth).into(),
        Json::Object(elements) => {
            let elements = elements.iter();
            Value::Map(
                elements
                    .map(|(key, value)| (key.clone(), from_json(value)))
                    .collect(),
            )
        }
        _ => Value::Null,
    }
}
