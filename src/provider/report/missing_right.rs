//! The advice after a 401 or 403: which permission is missing, and which role grants it.

use http::StatusCode;

use crate::azure::acr::Right;
use crate::azure::error::Refusal;
use crate::azure::operation::{OperationKind, Plane};
use crate::provider::report::advice::Advice;

const READER: &str = "Reader";
const TASKS_CONTRIBUTOR: &str = "Container Registry Tasks Contributor";
const ACCESS_ADMINISTRATOR: &str = "Role Based Access Control Administrator";

const PROPAGATION: &str = "A new role assignment can take up to ten minutes to take effect.";

/// Returns the advice after a 401 or 403, or [`None`] if the answer is not about a permission.
pub(super) fn advice(refusal: &Refusal) -> Option<Advice> {
    if is_firewall(refusal) {
        return Some(Advice::complete(
            "The registry's network rules deny access from this machine. Add its IP address to the rules, \
             or run Terraform from a network with access, such as one with a private endpoint.",
        ));
    }
    match refusal.operation.kind.plane() {
        Plane::ResourceManager => in_resource_manager(refusal),
        Plane::Storage => Some(Advice::complete(
            "Blob storage checks the signed link that Azure issued, and no roles. Run Terraform again to \
             get a new link. If the error persists, check that no proxy changes requests to blob storage.",
        )),
        plane => in_registry(plane, &refusal.operation.id).map(Advice::complete),
    }
}

fn in_resource_manager(refusal: &Refusal) -> Option<Advice> {
    if let Some(missing) = MissingRight::of(&refusal.message) {
        return Some(Advice::complete(missing.advice()));
    }
    if refusal.status == StatusCode::UNAUTHORIZED {
        return Some(Advice::about_message(
            "Check the signed-in identity (the provider block and the ARM_* environment variables), and \
             that the registry's subscription belongs to its tenant.",
        ));
    }
    match refusal.code.as_str() {
        "AuthorizationFailed" => {
            let role = role_for(refusal.operation.kind);
            Some(Advice::complete(format!(
                "Assign the role {role} to the identity that runs Terraform. Azure names no permission, but \
                 this role allows the operation."
            )))
        }
        // The permission is one on another resource than that of the operation.
        "LinkedAuthorizationFailed" => Some(Advice::about_message(
            "Assign a role with the permission that Azure names to the identity that runs Terraform.",
        )),
        // Any other 403 is not about a role. A proxy, for example, gives no code.
        _ => None,
    }
}

/// The built-in role with the fewest permissions that allows an operation of Resource Manager.
fn role_for(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::CreateRoleAssignment | OperationKind::DeleteRoleAssignment => {
            ACCESS_ADMINISTRATOR
        }
        OperationKind::CreateTask
        | OperationKind::UpdateTask
        | OperationKind::DeleteTask
        | OperationKind::QueueRun
        | OperationKind::CancelRun
        // The link to a log is a credential, which no reader gets.
        | OperationKind::ReadRunLog => TASKS_CONTRIBUTOR,
        _ => READER,
    }
}

/// What Resource Manager's `AuthorizationFailed` message names. The message is the same for every service:
/// `The client '…' with object id '…' does not have authorization to perform action '…' over scope '…' or
/// the scope is invalid.`
struct MissingRight<'a> {
    action: &'a str,
    scope: &'a str,
    object_id: Option<&'a str>,
    condition: Condition,
}

/// Whether a condition of the identity's own role assignment denies the action.
enum Condition {
    /// The message names no condition.
    None,
    /// The message names a missing role or a condition: `does not have authorization or an ABAC condition
    /// not fulfilled`.
    Possible,
    /// A role allows the action: `has an authorization with ABAC condition that is not fulfilled`.
    Unfulfilled,
}

impl Condition {
    fn of(message: &str) -> Self {
        if message.contains("has an authorization with ABAC condition") {
            Self::Unfulfilled
        } else if message.contains("ABAC condition") {
            Self::Possible
        } else {
            Self::None
        }
    }
}

