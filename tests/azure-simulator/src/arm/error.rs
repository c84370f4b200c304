//! ARM's error bodies.

use serde_json::json;

use crate::arm::route::Place;
use crate::wire::Reply;

/// An error as ARM writes it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}

/// A body that can't be what the resource type takes; `what` names the offending part.
pub(crate) fn invalid_content(what: &str) -> Reply {
    let message =
        format!("The request content was invalid and could not be deserialized: '{what}'.");
    error(400, "InvalidRequestContent", &message)
}

/// A field whose value the service refuses.
pub(crate) fn invalid_value(path: &str, why: &str) -> Reply {
    error(
        400,
        "InvalidRequestParameter",
        &format!("The value of '{path}' is not valid: {why}."),
    )
}

/// The resource type doesn't know the method.
pub(crate) fn no_such_method(kind: &str) -> Reply {
    let message = format!("The requested resource '{kind}' does not support this http method.");
    error(405, "MethodNotAllowed", &message)
}

/// A resource that isn't there; `below` is the path under the registry, such as `/tasks/x`, or empty.
pub(crate) fn not_found(place: &Place, below: &str) -> Reply {
    let message = format!(
        "The Resource 'Microsoft.ContainerRegistry/registries/{}{below}' under resource group '{}' was not found. For more details \
         please go to https://aka.ms/ARMResourceNotFoundFix",
        place.name, place.group
    );
    error(404, "ResourceNotFound", &message).with("x-ms-failure-cause", "gateway")
}
