//! ARM's error bodies.

use serde_json::json;

use crate::arm::route::{Place, Resource, Route};
use crate::wire::{Call, Reply};

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

/// Returns the error for a resource group that does not exist.
pub(crate) fn no_such_group(group: &str) -> Reply {
    let message = format!("Resource group '{group}' could not be found.");
    error(404, "ResourceGroupNotFound", &message)
}

/// Returns the error for a path outside all resource types.
pub(crate) fn no_such_type() -> Reply {
    let message = "The resource type could not be found.";
    error(404, "InvalidResourceType", message)
}

/// Returns the error for a subscription that does not exist.
pub(crate) fn no_such_subscription(id: &str) -> Reply {
    let message = format!("The subscription '{id}' could not be found.");
    error(404, "SubscriptionNotFound", &message)
}

/// Returns the error for an operation that does not exist.
pub(crate) fn no_such_operation(id: &str) -> Reply {
    let message = format!("The operation '{id}' was not found.");
    error(404, "OperationNotFound", &message)
}

/// Returns the error for a role assignment that does not exist.
pub(crate) fn no_such_assignment(name: &str) -> Reply {
    let message = format!("The role assignment '{name}' is not found.");
    error(404, "RoleAssignmentNotFound", &message)
}

/// Returns the error for a role that does not exist.
pub(crate) fn no_such_role(id: &str) -> Reply {
    let message = format!("The specified role definition with ID '{id}' does not exist.");
    error(404, "RoleDefinitionDoesNotExist", &message)
}

/// Returns the error for a path as if its resource did not exist, or the registry of an action or a list.
pub(crate) fn missing(call: &Call) -> Reply {
    let Some(route) = Route::parse(call) else {
        return no_such_type();
    };
    match route.resource {
        Resource::Group(group) | Resource::Registries { group: Some(group) } => {
            no_such_group(&group)
        }
        Resource::Subscription | Resource::Registries { group: None } => {
            no_such_subscription(&route.subscription)
        }
        Resource::RoleAssignment { name, .. } => no_such_assignment(&name),
        Resource::RoleDefinition { name, .. } => no_such_role(&name),
        Resource::RoleAssignments { scope } | Resource::RoleDefinitions { scope } => {
            let registry = Call {
                path: scope,
                ..call.clone()
            };
            missing(&registry)
        }
        Resource::Operation(id) | Resource::GroupDeletion(id) => no_such_operation(&id),
        Resource::CacheRule(place, name) => not_found(&place, &format!("/cacheRules/{name}")),
        Resource::Task(place, name) | Resource::TaskDetails(place, name) => {
            not_found(&place, &format!("/tasks/{name}"))
        }
        Resource::Run(place, id) | Resource::CancelRun(place, id) | Resource::RunLog(place, id) => {
            not_found(&place, &format!("/runs/{id}"))
        }
        Resource::Registry(place)
        | Resource::CacheRules(place)
        | Resource::Tasks(place)
        | Resource::ScheduleRun(place)
        | Resource::Runs(place) => not_found(&place, ""),
    }
}
