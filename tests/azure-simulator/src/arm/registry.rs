//! Registries: read-only through ARM.

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{error, no_such_group, not_found};
use crate::arm::route::Place;
use crate::arm::{cased, page, stamp};
use crate::registry::Registry;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// Finds a registry. A wrong resource group or subscription returns the same 404 as a missing registry.
pub(crate) fn find<'world>(world: &'world World, place: &Place) -> Result<&'world Registry, Reply> {
    check_group(world, &place.subscription, &place.group)?;
    let found = world.registry(&place.name).filter(|registry| {
        registry
            .spec
            .subscription
            .eq_ignore_ascii_case(&place.subscription)
            && registry
                .spec
                .resource_group
                .eq_ignore_ascii_case(&place.group)
    });
    found.ok_or_else(|| not_found(place, ""))
}

pub(crate) fn answer(world: &mut World, call: &Call, place: &Place) -> Answer {
    let registry = find(world, place)?;
    if call.method != Method::GET {
        // A client under test must never change a registry, so the request fails.
        return Err(error(
            403,
            "RequestDisallowedByPolicy",
            "The simulator does not allow changes to a registry.",
        ));
    }
    let body = shown(world, call, registry);
    let key = registry.spec.name.to_lowercase();
    world.echoes.registries.fade(&key);
    Ok(Reply::json(200, &body))
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

fn check_group(world: &World, subscription: &str, group: &str) -> Result<(), Reply> {
    // A resource group exists while it contains a registry. `demo` always exists.
    let exists = group.eq_ignore_ascii_case("demo")
        || world.registries.values().any(|registry| {
            registry
                .spec
                .subscription
                .eq_ignore_ascii_case(subscription)
                && registry.spec.resource_group.eq_ignore_ascii_case(group)
        });
    if exists {
        return Ok(());
    }
    Err(no_such_group(group))
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
        "tags": {},
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
            "adminUserEnabled": false,
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
