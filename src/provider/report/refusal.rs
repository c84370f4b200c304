//! Azure's error responses: quoted, with the next step if one is known.

use http::StatusCode;

use crate::azure::absence::is_own_code;
use crate::azure::error::{Refusal, TASKS_NOT_ALLOWED};
use crate::azure::operation::Plane;
use crate::provider::report::advice::Advice;
use crate::provider::report::{lock, missing_right, said};

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

/// Returns the advice, or [`None`] if neither the code nor the status says what helps. A documented error
/// code says more than the status, and a claims challenge says more than both.
pub(super) fn advice(refusal: &Refusal) -> Option<Advice> {
    let claims = refusal.claims.as_deref();
    claims
        .map(by_claims)
        .or_else(|| by_code(&refusal.code))
        .or_else(|| lock::advice(refusal))
        .or_else(|| by_status(refusal))
}

/// Returns the advice for a claims challenge.
fn by_claims(claims: &str) -> Advice {
    Advice::complete(format!(
        "Microsoft Entra ID requires more of this sign-in, such as multifactor authentication. If Terraform \
         signs in with the Azure CLI, run this command, then run Terraform again:\n\n  az login \
         --claims-challenge \"{claims}\"\n\nNo other authentication method can meet the requirement. Ask an \
         administrator which Conditional Access policy applies to the identity."
    ))
}

/// Returns the advice for one of Resource Manager's codes that say the same after every operation.
pub(super) fn by_code(code: &str) -> Option<Advice> {
    Some(Advice::complete(match code {
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
        "RequestDisallowedByPolicy" => {
            return Some(Advice::about_message(
                "An Azure Policy assignment denies this request. Ask its owner for an exemption of the \
                 registry.",
            ));
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
        TASKS_NOT_ALLOWED => {
            "This subscription may not run ACR Tasks, and Continuous Patching needs them. This applies to \
             many free, trial and student subscriptions. Ask Azure support to allow ACR Tasks, or use \
             a registry in another subscription."
        }
        _ => return None,
    }))
}

fn by_status(refusal: &Refusal) -> Option<Advice> {
    Some(match refusal.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return missing_right::advice(refusal),
        StatusCode::NOT_FOUND if is_missing_in_resource_manager(refusal) => {
            Advice::about_message("Check that the registry exists, and that its ID is correct.")
        }
        StatusCode::CONFLICT if may_be_busy(&refusal.code) => Advice::complete(
            "Another operation may be in progress. Wait until it completes, then run Terraform again.",
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            Advice::complete("Azure is throttling requests. Run Terraform again in a few minutes.")
        }
        status if status.is_server_error() => Advice::complete(
            "The failure is on Azure's side. Run Terraform again in a few minutes.",
        ),
        _ => return None,
    })
}

/// Whether Resource Manager itself misses the resource or its parent. A 404 without one of its codes comes
/// from a proxy or gateway.
fn is_missing_in_resource_manager(refusal: &Refusal) -> bool {
    matches!(refusal.operation.kind.plane(), Plane::ResourceManager) && is_own_code(&refusal.code)
}

/// Whether a conflict may be one with another operation. Other codes, such as `RoleAssignmentExists`, name
/// another reason.
fn may_be_busy(code: &str) -> bool {
    matches!(code, "" | "Conflict") || code.contains("InProgress")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::Error;
    use crate::azure::operation::{Operation, OperationKind};
    use crate::http::scripted_transport::reply;

    const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn said_of(kind: OperationKind, id: &str, status: u16, code: &str, message: &str) -> String {
        let refusal = Refusal {
            operation: Operation::new(kind, id),
            status: StatusCode::from_u16(status).unwrap(),
            code: code.to_owned(),
            message: message.to_owned(),
            correlation_id: Some("c0".to_owned()),
            request_id: Some("r0".to_owned()),
            claims: None,
            outcome_unknown: false,
        };
        match advice(&refusal) {
            Some(advice) => format!("{}\n\n{}\n", quoted(&refusal), advice.text),
            None => format!("{}\n", quoted(&refusal)),
        }
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
        let linked = format!(
            "The client 'c' with object id 'o' has permission to perform action \
             'Microsoft.ContainerRegistry/registries/tasks/write' on scope '{task}'; however, it does not \
             have permission to perform action(s) \
             'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '/i' \
             (respectively) or the linked scope(s) are invalid."
        );
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
                said_of(
                    OperationKind::CreateTask,
                    task,
                    403,
                    "LinkedAuthorizationFailed",
                    &linked
                ),
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
    fn a_claims_challenge_is_quoted_with_the_command_that_answers_it() {
        let answer = reply(401).with(
            "www-authenticate",
            r#"Bearer realm="", error="insufficient_claims", claims="eyJhIjp7fX0=""#,
        );
        let operation = Operation::new(OperationKind::CreateTask, REGISTRY);
        let Error::Response(refusal) = Error::refused(&operation, &answer) else {
            panic!("refusal expected");
        };
        insta::assert_snapshot!(advice(&refusal).unwrap().text, @r#"
        Microsoft Entra ID requires more of this sign-in, such as multifactor authentication. If Terraform signs in with the Azure CLI, run this command, then run Terraform again:

          az login --claims-challenge "eyJhIjp7fX0="

        No other authentication method can meet the requirement. Ask an administrator which Conditional Access policy applies to the identity.
        "#);
    }

    #[test]
    fn the_advice_depends_on_the_kind_of_the_operation_and_on_no_id() {
        let text = |kind: OperationKind, id: &str| {
            advice(&Refusal {
                operation: Operation::new(kind, id),
                status: StatusCode::FORBIDDEN,
                code: "AuthorizationFailed".to_owned(),
                message: String::new(),
                correlation_id: None,
                request_id: None,
                claims: None,
                outcome_unknown: false,
            })
        };
        let ids = [
            REGISTRY,
            "/subscriptions/s/resourceGroups/runs/providers/x",
            "contoso.azurecr.io/runs/a",
        ];
        for kind in OperationKind::ALL {
            if matches!(kind.plane(), Plane::ResourceManager) {
                assert!(ids.iter().all(|id| text(kind, id) == text(kind, REGISTRY)));
                continue;
            }
            let alike = OperationKind::ALL
                .into_iter()
                .filter(|other| other.plane() == kind.plane());
            for other in alike {
                assert_eq!(text(kind, REGISTRY), text(other, REGISTRY));
            }
        }
    }

    #[test]
    fn each_known_code_and_status_has_a_next_step() {
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
