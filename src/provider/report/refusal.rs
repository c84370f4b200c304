//! Azure's error responses: quoted, with the next step.

use http::StatusCode;

use crate::azure::acr::Right;
use crate::azure::error::Refusal;
use crate::azure::operation::{Plane, ResourceType};
use crate::provider::report::{missing_right, said};

/// Azure's status, code and message word for word, with the IDs that Azure support asks for.
pub(super) fn quoted(refusal: &Refusal) -> String {
    let mut text = format!(
        "Azure answered {}{}",
        refusal.status,
        said(&refusal.code, &refusal.message)
    );
    for (name, id) in [
        ("Correlation ID", &refusal.correlation_id),
        ("Request ID", &refusal.request_id),
    ] {
        if let Some(id) = id {
            text.push_str(&format!("\n{name}: {id}"));
        }
    }
    text
}

/// The next step after a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) text: String,
    /// Whether only Azure's message names the cause. Two messages are then two causes.
    pub(super) depends_on_message: bool,
}

impl Advice {
    /// The advice names the remedy.
    fn complete(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            depends_on_message: false,
        }
    }

    /// The advice refers to Azure's message.
    fn about_message(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            depends_on_message: true,
        }
    }
}

/// Returns the advice. A documented error code says more than the status.
pub(super) fn advice(refusal: &Refusal) -> Advice {
    Advice::complete(match refusal.code.as_str() {
        "InvalidAuthenticationTokenTenant" => {
            "Sign in to the tenant of the registry's subscription: set `tenant_id` (ARM_TENANT_ID)."
        }
        "MissingSubscriptionRegistration" => {
            "Register the resource provider in the subscription, then run Terraform again:\n\n  az \
             provider register --namespace Microsoft.ContainerRegistry"
        }
        "PrincipalNotFound" => {
            "The task's identity has not propagated in Microsoft Entra ID yet. Run Terraform again in a \
             few minutes."
        }
        "ReadOnlyDisabledSubscription" => {
            "The subscription is disabled. Enable it, then run Terraform again."
        }
        "REGISTRY_DISALLOWED_OPERATION" => return locked(refusal),
        "RequestDisallowedByPolicy" => {
            return Advice::about_message(
                "An Azure Policy assignment denies this request. Ask its owner for an exemption of the \
                 registry.",
            );
        }
        "RoleAssignmentLimitExceeded" => {
            "The subscription has reached its limit of role assignments. Delete unused ones, then run \
             Terraform again."
        }
        "ScopeLocked" => {
            "An Azure resource lock prevents this change. Remove the lock, apply again, then restore it."
        }
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            "The subscription does not exist, or the signed-in identity has no access to it. Check the \
             subscription in the registry's ID, and that `tenant_id` (ARM_TENANT_ID) is the tenant of \
             that subscription."
        }
        _ => return by_status(refusal),
    })
}

fn by_status(refusal: &Refusal) -> Advice {
    match refusal.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => not_allowed(refusal),
        StatusCode::NOT_FOUND => {
            Advice::about_message("Check that the registry exists, and that its ID is correct.")
        }
        StatusCode::CONFLICT => Advice::complete(
            "Another operation may be in progress. Wait until it completes, then run Terraform again.",
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            Advice::complete("Azure is throttling requests. Run Terraform again in a few minutes.")
        }
        status if status.is_server_error() => Advice::complete(
            "The failure is on Azure's side. Run Terraform again in a few minutes.",
        ),
        _ => Advice::about_message("Correct the cause that Azure names, then run Terraform again."),
    }
}

/// The advice after a registry disallowed an operation. The causes are a locked repository, tag or manifest,
/// or a full registry. The source is Azure's article "Troubleshoot push operation errors".
fn locked(refusal: &Refusal) -> Advice {
    let operation = &refusal.operation;
    let Plane::Registry(right) = operation.kind.plane() else {
        return by_status(refusal);
    };
    let (registry, repository) = missing_right::registry_and_repository(&operation.id);
    let full = match right {
        Right::Push => ", or the registry has reached its storage limit",
        Right::Pull | Right::ListTags | Right::Delete => "",
    };
    let unlock = match right {
        Right::Push | Right::Delete => "--write-enabled true --delete-enabled true",
        Right::Pull | Right::ListTags => "--read-enabled true --list-enabled true",
    };
    Advice::complete(format!(
        "The repository, or a tag or manifest in it, is locked{full}. Unlock the repository, then run \
         Terraform again:\n\n  az acr repository update --name {registry} --repository {repository} \
         {unlock}\n\nTo unlock a tag, replace `--repository` with `--image {repository}:<tag>`. To unlock \
         a manifest, use `--image {repository}@<digest>`."
    ))
}

