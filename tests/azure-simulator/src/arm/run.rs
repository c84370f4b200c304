//! Runs: queue, list, cancel, and the signed links to their logs.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arm::error::{error, invalid_content, no_such_method, not_found};
use crate::arm::filter::Filter;
use crate::arm::registry::find;
use crate::arm::route::Place;
use crate::arm::task_body::typed;
use crate::arm::{cased, page, stamp};
use crate::registry::Registry;
use crate::run::Run;
use crate::state::World;
use crate::storage::Target;
use crate::task::SetValue;
use crate::wire::{Answer, Call, Reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    r#type: String,
    task_id: Option<String>,
    #[serde(default)]
    override_task_step_properties: Option<Override>,
    #[serde(default, rename = "isArchiveEnabled")]
    _is_archive_enabled: Option<bool>,
    #[serde(default, rename = "agentPoolName")]
    _agent_pool_name: Option<String>,
    #[serde(default, rename = "logTemplate")]
    _log_template: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Override {
    #[serde(default)]
    values: Vec<SetValue>,
    #[serde(default, rename = "contextPath")]
    _context_path: Option<String>,
    #[serde(default, rename = "arguments")]
    _arguments: Vec<Value>,
}

pub(crate) fn schedule(world: &mut World, call: &Call, place: &Place) -> Answer {
    if call.method != Method::POST {
        return Err(no_such_method("registries/scheduleRun"));
    }
    let registry = find(world, place)?;
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|error| invalid_content(&error.to_string()))?;
    let body: Body = typed(body, "RunRequest")?;
    if body.r#type != "TaskRunRequest" {
        return Err(invalid_content(&format!(
            "the simulator does not support run requests of type '{}'",
            body.r#type
        )));
    }
    let task_id = body
        .task_id
        .ok_or_else(|| invalid_content("'taskId' is required"))?;
    let prefix = format!("{}/tasks/", registry.id()).to_lowercase();
    let name = task_id
        .to_lowercase()
        .strip_prefix(&prefix)
        .map(str::to_owned);
    let task = name.as_ref().and_then(|name| registry.tasks.get(name));
    let Some(task) = task else {
        let below = task_id.rsplit('/').next().unwrap_or_default();
        return Err(not_found(place, &format!("/tasks/{below}")));
    };
    if !task.enabled() {
        return Err(error(
            400,
            "TaskDisabled",
            &format!("The task '{}' is disabled.", task.name),
        ));
    }
    let (registry, task) = (registry.spec.name.clone(), task.name.clone());
    let values = body
        .override_task_step_properties
        .unwrap_or_default()
        .values;
    let values: BTreeMap<String, String> = values
        .into_iter()
        .map(|set| (set.name, set.value))
        .collect();
    let id = world.queue_run(&registry, &task, values, None);
    shown_as(world, place, &id, 200)
}

pub(crate) fn list(world: &mut World, call: &Call, place: &Place) -> Answer {
    find(world, place)?;
    if call.param("$skiptoken").is_none() {
        // All pages of a list count as one read, so only the first page advances the runs.
        world.look_at_runs(&place.name);
    }
    let filter = call.param("$filter").filter(|text| !text.trim().is_empty());
    let filter = filter
        .map(|text| Filter::parse(&text))
        .transpose()
        .map_err(|why| {
            error(
                400,
                "InvalidFilter",
                &format!("The filter is not valid: {why}."),
            )
        })?;
    let registry = find(world, place)?;
    let newest_first = registry
        .runs
        .iter()
        .rev()
        .filter(|run| filter.as_ref().is_none_or(|filter| filter.fits(&flat(run))));
    page(
        world,
        call,
        newest_first
            .map(|run| shown(world, registry, run))
            .collect(),
    )
}

pub(crate) fn answer(world: &mut World, call: &Call, place: &Place, id: &str) -> Answer {
    find(world, place)?;
    if call.method != Method::GET {
        return Err(no_such_method("registries/runs"));
    }
    world.look_at_runs(&place.name);
    shown_as(world, place, id, 200)
}

pub(crate) fn cancel(world: &mut World, call: &Call, place: &Place, id: &str) -> Answer {
    if call.method != Method::POST {
        return Err(no_such_method("registries/runs/cancel"));
    }
    find_run(world, place, id)?;
    let (now, looks) = (world.now(), world.knobs.cancellation_looks);
    let registry = world.registry_mut(&place.name);
    let run = registry.and_then(|registry| {
        registry
            .runs
            .iter_mut()
            .find(|run| run.id.eq_ignore_ascii_case(id))
    });
    match run {
        Some(run) if run.status.is_active() => {
            run.cancel(looks, now);
            Ok(Reply::empty(200))
        }
        _ => Err(error(
            409,
            "RunCompleted",
            &format!("The run '{id}' has already ended and can't be cancelled."),
        )),
    }
}

pub(crate) fn log_link(world: &mut World, call: &Call, place: &Place, id: &str) -> Answer {
    if call.method != Method::POST {
        return Err(no_such_method("registries/runs/listLogSasUrl"));
    }
    let run = find_run(world, place, id)?.id.clone();
    let link = world.links.sign(Target::Log {
        registry: place.name.clone(),
        run,
    });
    Ok(Reply::json(
        200,
        &json!({"logLink": link, "logArtifactLink": null}),
    ))
}

fn find_run<'world>(world: &'world World, place: &Place, id: &str) -> Result<&'world Run, Reply> {
    let registry = find(world, place)?;
    let run = registry
        .runs
        .iter()
        .find(|run| run.id.eq_ignore_ascii_case(id));
    run.ok_or_else(|| not_found(place, &format!("/runs/{id}")))
}

fn shown_as(world: &World, place: &Place, id: &str, status: u16) -> Answer {
    let run = find_run(world, place, id)?;
    Ok(Reply::json(status, &shown(world, find(world, place)?, run)))
}

/// Returns the fields that a filter can compare.
fn flat(run: &Run) -> Value {
    json!({
        "runId": run.id,
        "runType": kind(run),
        "status": run.status.as_str(),
        "createTime": stamp(run.created),
        "finishTime": run.finished.map(stamp),
        "isArchiveEnabled": false,
        "taskName": run.task,
    })
}

fn kind(run: &Run) -> &'static str {
    if run.timer.is_some() {
        "AutoRun"
    } else {
        "QuickRun"
    }
}

fn shown(world: &World, registry: &Registry, run: &Run) -> Value {
    let mut properties = json!({
        "runId": run.id,
        "status": run.status.as_str(),
        "lastUpdatedTime": stamp(run.finished.or(run.started).unwrap_or(run.created)),
        "runType": kind(run),
        "createTime": stamp(run.created),
        "task": run.task,
        "platform": {"os": "linux", "architecture": "amd64"},
        "agentConfiguration": {"cpu": 2},
        "provisioningState": "Succeeded",
        "isArchiveEnabled": false,
    });
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            properties[key] = value;
        }
    };
    put("startTime", run.started.map(|time| stamp(time).into()));
    put("finishTime", run.finished.map(|time| stamp(time).into()));
    put("runErrorMessage", run.error.clone().map(Value::from));
    let timer = run.timer.as_ref();
    put(
        "timerTrigger",
        timer.map(
            |name| json!({"timerTriggerName": name, "scheduleOccurrence": stamp(run.created)}),
        ),
    );
    json!({
        "type": "Microsoft.ContainerRegistry/registries/runs",
        "properties": properties,
        "id": cased(world, &format!("{}/runs/{}", registry.id(), run.id)),
        "name": run.id,
    })
}
