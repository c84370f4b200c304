//! Reads of tasks: one task or the list, in their old state while an echo lasts.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{no_such_method, not_found};
use crate::arm::registry::find;
use crate::arm::route::Place;
use crate::arm::{cased, is_last_page, page, stamp};
use crate::echo::key;
use crate::registry::Registry;
use crate::state::World;
use crate::task::Task;
use crate::wire::{Answer, Call, Reply};

pub(crate) fn list(world: &mut World, call: &Call, place: &Place) -> Answer {
    let mut names: BTreeSet<String> = find(world, place)?.tasks.keys().cloned().collect();
    for name in &names {
        reap(world, place, name);
    }
    let prefix = key(&place.name, "");
    let echoes = world.echoes.task_lists.keys(&prefix);
    names.extend(echoes.iter().map(|key| key[prefix.len()..].to_owned()));
    let registry = find(world, place)?;
    let seen = names.iter().filter_map(|name| {
        let truth = registry.tasks.get(name).cloned();
        world.echoes.task_lists.see(&key(&place.name, name), truth)
    });
    let rows = seen.map(|task| shown(world, registry, &task)).collect();
    let answer = page(world, call, rows);
    let last = is_last_page(&answer);
    for name in &names {
        looked(world, place, name);
        if last {
            world.echoes.task_lists.fade(&key(&place.name, name));
        }
    }
    answer
}

/// `listDetails`: the task with its secrets. Simulated tasks have no secrets.
pub(crate) fn details(world: &mut World, call: &Call, place: &Place, name: &str) -> Answer {
    if call.method != Method::POST {
        return Err(no_such_method("registries/tasks/listDetails"));
    }
    get(world, place, name)
}

pub(crate) fn get(world: &mut World, place: &Place, name: &str) -> Answer {
    reap(world, place, name);
    let registry = find(world, place)?;
    let key = key(&place.name, &name.to_lowercase());
    let truth = registry.tasks.get(&name.to_lowercase()).cloned();
    let seen = world.echoes.tasks.see(&key, truth);
    let body = seen.map(|task| shown(world, registry, &task));
    if !world.echoes.tasks.fade(&key) {
        looked(world, place, name);
    }
    let body = body.ok_or_else(|| missing(place, name))?;
    Ok(Reply::json(200, &body))
}

/// Removes a task whose deletion has finished.
pub(crate) fn reap(world: &mut World, place: &Place, name: &str) {
    let task = world
        .registry(&place.name)
        .and_then(|registry| registry.tasks.get(&name.to_lowercase()));
    if task.is_some_and(|task| task.progress.ends_as == "Deleted" && task.progress.looks_left == 0)
    {
        world.remove_task(&place.name, name);
    }
}

/// Counts a read of a task. It advances the provisioning state, and the delay until the identity shows.
fn looked(world: &mut World, place: &Place, name: &str) {
    let registry = world.registry_mut(&place.name);
    let Some(task) = registry.and_then(|registry| registry.tasks.get_mut(&name.to_lowercase()))
    else {
        return;
    };
    task.progress.looks_left = task.progress.looks_left.saturating_sub(1);
    if let Some(principal) = task.principal_id().map(str::to_owned) {
        world.echoes.identities.fade(&principal);
    }
}

pub(crate) fn missing(place: &Place, name: &str) -> Reply {
    not_found(place, &format!("/tasks/{name}"))
}

/// Returns the task's JSON as ARM shows it.
pub(crate) fn shown(world: &World, registry: &Registry, task: &Task) -> Value {
    let mut properties = json!({"provisioningState": task.provisioning_state(), "creationDate": stamp(task.created)});
    if let (Value::Object(all), Ok(Value::Object(sent))) =
        (&mut properties, serde_json::to_value(&task.properties))
    {
        all.extend(sent);
    }
    if world.knobs.respelled {
        respell(&mut properties);
    }
    let mut body = json!({
        "type": "Microsoft.ContainerRegistry/registries/tasks",
        "properties": properties,
        "id": cased(world, &format!("{}/tasks/{}", registry.id(), task.name)),
        "name": task.name,
        "tags": task.tags,
        "location": task.location,
        "systemData": {
            "createdBy": "user@example.com",
            "createdByType": "User",
            "createdAt": stamp(task.created),
            "lastModifiedBy": "user@example.com",
            "lastModifiedByType": "User",
            "lastModifiedAt": stamp(task.modified),
        },
    });
    if let Some(identity) = &task.identity {
        body["identity"] = json!({"type": "SystemAssigned"});
        let principal = &identity.principal_id;
        if world.echoes.identities.see(principal, Some(())).is_some() {
            body["identity"]["principalId"] = Value::from(principal.as_str());
            body["identity"]["tenantId"] = Value::from(identity.tenant_id.as_str());
        }
    }
    body
}

/// Changes values to the other spellings that the service is known to return.
fn respell(properties: &mut Value) {
    if properties["platform"]["os"]
        .as_str()
        .is_some_and(|os| os.eq_ignore_ascii_case("linux"))
    {
        properties["platform"]["os"] = Value::from("Linux");
    }
    if let Some(status) = properties["status"].as_str().map(str::to_lowercase) {
        properties["status"] = Value::from(status);
    }
    if let Value::Object(step) = &mut properties["step"] {
        step.retain(|key, value| {
            key != "values" || value.as_array().is_some_and(|values| !values.is_empty())
        });
    }
}
