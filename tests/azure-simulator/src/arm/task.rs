//! Tasks: create, update, merge and delete, as the service does. The reads are in `task_view`.

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{error, no_such_method};
use crate::arm::registry::find;
use crate::arm::route::Place;
use crate::arm::task_body::{Body, check, check_members, check_name, typed};
use crate::arm::task_merge::merge;
use crate::arm::task_view::{self, missing, reap, shown};
use crate::echo::key;
use crate::options::TENANT;
use crate::state::World;
use crate::task::{Identity, Progress, Task, TaskProperties};
use crate::wire::{Answer, Call, Reply};

/// The fields of a PATCH. It has no `location`, because a task cannot move.
const PATCHABLE: [&str; 3] = ["identity", "properties", "tags"];
const PUTTABLE: [&str; 4] = ["identity", "location", "properties", "tags"];

pub(crate) fn answer(world: &mut World, call: &Call, place: &Place, name: &str) -> Answer {
    find(world, place)?;
    match call.method {
        Method::GET => task_view::get(world, place, name),
        Method::PUT => put(world, call, place, name),
        Method::PATCH => patch(world, call, place, name),
        Method::DELETE => delete(world, call, place, name),
        _ => Err(no_such_method("registries/tasks")),
    }
}

fn put(world: &mut World, call: &Call, place: &Place, name: &str) -> Answer {
    check_name(name)?;
    let body = Body::read(&call.body, &PUTTABLE)?;
    let properties: TaskProperties =
        typed(Value::Object(body.properties.clone()), "TaskProperties")?;
    check_members(&body.properties, &version(call))?;
    check(&properties)?;
    reap(world, place, name);
    let registry = find(world, place)?;
    if registry.spec.sku.eq_ignore_ascii_case("Classic") {
        let message = "The registry's SKU Classic does not support the resource type 'tasks'.";
        return Err(error(400, "UnsupportedSku", message));
    }
    let before = registry.tasks.get(&name.to_lowercase()).cloned();
    if before
        .as_ref()
        .is_some_and(|task| task.progress.ends_as == "Deleted")
    {
        return Err(error(
            409,
            "Conflict",
            &format!("The task '{name}' is being deleted."),
        ));
    }
    let location = body.location.clone().ok_or_else(|| {
        error(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        )
    })?;
    let existing = before
        .as_ref()
        .map_or(&registry.spec.location, |task| &task.location);
    if !same_region(&location, existing) {
        let message = format!(
            "The resource '{name}' already exists in location '{existing}' in resource group '{}'. A resource with the same name \
             cannot be created in location '{location}'. Please select a new resource name.",
            place.group
        );
        return Err(error(409, "InvalidResourceLocation", &message));
    }
    let kept = before.as_ref().and_then(|task| task.identity.clone());
    let now = world.now();
    let task = Task {
        name: before
            .as_ref()
            .map_or_else(|| name.to_owned(), |task| task.name.clone()),
        location: existing_location(world, place, before.as_ref())?,
        tags: typed(body.tags.clone().unwrap_or_else(|| json!({})), "Tags")?,
        identity: identity(world, name, body.wants_identity()?, kept),
        properties: with_defaults(properties),
        created: before.as_ref().map_or(now, |task| task.created),
        modified: now,
        progress: progress(world, before.is_none()),
    };
    store(
        world,
        call,
        place,
        task,
        if before.is_none() { 201 } else { 200 },
    )
}

fn patch(world: &mut World, call: &Call, place: &Place, name: &str) -> Answer {
    let registry = find(world, place)?;
    let mut task = registry
        .tasks
        .get(&name.to_lowercase())
        .cloned()
        .ok_or_else(|| missing(place, name))?;
    let body = Body::read(&call.body, &PATCHABLE)?;
    let mut merged = serde_json::to_value(&task.properties).unwrap_or_default();
    if let Value::Object(merged) = &mut merged {
        merge(merged, body.properties.clone());
    }
    let properties: TaskProperties = typed(merged, "TaskPropertiesUpdateParameters")?;
    check_members(&body.properties, &version(call))?;
    check(&properties)?;
    task.properties = with_defaults(properties);
    if let Some(tags) = body.tags.clone() {
        task.tags = typed(tags, "Tags")?;
    }
    if body.identity.is_some() {
        task.identity = identity(world, name, body.wants_identity()?, task.identity);
    }
    task.modified = world.now();
    task.progress = progress(world, false);
    store(world, call, place, task, 200)
}

fn delete(world: &mut World, call: &Call, place: &Place, name: &str) -> Answer {
    let looks = world.knobs.deletion_looks;
    let key = name.to_lowercase();
    let registry = find(world, place)?;
    let (registry_name, location) = (registry.spec.name.clone(), registry.spec.location.clone());
    if !registry.tasks.contains_key(&key) {
        return Ok(Reply::empty(204));
    }
    if looks == 0 {
        world.remove_task(&registry_name, name);
        return Ok(Reply::empty(200));
    }
    if let Some(task) = world
        .registry_mut(&registry_name)
        .and_then(|registry| registry.tasks.get_mut(&key))
    {
        task.progress = Progress {
            under_way: "Deleting",
            ends_as: "Deleted",
            looks_left: looks,
        };
    }
    let address = world
        .operations
        .start(call, place, &location, looks, "Succeeded");
    Ok(Reply::empty(202)
        .with("location", address.clone())
        .with("azure-asyncoperation", address)
        .with("retry-after", "1"))
}

