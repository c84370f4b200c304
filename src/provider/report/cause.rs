//! Groups failures by their cause, so that one cause is one diagnostic.

use http::StatusCode;

use crate::azure::credential::Reported;
use crate::azure::error::Error;
use crate::azure::operation::Operation;
use crate::http::{Stopped, TransportErrorKind};
use crate::provider::report::refusal;

/// What failures have in common if one remedy helps against all of them. Texts of Azure count without the
/// ID of the resource.
#[derive(Debug, PartialEq)]
enum Cause<'a> {
    /// Azure refused. The advice names the missing role, so two missing roles are two causes. The message
    /// counts if the advice only refers to it, or if it alone names the cause.
    Refusal(StatusCode, &'a str, Option<String>, Option<String>),
    /// Azure accepted the request, and the operation ended in this state with this code and message.
    Failed(&'a str, &'a str, String),
    /// The host could not be reached.
    Transport(TransportErrorKind, &'a str),
    /// The user interrupted the operation, or it timed out, after this failure.
    Stopped(Stopped, Option<Box<Self>>),
    /// Authentication failed. Failures with the same cause share their marker.
    SignIn(&'a Reported),
    /// Azure contradicts itself in this way.
    Inconsistent(String),
    /// The answer can't be read.
    Decode(&'a str),
}

impl<'a> Cause<'a> {
    fn of(error: &'a Error) -> Self {
        match error {
            Error::Response(refused) => {
                let advice = refusal::advice(refused);
                let message = advice
                    .as_ref()
                    .is_none_or(|advice| advice.depends_on_message)
                    .then(|| without_id(&refused.message, &refused.operation));
                let advice = advice.map(|advice| advice.text);
                Self::Refusal(refused.status, &refused.code, advice, message)
            }
            Error::Failed {
                operation,
                state,
                code,
                message,
            } => Self::Failed(state, code, without_id(message, operation)),
            Error::Transport { source, .. } => Self::Transport(source.kind, &source.host),
            Error::Stopped { why, last, .. } => {
                Self::Stopped(*why, last.as_deref().map(|last| Box::new(Self::of(last))))
            }
            Error::Inconsistent {
                operation, reason, ..
            } => Self::Inconsistent(without_id(reason, operation)),
            Error::SignIn(failure) => Self::SignIn(&failure.reported),
            Error::Decode { reason, .. } => Self::Decode(reason),
        }
    }

    /// Whether both are one cause. An operation that stopped without a failure of its own stopped with the
    /// others.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stopped(a, None), Self::Stopped(b, _))
            | (Self::Stopped(a, Some(_)), Self::Stopped(b, None)) => a == b,
            _ => self == other,
        }
    }
}

/// A message without the ID and the name of the resource that it is about.
fn without_id(message: &str, operation: &Operation) -> String {
    let id = operation.id.as_str();
    let name = id.rsplit('/').next().unwrap_or(id);
    let mut message = message.to_owned();
    for text in [id, name].into_iter().filter(|text| !text.is_empty()) {
        message = message.replace(text, "…");
    }
    message
}

/// The failures, grouped by cause, in the order in which each cause first appears. A failure that names
/// what Azure answered last comes first in its group.
pub(super) fn groups(errors: &[Error]) -> Vec<Vec<&Error>> {
    let mut groups: Vec<(Cause<'_>, Vec<&Error>)> = Vec::new();
    for error in errors {
        let cause = Cause::of(error);
        match groups.iter_mut().find(|(known, _)| known.is(&cause)) {
            Some((known, group)) => {
                if let Cause::Stopped(_, None) = known {
                    *known = cause;
                }
                group.push(error);
            }
            None => groups.push((cause, vec![error])),
        }
    }
    let mut groups: Vec<Vec<&Error>> = groups.into_iter().map(|(_, group)| group).collect();
    for group in &mut groups {
        group.sort_by_key(|error| !matches!(error, Error::Stopped { last: Some(_), .. }));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::error::Refusal;
    use crate::azure::operation::OperationKind;
    use crate::provider::report;

    const REGISTRY: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn operation(kind: OperationKind, below: &str) -> Operation {
        Operation::new(kind, format!("{REGISTRY}{below}"))
    }

    fn denied(kind: OperationKind, action: &str, below: &str) -> Error {
        Error::Response(Box::new(Refusal {
            operation: operation(kind, below),
            status: StatusCode::FORBIDDEN,
            code: "AuthorizationFailed".to_owned(),
            message: format!(
                "The client 'c' with object id 'o' does not have authorization to perform action \
                 '{action}' over scope '{REGISTRY}{below}' or the scope is invalid."
            ),
            correlation_id: Some("c0".to_owned()),
            request_id: Some(format!("r{below}")),
            claims: None,
            outcome_unknown: false,
        }))
    }

    fn interrupted(below: &str, last: Option<Error>) -> Error {
        Error::Stopped {
            operation: operation(OperationKind::WaitForTask, below),
            why: Stopped::Cancelled,
            last: last.map(Box::new),
        }
    }

    fn said(errors: &[Error]) -> String {
        let diagnostics = report::failures("Could not create the workflow", errors);
        let details: Vec<&str> = diagnostics.iter().map(|it| it.detail.as_str()).collect();
        details.join("\n---\n")
    }

    #[test]
    fn a_missing_role_is_one_error_for_all_operations_and_two_missing_roles_are_two() {
        let task = "Microsoft.ContainerRegistry/registries/tasks/write";
        let assignments = "Microsoft.Authorization/roleAssignments";
        insta::assert_snapshot!(said(&[
            denied(OperationKind::CreateTask, task, "/tasks/cssc-patch-image"),
            denied(OperationKind::CreateRoleAssignment, &format!("{assignments}/write"), "/ra/1"),
            denied(OperationKind::CreateTask, task, "/tasks/cssc-scan-image"),
            denied(OperationKind::DeleteRoleAssignment, &format!("{assignments}/delete"), "/ra/2"),
        ]), @r#"
        Azure answered 403 Forbidden: AuthorizationFailed: The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.ContainerRegistry/registries/tasks/write' over scope '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-patch-image' or the scope is invalid.
        Correlation ID: c0
        Request ID: r/tasks/cssc-patch-image

        Affected operations:
          - creating task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-patch-image
          - creating task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-scan-image

        Assign the role Container Registry Tasks Contributor to the identity that runs Terraform:

          az role assignment create --role "Container Registry Tasks Contributor" --assignee o --scope /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso

        A new role assignment can take up to ten minutes to take effect.
        ---
        Azure answered 403 Forbidden: AuthorizationFailed: The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/ra/1' or the scope is invalid.
        Correlation ID: c0
        Request ID: r/ra/1

        Affected operations:
          - creating role assignment /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/ra/1
          - deleting role assignment /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/ra/2

        Assign the role Role Based Access Control Administrator to the identity that runs Terraform:

          az role assignment create --role "Role Based Access Control Administrator" --assignee o --scope /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso

        A new role assignment can take up to ten minutes to take effect.
        "#);
    }

    fn refused(status: u16, code: &str, below: &str, message: &str) -> Error {
        Error::Response(Box::new(Refusal {
            operation: operation(OperationKind::CreateTask, below),
            status: StatusCode::from_u16(status).unwrap(),
            code: code.to_owned(),
            message: message.to_owned(),
            correlation_id: None,
            request_id: None,
            claims: None,
            outcome_unknown: false,
        }))
    }

    #[test]
    fn different_messages_are_different_causes_if_only_they_name_the_cause() {
        let denied =
            |below: &str, message: &str| refused(403, "RequestDisallowedByPolicy", below, message);
        let errors = [
            denied(
                "/tasks/cssc-a-image",
                "Resource 'cssc-a-image' was disallowed by policy 'tags'.",
            ),
            denied(
                "/tasks/cssc-b-image",
                "Resource 'cssc-b-image' was disallowed by policy 'tags'.",
            ),
            denied(
                "/tasks/cssc-c-image",
                "Resource 'cssc-c-image' was disallowed by policy 'regions'.",
            ),
            refused(503, "", "/tasks/a", "Busy."),
            refused(503, "", "/tasks/b", "Overloaded."),
            refused(400, "Unknown", "/tasks/a", "Without advice."),
            refused(400, "Unknown", "/tasks/b", "Also without advice."),
        ];
        let sizes: Vec<usize> = groups(&errors).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 2, 1, 1]);
    }

    #[test]
    fn timeouts_after_different_failures_are_different_causes() {
        let errors = [
            interrupted("/tasks/a", None),
            interrupted("/tasks/b", Some(refused(429, "", "/tasks/b", ""))),
            interrupted(
                "/tasks/c",
                Some(refused(400, "PrincipalNotFound", "/tasks/c", "")),
            ),
            interrupted("/tasks/d", None),
        ];
        let sizes: Vec<usize> = groups(&errors).iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 1]);
    }

    #[test]
    fn an_interrupt_is_one_error_with_the_last_answer() {
        let throttled = denied(OperationKind::WaitForTask, "a/b/c", "/tasks/b");
        insta::assert_snapshot!(said(&[
            interrupted("/tasks/a", None),
            interrupted("/tasks/b", Some(throttled)),
            interrupted("/tasks/b", None),
        ]), @"
        The operation was interrupted.
        Last error before that, while waiting for task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/b: Azure answered 403 Forbidden: AuthorizationFailed: The client 'c' with object id 'o' does not have authorization to perform action 'a/b/c' over scope '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/b' or the scope is invalid.
        Correlation ID: c0
        Request ID: r/tasks/b

        Affected operations:
          - waiting for task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/b
          - waiting for task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/a

        Run Terraform again. The state contains all completed changes.
        ");
    }
}
