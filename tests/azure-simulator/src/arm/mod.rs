//! Azure Resource Manager: the checks for every request, then dispatch to the resource type's module.

mod auth;
mod cache_rule;
mod error;
mod filter;
mod operation;
mod registry;
mod registry_body;
mod resource_group;
mod role_assignment;
mod role_definition;
mod route;
mod run;
mod task;
mod task_body;
mod task_merge;
mod task_view;
mod throttle;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::arm::error::error;
pub(crate) use crate::arm::operation::Operations;
use crate::arm::route::{Resource, Route};
use crate::dispatch::{Label, is_loopback};
use crate::knobs::IdCase;
use crate::options::SUBSCRIPTION;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

pub(crate) use crate::arm::auth::auxiliary_tokens;
pub(crate) use crate::arm::throttle::class;

/// The path of the cloud's metadata endpoints. It needs no authentication.
pub(crate) const METADATA: &str = "/metadata/endpoints";

/// Returns whether a path on the loopback endpoint belongs to ARM.
pub(crate) fn is_path(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.starts_with("/subscriptions") || path.starts_with("/providers") || path == METADATA
}

/// Returns the request's name in the log.
pub(crate) fn label(call: &Call) -> Label {
    if call.path == METADATA {
        return Label::look("metadata/read");
    }
    Route::parse(call).map_or_else(
        || Label::look("arm/unknown"),
        |route| Label {
            operation: route.operation(&call.method),
            write: route.changes(&call.method),
        },
    )
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    if call.path == METADATA {
        return metadata(world, call);
    }
    let mut remaining = None;
    let answer = auth::authenticate(world, call).and_then(|principal| {
        remaining = Some(0);
        remaining = Some(throttle::count(world, call, &principal)?);
        answer_to(world, call, &principal)
    });
    let (Ok(reply) | Err(reply)) = answer;
    let reply = match remaining {
        Some(number) => reply.with(throttle::header(class(call)), number.to_string()),
        None => reply,
    };
    dress(world, call, reply)
}

/// Returns the 404 for a path whose resource does not exist.
pub(crate) fn missing(world: &World, call: &Call) -> Reply {
    dress(world, call, error::missing(call))
}

/// `GET /metadata/endpoints`: api-version 2019-05-01 returns a list, 2022-09-01 a single object.
pub(crate) fn metadata(world: &World, call: &Call) -> Reply {
    let base = is_loopback(&call.host).then(|| format!("https://{}", call.authority));
    let body = world.cloud.metadata(base.as_deref());
    match call.param("api-version").as_deref() {
        _ if call.method != http::Method::GET => error::no_such_method("metadata"),
        Some("2022-09-01") => Reply::json(200, &body),
        Some("2019-05-01") => Reply::json(200, &Value::Array(vec![body])),
        _ => error(
            400,
            "InvalidApiVersionParameter",
            "The api-version is invalid. The supported versions are '2019-05-01,2022-09-01'.",
        ),
    }
}

/// Answers a request from outside the test, such as from the portal or the CLI.
///
/// It needs no token and is not logged.
pub(crate) fn behind_the_scenes(world: &mut World, call: &Call) -> Answer {
    let principal = world.applications[0].principal.clone();
    answer_to(world, call, &principal)
}

fn answer_to(world: &mut World, call: &Call, principal: &str) -> Answer {
    let route = &Route::parse(call).ok_or_else(error::no_such_type)?;
    check_version(call, route)?;
    check_subscription(world, route)?;
    check_right(world, call, route, principal)?;
    match &route.resource {
        Resource::Subscription => resource_group::subscription(call, &route.subscription),
        Resource::Group(name) => resource_group::answer(world, call, &route.subscription, name),
        Resource::GroupDeletion(id) => resource_group::deletion(world, call, id),
        Resource::Registries { group } => {
            registry::list(world, call, &route.subscription, group.as_deref())
        }
        Resource::Registry(place) => registry::answer(world, call, place),
        Resource::CacheRules(place) => cache_rule::list(world, call, place),
        Resource::CacheRule(place, name) => cache_rule::answer(world, call, place, name),
        Resource::Tasks(place) => task_view::list(world, call, place),
        Resource::Task(place, name) => task::answer(world, call, place, name),
        Resource::TaskDetails(place, name) => task_view::details(world, call, place, name),
        Resource::ScheduleRun(place) => run::schedule(world, call, place),
        Resource::Runs(place) => run::list(world, call, place),
        Resource::Run(place, id) => run::answer(world, call, place, id),
        Resource::CancelRun(place, id) => run::cancel(world, call, place, id),
        Resource::RunLog(place, id) => run::log_link(world, call, place, id),
        Resource::Operation(id) => operation::status(world, call, id),
        Resource::RoleAssignments { scope } => role_assignment::list(world, call, scope),
        Resource::RoleAssignment { scope, name } => {
            role_assignment::answer(world, call, scope, name, principal)
        }
        Resource::RoleDefinitions { scope } => role_definition::list(world, call, scope),
        Resource::RoleDefinition { scope, name } => role_definition::answer(call, scope, name),
    }
}