impl<'a> MissingRight<'a> {
    fn of(message: &'a str) -> Option<Self> {
        Some(Self {
            action: quoted(message, "perform action '")?,
            scope: registry_of(quoted(message, "over scope '")?),
            object_id: quoted(message, "object id '"),
            condition: Condition::of(message),
        })
    }

    fn advice(&self) -> String {
        let action = self.action;
        match self.condition {
            Condition::None => self.assign(),
            Condition::Unfulfilled => format!(
                "A role of the identity that runs Terraform allows {action}, but the condition of its \
                 role assignment does not. {}",
                self.change_condition()
            ),
            Condition::Possible => format!(
                "If a role of the identity that runs Terraform allows {action}, the condition of its role \
                 assignment does not. {}\n\nIf no role allows it, a role is missing. {}",
                self.change_condition(),
                self.assign()
            ),
        }
    }

    fn change_condition(&self) -> String {
        if self.is_about_role_assignments() {
            "Change the condition so that the identity can assign the roles AcrPull, AcrPush and Container \
             Registry Tasks Contributor to service principals, and remove them. On a registry with ABAC \
             permissions, also allow Container Registry Repository Reader, Writer and Catalog Lister."
                .to_owned()
        } else {
            format!(
                "Change the condition so that it allows this action on {}.",
                self.scope
            )
        }
    }

    fn assign(&self) -> String {
        let scope = self.scope;
        let Some(role) = self.role() else {
            let action = self.action;
            return format!(
                "Assign the identity that runs Terraform a role that allows {action} on {scope}."
            );
        };
        let assignee = self.object_id.unwrap_or("<object ID>");
        format!(
            "Assign the role {role} to the identity that runs Terraform:\n\n  \
             az role assignment create --role \"{role}\" --assignee {assignee} --scope {scope}\n\n\
             {PROPAGATION}"
        )
    }

    /// The built-in role with the fewest permissions that allows the action.
    fn role(&self) -> Option<&'static str> {
        let action = self.action.to_ascii_lowercase();
        // `Reader` allows `*/read`.
        if action.ends_with("/read") {
            Some(READER)
        } else if self.is_about_role_assignments() {
            Some(ACCESS_ADMINISTRATOR)
        } else if action.starts_with("microsoft.containerregistry/registries/") {
            Some(TASKS_CONTRIBUTOR)
        } else {
            None
        }
    }

    fn is_about_role_assignments(&self) -> bool {
        let action = self.action.to_ascii_lowercase();
        action.starts_with("microsoft.authorization/roleassignments/")
    }
}

/// The role to assign after a registry's data plane has denied a request; [`None`] for other hosts. A
/// registry gives the same answer to an identity without the permission and to an unknown one.
fn in_registry(plane: Plane, id: &str) -> Option<String> {
    let (classic, with_abac) = match plane {
        Plane::ResourceManager | Plane::Storage | Plane::Other => return None,
        Plane::RegistrySignIn => {
            return Some(
                "Check that the registry belongs to the tenant that the provider signs in to. Also check \
                 that the identity that runs Terraform has access to the registry. The provider's \
                 documentation lists the roles for each use under \"Permissions\"."
                    .to_owned(),
            );
        }
        Plane::Registry(Right::Push) => ("AcrPush", "Container Registry Repository Writer"),
        Plane::Registry(Right::Delete) => {
            ("AcrDelete", "Container Registry Repository Contributor")
        }
        Plane::Registry(Right::Pull | Right::ListTags) => {
            ("AcrPull", "Container Registry Repository Reader")
        }
    };
    let registry = registry_at(id);
    Some(format!(
        "Assign the role {classic} on the registry {registry} to the identity that runs Terraform:\n\n  \
         az role assignment create --role \"{classic}\" --assignee <object ID> --scope $(az acr show --name \
         {registry} --query id --output tsv)\n\n\
         On a registry with ABAC permissions, assign {with_abac} instead. There, Owner and Contributor do \
         not include access to repositories. {PROPAGATION}"
    ))
}

