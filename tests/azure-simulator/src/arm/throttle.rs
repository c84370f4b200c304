//! Throttling of ARM: limits per principal and subscription, and the 429 response.

use http::Method;

use crate::arm::error::error;
use crate::arm::label;
use crate::arm::route::Route;
use crate::state::World;
use crate::throttle::{Class, Limit};
use crate::wire::{Call, Reply};

/// Returns the class under which the request is counted.
pub(crate) fn class(call: &Call) -> Class {
    match call.method {
        Method::DELETE => Class::Deletes,
        _ if label(call).write => Class::Writes,
        _ => Class::Reads,
    }
}

/// Counts the request and returns the number of remaining requests.
pub(crate) fn count(world: &mut World, call: &Call, principal: &str) -> Result<u64, Reply> {
    let class = class(call);
    let limit = Limit::arm(&world.knobs, class);
    if !world.knobs.throttling {
        return Ok(limit.full() - 1);
    }
    let subscription = Route::parse(call).map_or_else(String::new, |route| route.subscription);
    let name = format!("{}/{subscription}/{principal}", class.as_str());
    let now = world.now();
    world.buckets.take(&[(name, limit)], now).map_err(|wait| {
        let kind = class.as_str().trim_end_matches('s');
        let message = format!(
            "Number of '{kind}' requests for subscription '{subscription}' actor '{principal}' exceeded. Please try again \
             after '{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for \
             additional information."
        );
        error(429, "SubscriptionRequestsThrottled", &message)
            .with("x-ms-failure-cause", "gateway")
            .with("retry-after", wait.to_string())
    })
}

/// Returns the name of the header with the number of remaining requests.
pub(crate) fn header(class: Class) -> &'static str {
    match class {
        Class::Deletes => "x-ms-ratelimit-remaining-subscription-deletes",
        Class::Writes => "x-ms-ratelimit-remaining-subscription-writes",
        Class::Reads | Class::SignIns => "x-ms-ratelimit-remaining-subscription-reads",
    }
}