fn check_version(call: &Call, route: &Route) -> Result<(), Reply> {
    let Some(version) = call
        .param("api-version")
        .filter(|version| !version.is_empty())
    else {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(error(400, "MissingApiVersionParameter", message));
    };
    let known = route.versions();
    if known
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&version))
    {
        return Ok(());
    }
    let message = format!(
        "No registered resource provider found for location 'westeurope' and API version '{version}' for type '{}'. The supported \
         api-versions are '{}'. The supported locations are 'westeurope, westus, eastus'.",
        route.kind(),
        known.join(", ")
    );
    Err(error(400, "NoRegisteredProviderFound", &message))
}

fn check_subscription(world: &World, route: &Route) -> Result<(), Reply> {
    let id = &route.subscription;
    let has =
        |registry: &crate::registry::Registry| registry.spec.subscription.eq_ignore_ascii_case(id);
    if id.eq_ignore_ascii_case(SUBSCRIPTION) || world.registries.values().any(has) {
        return Ok(());
    }
    Err(error::no_such_subscription(id))
}

fn check_right(world: &World, call: &Call, route: &Route, principal: &str) -> Result<(), Reply> {
    let (action, scope) = (route.action(&call.method), route.scope());
    if world.may(principal, &action, &scope, world.now()) {
        return Ok(());
    }
    let target = call.decoded_path();
    let message = format!(
        "The client '{principal}' with object id '{principal}' does not have authorization to perform action '{action}' over scope \
         '{target}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    );
    Err(error(403, "AuthorizationFailed", &message))
}

/// Adds the headers that ARM sends with every response.
fn dress(world: &World, call: &Call, reply: Reply) -> Reply {
    let request_id = Uuid::new_v4().to_string();
    let correlation = call
        .header("x-ms-correlation-request-id")
        .unwrap_or(&request_id)
        .to_owned();
    let time = world.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    reply
        .with("x-ms-request-id", request_id.clone())
        .with("x-ms-correlation-request-id", correlation)
        .with(
            "x-ms-routing-request-id",
            format!("WESTEUROPE:{time}:{request_id}"),
        )
        .with("cache-control", "no-cache")
}

/// Formats a time as ARM does, with seven fractional digits.
fn stamp(time: Timestamp) -> String {
    format!("{}+00:00", time.strftime("%Y-%m-%dT%H:%M:%S%.7f"))
}

/// Returns a resource ID in the letter case that the knob selects.
fn cased(world: &World, id: &str) -> String {
    let group = |turn: fn(&str) -> String, label: &str| {
        let segments: Vec<&str> = id.split('/').collect();
        let at = segments
            .iter()
            .position(|segment| segment.eq_ignore_ascii_case("resourceGroups"));
        let turned = segments
            .iter()
            .enumerate()
            .map(|(index, segment)| match at {
                Some(at) if index == at => label.to_owned(),
                Some(at) if index == at + 1 => turn(segment),
                _ => (*segment).to_owned(),
            });
        turned.collect::<Vec<_>>().join("/")
    };
    match world.knobs.id_case {
        IdCase::AsStored => id.to_owned(),
        IdCase::LowerGroup => group(str::to_lowercase, "resourcegroups"),
        IdCase::UpperGroup => group(str::to_uppercase, "resourceGroups"),
        IdCase::Lower => id.to_lowercase(),
    }
}

/// Returns whether this is the last page of a list. Only then does the list count as one read.
fn is_last_page(answer: &Answer) -> bool {
    let Ok(reply) = answer else {
        return false;
    };
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body.get("nextLink").is_none()
}

/// Returns one page of an ARM list, with the link to the next page.
fn page(world: &World, call: &Call, rows: Vec<Value>) -> Answer {
    let start: usize = call
        .param("$skiptoken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let size = call
        .param("$top")
        .and_then(|top| top.parse().ok())
        .unwrap_or(world.knobs.page_size)
        .min(world.knobs.page_size)
        .max(1);
    let more = rows.len() > start + size;
    let rows: Vec<Value> = rows.into_iter().skip(start).take(size).collect();
    let mut body = serde_json::json!({"value": rows});
    if more {
        let kept = url::form_urlencoded::parse(call.query.as_bytes())
            .filter(|(key, _)| key != "$skiptoken");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("$skiptoken", &(start + size).to_string())
            .finish();
        body["nextLink"] = Value::from(format!("https://{}{}?{query}", call.authority, call.path));
    }
    Ok(Reply::json(200, &body))
}
