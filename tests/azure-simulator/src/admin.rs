//! The admin endpoint `/_simulator/…` on the HTTPS endpoint, for scripts and tests in another process.
//!
//! It is not part of Azure. It has no authentication, no faults and no latency, and the request log omits it.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::arm;
use crate::cli::{CliCreate, Generation};
use crate::fault::Fault;
use crate::registry::RegistrySpec;
use crate::repository::Fate;
use crate::run::RunFailure;
use crate::snapshot;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The path prefix of the admin endpoint.
pub(crate) const PREFIX: &str = "/_simulator/";

/// An image to push.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    repository: String,
    tag: String,
    #[serde(default = "linux")]
    os: String,
    #[serde(default = "clean")]
    fate: Fate,
}

/// A workflow as `az acr supply-chain workflow create` creates it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    #[serde(default = "tasks_contributor")]
    generation: Generation,
    schedule: Option<String>,
    /// The policy document.
    policy: Option<Value>,
}

fn tasks_contributor() -> Generation {
    Generation::TasksContributor
}

fn linux() -> String {
    "linux".to_owned()
}

fn clean() -> Fate {
    Fate::Clean
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = decide(world, call);
    reply
}

fn decide(world: &mut World, call: &Call) -> Answer {
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["state"]) => Ok(ok(&snapshot::state(world))),
        ("GET", ["leftovers"]) => Ok(ok(&snapshot::leftovers(world))),
        ("GET", ["knobs"]) => Ok(ok(&json!(world.knobs))),
        ("POST", ["knobs"]) => turn(world, call),
        ("GET", ["log"]) => {
            let since: u64 = call
                .param("since")
                .and_then(|since| since.parse().ok())
                .unwrap_or(0);
            Ok(ok(&json!(
                world
                    .log
                    .entries
                    .iter()
                    .filter(|entry| entry.seq > since)
                    .collect::<Vec<_>>()
            )))
        }
        ("DELETE", ["log"]) => {
            world.log.entries.clear();
            Ok(done())
        }
        ("POST", ["faults"]) => {
            let text = String::from_utf8_lossy(&call.body);
            let fault: Fault = text.trim().parse().map_err(|why: String| bad(&why))?;
            world.faults.push(fault);
            Ok(done())
        }
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            Ok(done())
        }
        ("POST", ["advance"]) => {
            let seconds = String::from_utf8_lossy(&call.body)
                .trim()
                .parse()
                .map_err(|_| bad("the body must be a number of seconds"))?;
            world.advance(Duration::from_secs(seconds));
            Ok(done())
        }
        ("POST", ["revoke"]) => {
            world.tokens.revoke(|_| true);
            Ok(done())
        }
        ("POST", ["registries"]) => {
            let text = String::from_utf8_lossy(&call.body);
            let spec: RegistrySpec = text.trim().parse().map_err(|why: String| bad(&why))?;
            world.add_registry(spec);
            Ok(done())
        }
        (_, ["arm", ..]) => {
            let path = call.path.replacen("/_simulator/arm", "", 1);
            let host = world.cloud.arm_host();
            arm::behind_the_scenes(
                world,
                &Call {
                    path,
                    host: host.to_owned(),
                    authority: host.to_owned(),
                    ..call.clone()
                },
            )
        }
        (_, ["registries", registry, below @ ..]) => {
            let registry = world
                .registry(registry)
                .map(|found| found.spec.name.clone());
            let registry = registry.ok_or_else(|| bad("registry not found"))?;
            in_registry(world, call, &registry, below)
        }
        _ => Err(Reply::json(
            404,
            &json!({"error": "unknown admin path. See the simulator's README"}),
        )),
    }
}

fn in_registry(world: &mut World, call: &Call, registry: &str, below: &[&str]) -> Answer {
    match (&call.method, below) {
        (&Method::POST, ["images"]) => {
            let Image {
                repository,
                tag,
                os,
                fate,
            } = parsed(call)?;
            world.push_image(registry, &repository, &tag, &os, fate);
        }
        (&Method::POST, ["workflow"]) => {
            let Workflow {
                generation,
                schedule,
                policy,
            } = parsed(call)?;
            let mut create = CliCreate::new(generation);
            if let Some(schedule) = schedule {
                create = create.schedule(&schedule);
            }
            if let Some(policy) = policy {
                create = create.policy(&policy.to_string());
            }
            let created = world.cli_create(registry, &create, None);
            created.map_err(|why| bad(&why.to_string()))?;
        }
        (&Method::DELETE, ["workflow"]) => {
            let deleted = world.cli_delete(registry);
            deleted.map_err(|why| bad(&why.to_string()))?;
        }
        (&Method::PUT, ["policy"]) => {
            world.push_policy(registry, &String::from_utf8_lossy(&call.body))
        }
        (&Method::DELETE, ["policy"]) => world.remove_policy(registry),
        (&Method::DELETE, ["tasks", task]) => {
            if !world.remove_task(registry, task) {
                return Err(bad("task not found"));
            }
        }
        (&Method::POST, ["tasks", task, "timer"]) => {
            let timer = world.fire_timer(registry, task).ok_or_else(|| {
                bad("the task was not found, is disabled, or has no enabled timer")
            })?;
            return Ok(ok(&json!({"run": timer})));
        }
        (&Method::POST, ["runs", "settle"]) => world.settle_runs(registry),
        (&Method::POST, ["runs", "failures"]) => {
            let failure: RunFailure = parsed(call)?;
            if let Some(found) = world.registry_mut(registry) {
                found.run_failures.push(failure);
            }
        }
        (&Method::GET, ["runs"]) => {
            return Ok(ok(&json!(
                world.registry(registry).map(|found| &found.runs)
            )));
        }
        _ => {
            return Err(bad(
                "unknown admin path of a registry. See the simulator's README",
            ));
        }
    }
    Ok(done())
}

/// Sets the knobs in the body. The other knobs keep their values.
fn turn(world: &mut World, call: &Call) -> Answer {
    let changes: serde_json::Map<String, Value> = parsed(call)?;
    let mut knobs = json!(world.knobs);
    for (name, value) in changes {
        knobs[&name] = value;
    }
    world.knobs = serde_json::from_value(knobs).map_err(|error| bad(&error.to_string()))?;
    Ok(ok(&json!(world.knobs)))
}

fn parsed<T: DeserializeOwned>(call: &Call) -> Result<T, Reply> {
    serde_json::from_slice(&call.body).map_err(|error| bad(&error.to_string()))
}

fn ok(body: &Value) -> Reply {
    Reply::json(200, body)
}

fn done() -> Reply {
    Reply::empty(204)
}

fn bad(why: &str) -> Reply {
    Reply::json(400, &json!({"error": why}))
}