impl World {
    /// Deletes a task with its identity, as the portal does. The role assignments remain.
    pub(crate) fn remove_task(&mut self, registry: &str, name: &str) -> bool {
        let name = name.to_lowercase();
        let stored = self.registry_mut(registry);
        if let Some(task) = stored.and_then(|found| found.tasks.get_mut(&name))
            && task.progress.ends_as == "Deleted"
        {
            // Late reads show the task as `Deleting`, not in the state that it never shows.
            task.progress.looks_left = 1;
        }
        self.echo_task(registry, &name);
        let removed = self
            .registry_mut(registry)
            .and_then(|registry| registry.tasks.remove(&name));
        let key = key(registry, &name);
        self.echoes.tasks.end(&key);
        if let Some(removed) = &removed {
            let looks = self.knobs.task_deletion_looks;
            let before = || Some(removed.clone());
            self.echoes.tasks.keep(&key, before(), looks);
            self.echoes.task_lists.keep(&key, before(), looks);
        }
        if let Some(principal) = removed.as_ref().and_then(Task::principal_id) {
            self.principals.retain(|known| known.id != principal);
        }
        removed.is_some()
    }
}

/// Stores a task and returns the response of the write, with `Creating` or `Updating`.
fn store(world: &mut World, call: &Call, place: &Place, task: Task, status: u16) -> Answer {
    let (key, location) = (task.name.to_lowercase(), task.location.clone());
    let (looks, ends_as) = (world.knobs.provisioning_looks, task.progress.ends_as);
    let registry_name = find(world, place)?.spec.name.clone();
    world.echo_task(&registry_name, &key);
    if let Some(registry) = world.registry_mut(&registry_name) {
        registry.tasks.insert(key.clone(), task);
    }
    let registry = find(world, place)?;
    let mut body = registry
        .tasks
        .get(&key)
        .map(|task| shown(world, registry, task))
        .unwrap_or_default();
    body["properties"]["provisioningState"] = Value::from(if status == 201 {
        "Creating"
    } else {
        "Updating"
    });
    let reply = Reply::json(status, &body);
    if !world.knobs.async_operations {
        return Ok(reply);
    }
    let address = world
        .operations
        .start(call, place, &location, looks, ends_as);
    Ok(reply
        .with("azure-asyncoperation", address)
        .with("retry-after", "1"))
}

/// Returns the task's identity after a write: kept, created, or removed together with its principal.
fn identity(
    world: &mut World,
    task: &str,
    wanted: bool,
    kept: Option<Identity>,
) -> Option<Identity> {
    match (wanted, kept) {
        (true, Some(kept)) => Some(kept),
        (true, None) => {
            let now = world.now();
            let principal_id = world.add_principal(now);
            let looks = world.knobs.identity_delay(task);
            world.echoes.identities.keep(&principal_id, None, looks);
            Some(Identity {
                principal_id,
                tenant_id: TENANT.to_owned(),
            })
        }
        (false, kept) => {
            world.principals.retain(|known| {
                kept.as_ref()
                    .is_none_or(|kept| kept.principal_id != known.id)
            });
            None
        }
    }
}

/// Sets the service's defaults.
fn with_defaults(mut properties: TaskProperties) -> TaskProperties {
    properties.timeout = properties.timeout.or(Some(3600));
    properties.is_system_task = properties.is_system_task.or(Some(false));
    let Some(trigger) = &mut properties.trigger else {
        return properties;
    };
    let enabled = |status: &mut Option<String>| {
        status.get_or_insert_with(|| "Enabled".to_owned());
    };
    for timer in &mut trigger.timer_triggers {
        enabled(&mut timer.status);
    }
    for source in &mut trigger.source_triggers {
        enabled(&mut source.status);
    }
    if let Some(image) = &mut trigger.base_image_trigger {
        enabled(&mut image.status);
        image
            .update_trigger_payload_type
            .get_or_insert_with(|| "Default".to_owned());
    }
    properties
}

fn progress(world: &World, created: bool) -> Progress {
    let (under_way, ends_as) = (
        if created { "Creating" } else { "Updating" },
        if world.knobs.provisioning_fails {
            "Failed"
        } else {
            "Succeeded"
        },
    );
    Progress {
        under_way,
        ends_as,
        looks_left: world.knobs.provisioning_looks,
    }
}

fn existing_location(world: &World, place: &Place, before: Option<&Task>) -> Result<String, Reply> {
    let registry = find(world, place)?;
    Ok(before.map_or_else(
        || registry.spec.location.clone(),
        |task| task.location.clone(),
    ))
}

/// Compares regions: `West Europe` equals `westeurope`.
fn same_region(left: &str, right: &str) -> bool {
    let plain = |name: &str| name.replace(' ', "").to_lowercase();
    plain(left) == plain(right)
}

fn version(call: &Call) -> String {
    call.param("api-version")
        .unwrap_or_default()
        .to_ascii_lowercase()
}
