//! Subscriptions and resource groups.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arm::error::{error, invalid_content, no_such_group, no_such_method};
use crate::arm::registry_body::normalized;
use crate::arm::task_body::typed;
use crate::options::TENANT;
use crate::resource_group::{ResourceGroup, key};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
}

/// Returns an existing subscription.
pub(crate) fn subscription(call: &Call, id: &str) -> Answer {
    if call.method != Method::GET {
        return Err(no_such_method("subscriptions"));
    }
    Ok(Reply::json(
        200,
        &json!({
            "id": format!("/subscriptions/{id}"),
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": id,
            "tenantId": TENANT,
            "displayName": "Simulator",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }),
    ))
}

pub(crate) fn answer(world: &mut World, call: &Call, subscription: &str, name: &str) -> Answer {
    let known = world.group(subscription, name);
    match call.method {
        Method::GET => Ok(Reply::json(
            200,
            &shown(&known.ok_or_else(|| no_such_group(name))?),
        )),
        Method::PUT => put(world, call, known, (subscription, name)),
        Method::PATCH => {
            let known = known.ok_or_else(|| no_such_group(name))?;
            put(world, call, Some(known), (subscription, name))
        }
        Method::DELETE => {
            world.remove_group(&known.ok_or_else(|| no_such_group(name))?);
            let looks = world.knobs.deletion_looks;
            let id = world.operations.begin(looks, "Succeeded");
            Ok(under_way(call, subscription, &id))
        }
        _ => Err(no_such_method("resourceGroups")),
    }
}

/// Answers a poll of a deletion: 202 until it ends, then 200.
pub(crate) fn deletion(world: &mut World, call: &Call, id: &str) -> Answer {
    let ended = world.operations.poll(id)?;
    let subscription = call.segments().get(1).cloned().unwrap_or_default();
    Ok(match ended {
        Some(_) => Reply::empty(200),
        None => under_way(call, &subscription, id),
    })
}

/// Returns the error for a resource group that does not exist.
pub(crate) fn check_group(world: &World, subscription: &str, group: &str) -> Result<(), Reply> {
    let found = world.group(subscription, group);
    found.map(|_| ()).ok_or_else(|| no_such_group(group))
}

fn put(
    world: &mut World,
    call: &Call,
    known: Option<ResourceGroup>,
    (subscription, name): (&str, &str),
) -> Answer {
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|error| invalid_content(&error.to_string()))?;
    let Body { location, tags } = typed(body, "ResourceGroup")?;
    let location = location.as_deref().map(normalized);
    let status = if known.is_some() { 200 } else { 201 };
    let mut group = match (known, &location) {
        (Some(known), Some(location)) if known.location != *location => {
            let message = format!(
                "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                known.location
            );
            return Err(error(409, "InvalidResourceGroupLocation", &message));
        }
        (Some(known), _) => known,
        (None, Some(location)) => ResourceGroup {
            subscription: subscription.to_owned(),
            name: checked(name)?.to_owned(),
            location: location.clone(),
            tags: BTreeMap::new(),
        },
        (None, None) => {
            let message = "The location property is required for this definition.";
            return Err(error(400, "LocationRequired", message));
        }
    };
    group.tags = tags.unwrap_or(group.tags);
    let reply = Reply::json(status, &shown(&group));
    world.groups.insert(key(subscription, name), group);
    Ok(reply)
}

fn checked(name: &str) -> Result<&str, Reply> {
    let allowed = |char: char| char.is_alphanumeric() || "-_.()".contains(char);
    if name.len() <= 90 && name.chars().all(allowed) && !name.ends_with('.') {
        return Ok(name);
    }
    let message = format!(
        "The provided resource group name '{name}' has these invalid characters or an invalid length. The name can only be a \
         letter, digit, '-', '.', '(', ')' or '_', with 90 characters at most, and must not end with a period."
    );
    Err(error(400, "InvalidResourceGroup", &message))
}

fn under_way(call: &Call, subscription: &str, id: &str) -> Reply {
    let version = call.param("api-version").unwrap_or_default();
    let address = format!(
        "https://{}/subscriptions/{subscription}/operationresults/{id}?api-version={version}",
        call.authority
    );
    Reply::empty(202)
        .with("location", address)
        .with("retry-after", "1")
}

fn shown(group: &ResourceGroup) -> Value {
    json!({
        "id": group.id(),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": group.tags,
        "properties": {"provisioningState": "Succeeded"},
    })
}