/// The registry's name, from an ID that begins with its login server. With a domain name label, a hyphen
/// and a hash follow the name.
fn registry_at(id: &str) -> &str {
    id.split(['.', '-', '/']).next().unwrap_or(id)
}

/// The registry's name, and the repository of an ID such as `contoso.azurecr.io/team/app:v1`.
pub(super) fn registry_and_repository(id: &str) -> (&str, &str) {
    let repository = id.split_once('/').map_or("<repository>", |(_, path)| path);
    let end = repository.find([':', '@']).unwrap_or(repository.len());
    (registry_at(id), &repository[..end])
}

/// Whether the registry's network rules denied the request, rather than a missing role.
fn is_firewall(refusal: &Refusal) -> bool {
    refusal.code == "DENIED" && refusal.message.starts_with("client with IP")
}

/// The registry in an ID below it. A role assignment on the registry also applies to what is below, and
/// remains when that is deleted.
fn registry_of(scope: &str) -> &str {
    const TYPE: &str = "/microsoft.containerregistry/registries/";
    let Some(start) = scope.to_ascii_lowercase().find(TYPE) else {
        return scope;
    };
    let name = start + TYPE.len();
    scope[name..]
        .find('/')
        .map_or(scope, |end| &scope[..name + end])
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once('\'').map(|(quoted, _)| quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_assignment_is_on_the_registry() {
        const REGISTRY: &str = "/subscriptions/s/resourceGroups/tasks/providers/Microsoft.ContainerRegistry/registries/r";
        for below in [
            "",
            "/tasks/cssc-scan-image",
            "/runs/ca1",
            "/providers/Microsoft.Authorization/roleAssignments/x",
        ] {
            assert_eq!(registry_of(&format!("{REGISTRY}{below}")), REGISTRY);
        }
    }

    #[test]
    fn the_login_server_names_the_registry() {
        for id in [
            "contoso.azurecr.io/a/b",
            "contoso-abc123.azurecr.cn",
            "contoso",
        ] {
            assert_eq!(registry_at(id), "contoso");
        }
    }

    #[test]
    fn an_id_in_the_data_plane_names_the_repository() {
        let pairs = [
            (
                "contoso.azurecr.io/csscpolicies/patchpolicy",
                "csscpolicies/patchpolicy",
            ),
            ("contoso.azurecr.io/team/app:v1", "team/app"),
            ("contoso.azurecr.io/app@sha256:0", "app"),
        ];
        for (id, repository) in pairs {
            assert_eq!(registry_and_repository(id), ("contoso", repository));
        }
    }

    #[test]
    fn the_role_allows_the_action() {
        let role = |action: &str| {
            let message = format!("to perform action '{action}' over scope '/x'");
            MissingRight::of(&message).unwrap().role()
        };
        assert_eq!(
            role("Microsoft.Authorization/roleAssignments/delete"),
            Some("Role Based Access Control Administrator")
        );
        assert_eq!(
            role("microsoft.containerregistry/registries/runs/cancel/action"),
            Some("Container Registry Tasks Contributor")
        );
        assert_eq!(
            role("Microsoft.ContainerRegistry/registries/listTasks/action"),
            Some("Container Registry Tasks Contributor")
        );
        assert_eq!(role("Microsoft.Other/things/write"), None);
        for read in [
            "Microsoft.ContainerRegistry/registries/read",
            "Microsoft.ContainerRegistry/registries/cacheRules/read",
            "microsoft.containerregistry/registries/tasks/read",
            "Microsoft.ContainerRegistry/registries/runs/Read",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Resources/subscriptions/read",
        ] {
            assert_eq!(role(read), Some("Reader"), "{read}");
        }
    }
}
