//! Registries.

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{no_such_method, not_found};
use crate::arm::registry_body::{Body, already_in_use, check_name};
use crate::arm::resource_group::check_group;
use crate::arm::route::Place;
use crate::arm::{cased, page, stamp};
use crate::registry::{Registry, RegistrySpec};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// Finds a registry. A wrong resource group or subscription returns the same 404 as a missing registry.
pub(crate) fn find<'world>(world: &'world World, place: &Place) -> Result<&'world Registry, Reply> {
    check_group(world, &place.subscription, &place.group)?;
    let found = world.registry(&place.name);
    found
        .filter(|registry| is_at(&registry.spec, place))
        .ok_or_else(|| not_found(place, ""))
}

fn is_at(spec: &RegistrySpec, place: &Place) -> bool {
    spec.is_in(&place.subscription, &place.group)
}

pub(crate) fn answer(world: &mut World, call: &Call, place: &Place) -> Answer {
    match call.method {
        Method::GET => {}
        Method::PUT => return put(world, call, place),
        Method::PATCH => return patch(world, call, place),
        Method::DELETE => return delete(world, place),
        _ => return Err(no_such_method("registries")),
    }
    let registry = find(world, place)?;
    let body = shown(world, call, registry);
    let key = registry.spec.name.to_lowercase();
    world.echoes.registries.fade(&key);
    Ok(Reply::json(200, &body))
}

/// Creates a registry, or changes the one with this name.
fn put(world: &mut World, call: &Call, place: &Place) -> Answer {
    check_group(world, &place.subscription, &place.group)?;
    let body = Body::parse(call)?;
    let known = world.registry(&place.name).map(|known| known.spec.clone());
    let is_new = known.is_none();
    let spec = match known {
        Some(known) if !is_at(&known, place) => return Err(already_in_use(world, place)),
        Some(known) => {
            body.check_location(&known, place)?;
            known
        }
        None => {
            check_name(&place.name)?;
            RegistrySpec::new(&place.name)
                .subscription(&place.subscription)
                .resource_group(&place.group)
                .location(&body.location()?)
        }
    };
    let spec = body.applied_to(spec)?;
    if is_new {
        world.add_registry(spec);
    } else if let Some(known) = world.registry_mut(&place.name) {
        known.spec = spec;
    }
    let registry = find(world, place)?;
    let status = if is_new { 201 } else { 200 };
    Ok(Reply::json(status, &shown(world, call, registry)))
}

fn patch(world: &mut World, call: &Call, place: &Place) -> Answer {
    let known = find(world, place)?.spec.clone();
    let body = Body::parse(call)?;
    body.check_location(&known, place)?;
    let spec = body.applied_to(known)?;
    if let Some(known) = world.registry_mut(&place.name) {
        known.spec = spec;
    }
    Ok(Reply::json(200, &shown(world, call, find(world, place)?)))
}

fn delete(world: &mut World, place: &Place) -> Answer {
    check_group(world, &place.subscription, &place.group)?;
    let name = find(world, place).map(|found| found.spec.name.clone());
    Ok(match name {
        Ok(name) => {
            world.remove_registry(&name);
            Reply::empty(200)
        }
        Err(_) => Reply::empty(204),
    })
}

pub(crate) fn list(world: &World, call: &Call, subscription: &str, group: Option<&str>) -> Answer {
    if let Some(group) = group {
        check_group(world, subscription, group)?;
    }
    let here = world.registries.values().filter(|registry| {
        registry
            .spec
            .subscription
            .eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| registry.spec.resource_group.eq_ignore_ascii_case(group))
    });
    page(
        world,
        call,
        here.map(|registry| shown(world, call, registry)).collect(),
    )
}

/// Returns the registry's JSON in the requested api-version.
fn shown(world: &World, call: &Call, registry: &Registry) -> Value {
    let key = registry.spec.name.to_lowercase();
    let spec = world.echoes.registries.get(&key).unwrap_or(&registry.spec);
    let created = stamp(registry.created);
    let mut body = json!({
        "sku": {"name": spec.sku, "tier": spec.sku},
        "type": "Microsoft.ContainerRegistry/registries",
        "id": cased(world, &registry.id()),
        "name": spec.name,
        "location": spec.location,
        "tags": spec.tags,
        "systemData": {
            "createdBy": "user@example.com",
            "createdByType": "User",
            "createdAt": created,
            "lastModifiedBy": "user@example.com",
            "lastModifiedByType": "User",
            "lastModifiedAt": created,
        },
        "properties": {
            "loginServer": registry.login_server(),
            "creationDate": registry.created.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string(),
            "provisioningState": spec.provisioning_state,
            "adminUserEnabled": spec.admin_user_enabled,
            "policies": {
                "quarantinePolicy": {"status": "disabled"},
                "trustPolicy": {"type": "Notary", "status": "disabled"},
                "retentionPolicy": {"days": 7, "lastUpdatedTime": created, "status": "disabled"},
                "exportPolicy": {"status": "enabled"},
                "azureADAuthenticationAsArmPolicy": {"status": if spec.tokens_of_arm { "enabled" } else { "disabled" }},
                "softDeletePolicy": {"retentionDays": 7, "lastUpdatedTime": created, "status": "disabled"},
            },
            "encryption": {"status": "disabled"},
            "dataEndpointEnabled": false,
            "dataEndpointHostNames": [],
            "privateEndpointConnections": [],
            "publicNetworkAccess": if spec.restricted { "Disabled" } else { "Enabled" },
            "networkRuleBypassOptions": "AzureServices",
            "zoneRedundancy": "Disabled",
            "anonymousPullEnabled": false,
        },
    });
    let version = call
        .param("api-version")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let properties = &mut body["properties"];
    if spec.sku == "Premium" {
        properties["networkRuleSet"] =
            json!({"defaultAction": if spec.restricted { "Deny" } else { "Allow" }, "ipRules": []});
    }
    if knows(&version, "2025-03-01-preview") {
        let mode = if spec.abac {
            "AbacRepositoryPermissions"
        } else {
            "LegacyRegistryPermissions"
        };
        properties["roleAssignmentMode"] = Value::from(mode);
    }
    if knows(&version, "2025-06-01-preview") {
        properties["networkRuleBypassAllowedForTasks"] = Value::from(spec.tasks_bypass);
    }
    body
}

/// Returns whether an api-version has the properties that the preview `since` introduced.
///
/// Later previews have them, and stable versions from 2025-11-01.
fn knows(version: &str, since: &str) -> bool {
    if version.ends_with("-preview") {
        version >= since
    } else {
        version >= "2025-11-01"
    }
}

#[cfg(test)]
mod tests {
    use super::knows;

    #[test]
    fn stable_versions_before_2025_11_01_lack_preview_properties() {
        assert!(knows("2025-11-01", "2025-03-01-preview"));
        assert!(knows("2025-03-01-preview", "2025-03-01-preview"));
        assert!(!knows("2025-04-01", "2025-03-01-preview"));
        assert!(!knows("2023-01-01-preview", "2025-03-01-preview"));
        assert!(!knows("2025-03-01-preview", "2025-06-01-preview"));
    }
}
