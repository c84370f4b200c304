//! ARM's error bodies.

use serde_json::json;

use crate::arm::route::Place;
use crate::wire::Reply;

/// Returns an error in ARM's format.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}

/// Returns the error for a body that the resource type does not accept; `what` names the invalid part.
pub(crate) fn invalid_content(what: &str) -> Reply {
    let message =
        format!("The request content was invalid and could not be deserialized: '{what}'.");
    error(400, "InvalidRequestContent", &message)
}

/// Returns the error for an invalid value of a field.
pub(crate) fn invalid_value(path: &str, why: &str) -> Reply {
    error(
        400,
        "InvalidRequestParameter",
        &format!("The value of '{path}' is not valid: {why}."),
    )
}

/// Returns the error for a method that the resource type does not support.
pub(crate) fn no_such_method(kind: &str) -> Reply {
    let message = format!("The requested resource '{kind}' does not support this http method.");
    error(405, "MethodNotAllowed", &message)
}

/// Returns the error for a missing resource.
///
/// `below` is the path under the registry, such as `/tasks/x`, or empty.
pub(crate) fn not_found(place: &Place, below: &str) -> Reply {
    let message = format!(
        "The Resource 'Microsoft.ContainerRegistry/registries/{}{below}' under resource group '{}' was not found. For more details \
         please go to https://aka.ms/ARMResourceNotFoundFix",
        place.name, place.group
    );
    error(404, "ResourceNotFound", &message).with("x-ms-failure-cause", "gateway")
}
