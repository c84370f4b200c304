//! An answer that says no: quoted, and what to do about it.

use http::StatusCode;

use crate::azure::error::Refusal;
use crate::azure::operation::{Plane, ResourceType};
use crate::provider::report::{missing_right, said, while_doing};

/// What Azure said, as it said it, with the ids that its support asks for.
pub(super) fn quoted(refusal: &Refusal) -> String {
    let mut text = format!(
        "{} Azure answered {}{}",
        while_doing(&refusal.operation),
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

/// The next step. A code that Azure documents says more than the status.
pub(super) fn next_step(refusal: &Refusal) -> String {
    match refusal.code.as_str() {
        "InvalidAuthenticationTokenTenant" => {
            "Sign in to the tenant that the registry's subscription belongs to: set `tenant_id` \
             (ARM_TENANT_ID)."
        }
        "MissingSubscriptionRegistration" => {
            "Register the resource provider in the subscription, and run it again:\n\n  az provider \
             register --namespace Microsoft.ContainerRegistry"
        }
        "PrincipalNotFound" => {
            "The task's identity hasn't arrived everywhere in Entra ID yet. Run it again in a few \
             minutes."
        }
        "ReadOnlyDisabledSubscription" => {
            "The subscription is disabled. Enable it, and run it again."
        }
        "RequestDisallowedByPolicy" => {
            "An Azure Policy forbids it. Have the registry exempted from it, or the policy changed."
        }
        "RoleAssignmentLimitExceeded" => {
            "The subscription has as many role assignments as it may have. Remove some that aren't \
             needed, and run it again."
        }
        "ScopeLocked" => {
            "A lock keeps it as it is. Remove the lock, run it again, and put the lock back."
        }
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            "Check the subscription in the registry's ID, and that the tenant signed in to is the \
             subscription's (`tenant_id`, ARM_TENANT_ID)."
        }
        _ => return by_status(refusal),
    }
    .to_owned()
}

fn by_status(refusal: &Refusal) -> String {
    match refusal.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => not_allowed(refusal),
        StatusCode::NOT_FOUND => "Check that the registry exists and that its ID is right.".into(),
        StatusCode::CONFLICT => {
            "Something else is changing it. Run it again once that is done.".into()
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "Azure is throttling. Run it again in a few minutes.".into()
        }
        status if status.is_server_error() => {
            "Run it again; the failure is on Azure's side.".into()
        }
        _ => "Run it again once the cause is gone.".into(),
    }
}

fn not_allowed(refusal: &Refusal) -> String {
    if missing_right::is_firewall(refusal) {
        return "The registry's network rules don't let this machine in. Allow its address there, or \
                run Terraform from a network that has access (a private endpoint, a rule)."
            .to_owned();
    }
    let operation = &refusal.operation;
    let plane = operation.kind.plane();
    if let Some(advice) = missing_right::in_registry(plane, &operation.id) {
        return advice;
    }
    if let Some(advice) = missing_right::in_resource_manager(refusal) {
        return advice;
    }
    if refusal.status == StatusCode::UNAUTHORIZED {
        return "Check who is signed in (the provider block and the ARM_* environment variables), and \
                that the registry's subscription belongs to that tenant."
            .to_owned();
    }
    if plane == Plane::ResourceManager(ResourceType::Run) {
        return "Grant the identity that runs Terraform the role Container Registry Tasks Contributor on the \
                registry: runs and their logs are for those who may run tasks."
            .to_owned();
    }
    "Grant the identity that runs Terraform what Azure names. To manage a workflow it needs, on the registry, Container \
     Registry Tasks Contributor, Role Based Access Control Administrator, AcrPush and AcrDelete (on a \
     registry with ABAC permissions Container Registry Repository Contributor instead of the latter two)."
        .to_owned()
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
        format!("{}\n\n{}\n", quoted(&refusal), next_step(&refusal))
    }

    /// Resource Manager's sentence about a missing right.
    fn unauthorized(action: &str, below: &str) -> String {
        format!(
            "The client '11111111-1111-1111-1111-111111111111' with object id \
             '22222222-2222-2222-2222-222222222222' does not have authorization to perform action \
             '{action}' over scope '{REGISTRY}{below}' or the scope is invalid. If access was recently \
             granted, please refresh your credentials."
        )
    }

    #[test]
    fn a_missing_right_in_resource_manager_is_named_with_its_role() {
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
    fn a_missing_right_in_a_registry_is_named_with_its_role() {
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
    fn advice_comes_from_who_answers_and_neither_from_words_nor_from_an_id() {
        let advice = |kind: OperationKind, id: &str| {
            next_step(&Refusal {
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
                assert_eq!(advice(kind, REGISTRY), advice(other, REGISTRY));
            }
            if matches!(kind.plane(), Plane::ResourceManager(_)) {
                assert!(
                    ids.iter()
                        .all(|id| advice(kind, id) == advice(kind, REGISTRY))
                );
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
