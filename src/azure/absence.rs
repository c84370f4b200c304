//! Decides whether an answer proves that something doesn't exist.
//!
//! One 404 proves nothing. Resource Manager's replicas answer 404 for a while, and so do proxies and
//! gateways. A thing is gone only if all of this is true:
//!
//! 1. The service that owns it says so with its own error code.
//! 2. A second look after a pause agrees. [`Azure`](crate::azure::Azure) and
//!    [`AcrClient`](crate::azure::acr::AcrClient) take it for every request, so that a passing 404 never
//!    reaches the engine.
//! 3. No other answer of the same look contradicts it. The engine's `observe` checks that.

use std::time::Duration;

use http::StatusCode;

use crate::azure::error_body::described;
use crate::azure::operation::Plane;
use crate::azure::{Error, Operation};
use crate::http::{Budget, Response};

/// The pause before a second look. Resource Manager's replicas usually agree within seconds. A registry has
/// no replicas that lag, so only a proxy's passing answer counts there.
fn pause(plane: Plane) -> Duration {
    match plane {
        Plane::ResourceManager => Duration::from_secs(3),
        _ => Duration::from_secs(1),
    }
}

/// The codes with which a service says that a resource, or one of its parents, doesn't exist. They come from
/// Resource Manager, from registries (OCI distribution specification) and from Azure Storage.
const OWN_CODES: [&str; 8] = [
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "ParentResourceNotFound",
    "RoleAssignmentNotFound",
    "NAME_UNKNOWN",
    "MANIFEST_UNKNOWN",
    "BLOB_UNKNOWN",
    "BlobNotFound",
];

/// How often a 404 is checked before the caller gets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// The service's own first answer counts. For callers that look again anyway, or that do no harm if the
    /// answer is wrong.
    Once,
    /// A 404 counts only if a second look after a pause agrees.
    #[default]
    Twice,
}

/// Whether this code of a service says that something doesn't exist.
pub(crate) fn is_own_code(code: &str) -> bool {
    OWN_CODES.contains(&code)
}

/// Whether this answer says that something doesn't exist.
pub(crate) fn is_gone(answer: &Response) -> bool {
    answer.status == StatusCode::NOT_FOUND && is_own_code(&described(&answer.body).0)
}

/// If the first answer is a 404, pauses and returns true: a second look is due.
///
/// # Errors
/// The budget is spent before the second look.
pub(crate) async fn is_second_look_due(
    budget: &Budget,
    operation: &Operation,
    first: &Response,
) -> Result<bool, Error> {
    if first.status != StatusCode::NOT_FOUND {
        return Ok(false);
    }
    tracing::debug!(%operation, "looking again, because the answer was 404");
    match budget.sleep(pause(operation.kind.plane())).await {
        Ok(()) => Ok(true),
        Err(why) => Err(Error::Stopped {
            operation: operation.clone(),
            why,
            last: Some(Box::new(Error::refused(operation, first))),
        }),
    }
}

/// Returns the second answer, with what the first left unknown.
pub(crate) fn second_answer(
    operation: &Operation,
    first: &Response,
    second: Result<Response, Error>,
) -> Result<Response, Error> {
    let mut second = second.map_err(|error| error.after(operation, first))?;
    second.outcome_unknown |= first.outcome_unknown;
    Ok(second)
}
