//! Groups failures by their cause, so that one cause is one diagnostic.

use http::StatusCode;

use crate::azure::credential::Reported;
use crate::azure::error::Error;
use crate::http::{Stopped, TransportErrorKind};
use crate::provider::report::refusal;

/// What failures have in common if one remedy helps against all of them.
#[derive(Debug, PartialEq)]
enum Cause<'a> {
    /// Azure refused. The next step names the missing role, so two missing roles are two causes.
    Refusal(StatusCode, &'a str, String),
    /// Azure accepted the request, and the operation ended in this state with this code.
    Failed(&'a str, &'a str),
    /// The host could not be reached.
    Transport(TransportErrorKind, &'a str),
    /// The user interrupted the operation, or it timed out.
    Stopped(Stopped),
    /// Authentication failed. Failures with the same cause share their marker.
    SignIn(&'a Reported),
    /// The answer can't be read.
    Decode(&'a str),
}

impl<'a> Cause<'a> {
    fn of(error: &'a Error) -> Self {
        match error {
            Error::Response(refused) => {
                Self::Refusal(refused.status, &refused.code, refusal::next_step(refused))
            }
            Error::Failed { state, code, .. } => Self::Failed(state, code),
            Error::Transport { source, .. } => Self::Transport(source.kind, &source.host),
            Error::Stopped { why, .. } => Self::Stopped(*why),
            Error::SignIn(failure) => Self::SignIn(&failure.reported),
            Error::Decode { reason, .. } => Self::Decode(reason),
        }
    }
}

/// The failures, grouped by cause, in the order in which each cause first appears. A failure that names
/// what Azure answered last comes first in its group.
pub(super) fn groups(errors: &[Error]) -> Vec<Vec<&Error>> {
    let mut groups: Vec<(Cause<'_>, Vec<&Error>)> = Vec::new();
    for error in errors {
        let cause = Cause::of(error);
        match groups.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, group)) => group.push(error),
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
    use crate::azure::operation::{Operation, OperationKind};
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

    #[test]
    fn an_interrupt_is_one_error_with_the_last_answer() {
        let throttled = denied(OperationKind::WaitForTask, "a/b/c", "/tasks/b");
        insta::assert_snapshot!(said(&[
            interrupted("/tasks/a", None),
            interrupted("/tasks/b", Some(throttled)),
            interrupted("/tasks/b", None),
        ]), @"
        The operation was interrupted.
        The last failure before that: Azure answered 403 Forbidden: AuthorizationFailed: The client 'c' with object id 'o' does not have authorization to perform action 'a/b/c' over scope '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/b' or the scope is invalid.
        Correlation ID: c0
        Request ID: r/tasks/b

        Affected operations:
          - waiting for task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/b
          - waiting for task /subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/a

        Run Terraform again. The state holds every change made so far.
        ");
    }
}
