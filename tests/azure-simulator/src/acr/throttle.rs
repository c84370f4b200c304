//! Throttling of a registry's data plane: limits per minute, and the 429 response.

use http::Method;
use serde_json::Value;

use crate::acr::refused;
use crate::acr::route::Route;
use crate::state::World;
use crate::throttle::{Class, Limit};
use crate::wire::{Call, Reply};

/// Returns the class under which the request is counted.
pub(crate) fn class(call: &Call) -> Class {
    match Route::parse(call) {
        Some(Route::Exchange | Route::Token) => Class::SignIns,
        Some(route) if route.changes(&call.method) && call.method == Method::DELETE => {
            Class::Deletes
        }
        Some(route) if route.changes(&call.method) => Class::Writes,
        _ => Class::Reads,
    }
}

/// Counts the request against the registry's limit and against the identity's limit.
pub(crate) fn count(world: &mut World, call: &Call, registry: &str) -> Result<(), Reply> {
    if !world.knobs.throttling {
        return Ok(());
    }
    let class = class(call);
    let Some(found) = world.registry(registry) else {
        return Ok(());
    };
    let limits = Limit::registry(&world.knobs, &found.spec, class);
    let base = format!("{}/{}", class.as_str(), found.login_server());
    let token = world.tokens.find(call.bearer().unwrap_or_default());
    let mut wanted = vec![(base.clone(), limits[0])];
    if let Some(token) = token {
        wanted.push((format!("{base}/{}", token.principal), limits[1]));
    }
    let now = world.now();
    world.buckets.take(&wanted, now).map(drop).map_err(|wait| {
        let message = "too many requests";
        refused(429, "TOOMANYREQUESTS", message, &Value::Null).with("retry-after", wait.to_string())
    })
}