fn not_allowed(refusal: &Refusal) -> Advice {
    if missing_right::is_firewall(refusal) {
        return Advice::complete(
            "The registry's network rules deny access from this machine. Add its IP address to the rules, \
             or run Terraform from a network with access, such as one with a private endpoint.",
        );
    }
    let operation = &refusal.operation;
    let plane = operation.kind.plane();
    let missing_role = missing_right::in_registry(plane, &operation.id)
        .or_else(|| missing_right::in_resource_manager(refusal));
    if let Some(missing_role) = missing_role {
        return Advice::complete(missing_role);
    }
    if refusal.status == StatusCode::UNAUTHORIZED {
        return Advice::about_message(
            "Check the signed-in identity (the provider block and the ARM_* environment variables), and \
             that the registry's subscription belongs to its tenant.",
        );
    }
    if plane == Plane::ResourceManager(ResourceType::Run) {
        return Advice::complete(
            "Assign the role Container Registry Tasks Contributor on the registry to the identity that \
             runs Terraform. Reading runs and their logs requires it.",
        );
    }
    Advice::about_message(
        "Assign a role with the permission that Azure names to the identity that runs Terraform. To \
         manage a workflow, it needs these roles on the registry: Container Registry Tasks Contributor, \
         Role Based Access Control Administrator, AcrPush and AcrDelete. On a registry with ABAC \
         permissions, Container Registry Repository Contributor replaces AcrPush and AcrDelete.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::operation::{Operation, OperationKind};

    const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn said_of(kind: OperationKind, id: &str, status: u16, code: &str, message: &str) -> String {
        let refusal = Refusal {
            operation: Operation::new(kind, id),
            status: StatusCode::from_u16(status).unwrap(),
            code: code.to_owned(),
            message: message.to_owned(),
            correlation_id: Some("c0".to_owned()),
            request_id: Some("r0".to_owned()),
            outcome_unknown: false,
        };
        format!("{}\n\n{}\n", quoted(&refusal), advice(&refusal).text)
    }

    /// Resource Manager's message about a missing permission.
    fn unauthorized(action: &str, below: &str) -> String {
        format!(
            "The client '11111111-1111-1111-1111-111111111111' with object id \
             '22222222-2222-2222-2222-222222222222' does not have authorization to perform action \
             '{action}' over scope '{REGISTRY}{below}' or the scope is invalid. If access was recently \
             granted, please refresh your credentials."
        )
    }

    #[test]
    fn a_permission_denied_by_resource_manager_names_the_role() {
        let task = &format!("{REGISTRY}/tasks/cssc-scan-image");
        let assignment = "/providers/Microsoft.Authorization/roleAssignments/33333333-3333-3333-3333-333333333333";
        let below = &format!("{REGISTRY}{assignment}");
        let writes = |action: &str| {
            unauthorized(
                &format!("Microsoft.Authorization/roleAssignments/{action}"),
                assignment,
            )
        };
        let conditional = writes("write").replace(
            "does not have authorization",
            "does not have authorization or an ABAC condition not fulfilled",
        );
        let tasks = unauthorized(
            "Microsoft.ContainerRegistry/registries/tasks/write",
            "/tasks/cssc-scan-image",
        );
        let other = unauthorized("Microsoft.Other/things/read", "");
        let code = "AuthorizationFailed";
        insta::assert_snapshot!(
            "missing_rights_in_resource_manager",
            [
                said_of(OperationKind::CreateTask, task, 403, code, &tasks),
                said_of(
                    OperationKind::CreateRoleAssignment,
                    below,
                    403,
                    code,
                    &writes("write")
                ),
                said_of(
                    OperationKind::DeleteRoleAssignment,
                    below,
                    403,
                    code,
                    &writes("delete")
                ),
                said_of(
                    OperationKind::CreateRoleAssignment,
                    below,
                    403,
                    code,
                    &conditional
                ),
                said_of(OperationKind::ReadRegistry, REGISTRY, 403, code, &other),
                said_of(OperationKind::ReadRegistry, REGISTRY, 403, "", ""),
            ]
            .join("---\n")
        );
    }

    #[test]
    fn a_permission_denied_by_a_registry_names_the_role() {
        let repository = "contoso.azurecr.io/csscpolicies/patchpolicy";
        let lacks = |right: &str| {
            format!(
                "authentication required, visit https://aka.ms/acr/authorization for more information. \
                 (it needs {right} on repository csscpolicies/patchpolicy)"
            )
        };
        let denied = "client with IP '192.0.2.1' is not allowed access, refer \
                      https://aka.ms/acr/firewall to grant access";
        let code = "UNAUTHORIZED";
        insta::assert_snapshot!(
            "missing_rights_in_a_registry",
            [
                said_of(
                    OperationKind::ListTags,
                    repository,
                    401,
                    code,
                    &lacks("pull")
                ),
                said_of(
                    OperationKind::StoreBlob,
                    repository,
                    401,
                    code,
                    &lacks("push")
                ),
                said_of(
                    OperationKind::DeleteRepository,
                    repository,
                    401,
                    code,
                    &lacks("delete")
                ),
                said_of(
                    OperationKind::SignInToRegistry,
                    "contoso.azurecr.io",
                    401,
                    code,
                    "authentication required"
                ),
                said_of(
                    OperationKind::ReadManifest,
                    &format!("{repository}:v1"),
                    405,
                    "REGISTRY_DISALLOWED_OPERATION",
                    "The operation is disallowed on this registry, repository or image."
                ),
                said_of(
                    OperationKind::StoreManifest,
                    &format!("{repository}:v1"),
                    405,
                    "REGISTRY_DISALLOWED_OPERATION",
                    "The operation is disallowed on this registry, repository or image."
                ),
                said_of(
                    OperationKind::SignInToRegistry,
                    "contoso.azurecr.io",
                    403,
                    "DENIED",
                    denied
                ),
            ]
            .join("---\n")
        );
    }

    #[test]
    fn the_advice_depends_on_the_service_that_answers_and_on_no_id() {
        let text = |kind: OperationKind, id: &str| {
            advice(&Refusal {
                operation: Operation::new(kind, id),
                status: StatusCode::FORBIDDEN,
                code: String::new(),
                message: String::new(),
                correlation_id: None,
                request_id: None,
                outcome_unknown: false,
            })
        };
        let ids = [
            REGISTRY,
            "/subscriptions/s/resourceGroups/runs/providers/x",
            "contoso.azurecr.io/runs/a",
        ];
        for kind in OperationKind::ALL {
            let alike = OperationKind::ALL
                .into_iter()
                .filter(|other| other.plane() == kind.plane());
            for other in alike {
                assert_eq!(text(kind, REGISTRY), text(other, REGISTRY));
            }
            if matches!(kind.plane(), Plane::ResourceManager(_)) {
                assert!(ids.iter().all(|id| text(kind, id) == text(kind, REGISTRY)));
            }
        }
    }

    #[test]
    fn each_code_and_each_status_has_a_next_step() {
        let answers = [
            (
                401,
                "InvalidAuthenticationToken",
                "The access token is invalid.",
            ),
            (
                401,
                "InvalidAuthenticationTokenTenant",
                "The access token is from the wrong issuer.",
            ),
            (
                404,
                "SubscriptionNotFound",
                "The subscription 's' could not be found.",
            ),
            (404, "ResourceNotFound", "The Resource was not found."),
            (
                409,
                "MissingSubscriptionRegistration",
                "The subscription is not registered to use namespace 'Microsoft.ContainerRegistry'.",
            ),
            (
                409,
                "ReadOnlyDisabledSubscription",
                "The subscription 's' is disabled and therefore marked as read only.",
            ),
            (
                409,
                "ScopeLocked",
                "The scope cannot perform delete operation because following scope(s) are locked.",
            ),
            (409, "Conflict", ""),
            (
                403,
                "RequestDisallowedByPolicy",
                "Resource 'x' was disallowed by policy.",
            ),
            (
                400,
                "PrincipalNotFound",
                "Principal 'p' does not exist in the directory 'd'.",
            ),
            (
                400,
                "RoleAssignmentLimitExceeded",
                "The role assignment limit is exceeded.",
            ),
            (400, "InvalidRequestContent", "No."),
            (429, "", "Slow down."),
            (502, "", ""),
        ];
        let texts = answers.map(|(status, code, message)| {
            said_of(OperationKind::CreateTask, REGISTRY, status, code, message)
        });
        insta::assert_snapshot!("codes_and_statuses", texts.join("---\n"));
    }
}
