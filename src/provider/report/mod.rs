//! Words for Azure's failures: what the provider tried on which ID, what Azure answered word for word, and
//! the next step if one is known.

mod advice;
mod cause;
mod lock;
mod missing_right;
#[cfg(test)]
mod real_answers;
mod refusal;
mod sign_in;

use crate::azure::error::Error;

use crate::azure::operation::Operation;
use crate::http::{Stopped, TransportError, TransportErrorKind};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};

/// One failure, under a summary that says what could not be done.
pub(crate) fn failure(summary: &str, error: &Error) -> Diagnostic {
    Diagnostic::error(summary, detail(&[error]))
}

/// The failures of one operation: one diagnostic for each cause, which lists the operations that it
/// affects.
pub(super) fn failures(summary: &str, errors: &[Error]) -> Diagnostics {
    cause::groups(errors)
        .iter()
        .map(|group| Diagnostic::error(summary, detail(group)))
        .collect()
}

/// What the provider tried and what came of it, for a caller that knows a better next step.
pub(crate) fn happened(error: &Error) -> String {
    match operation(error) {
        Some(operation) => format!("While {operation}: {}", outcome(error, Some(operation))),
        None => outcome(error, None),
    }
}

/// The detail for failures with the same cause. The first stands for all of them.
fn detail(group: &[&Error]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    if let Error::SignIn(failure) = first
        && !failure.reported.is_first()
    {
        return sign_in::failed_again(failure);
    }
    let mut operations: Vec<&Operation> = Vec::new();
    for operation in group.iter().filter_map(|error| operation(error)) {
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    let happened = match operations[..] {
        [] | [_] => happened(first),
        _ => {
            let lines: String = operations
                .iter()
                .map(|operation| format!("\n  - {operation}"))
                .collect();
            format!("{}\n\nAffected operations:{lines}", outcome(first, None))
        }
    };
    match next_step(first) {
        Some(next) => format!("{happened}\n\n{next}"),
        None => happened,
    }
}

/// What came of the operation, without the operation itself. `named` is the operation that the text has
/// named already.
fn outcome(error: &Error, named: Option<&Operation>) -> String {
    match error {
        Error::Response(refusal) => refusal::quoted(refusal),
        Error::Failed {
            state,
            code,
            message,
            ..
        } => format!(
            "Azure accepted the request, but the operation ended with status {state}{}",
            said(code, message)
        ),
        Error::Transport { source, .. } => transport(source),
        Error::Stopped { why, last, .. } => stopped(*why, last.as_deref(), named),
        Error::Inconsistent { reason, .. } => reason.clone(),
        Error::SignIn(failure) => sign_in::failed(failure),
        Error::Decode { reason, .. } => {
            format!("Azure returned an unexpected response: {reason}.")
        }
    }
}

/// What the user can do, unless only Azure's own words say that.
fn next_step(error: &Error) -> Option<String> {
    let next = match error {
        Error::Response(refusal) => return refusal::advice(refusal).map(|advice| advice.text),
        Error::Failed { code, .. } => return refusal::by_code(code).map(|advice| advice.text),
        Error::Transport { source, .. } => after_transport(source),
        Error::Stopped { why, .. } => after_stop(*why),
        Error::Inconsistent { advice, .. } => advice.unwrap_or(
            "Azure's answers can be out of date for a while. Run Terraform again in a few minutes.",
        ),
        Error::SignIn(failure) => sign_in::next_step(failure),
        Error::Decode { .. } => {
            "Run Terraform again. If the error persists, report it to the developers of the provider."
        }
    };
    Some(next.to_owned())
}

/// What the provider was doing. A sign-in names itself.
fn operation(error: &Error) -> Option<&Operation> {
    match error {
        Error::Response(refusal) => Some(&refusal.operation),
        Error::Failed { operation, .. }
        | Error::Transport { operation, .. }
        | Error::Stopped { operation, .. }
        | Error::Inconsistent { operation, .. }
        | Error::Decode { operation, .. } => Some(operation),
        Error::SignIn(_) => None,
    }
}

fn said(code: &str, message: &str) -> String {
    match (code, message) {
        ("", "") => String::new(),
        ("", message) => format!(": {message}"),
        (code, "") => format!(": {code}"),
        (code, message) => format!(": {code}: {message}"),
    }
}

fn transport(error: &TransportError) -> String {
    match error.cause() {
        Some(cause) => format!("{error}: {cause}."),
        None => format!("{error}."),
    }
}

fn after_transport(error: &TransportError) -> &'static str {
    match error.kind {
        TransportErrorKind::Certificate | TransportErrorKind::Tls => {
            "If a proxy or a private endpoint uses a certificate of your own certificate authority, \
             set SSL_CERT_FILE to that authority's PEM file."
        }
        TransportErrorKind::OpenFiles => {
            "Increase the limit of open files, such as with `ulimit -n 10240`, or run Terraform with a lower \
             `-parallelism`."
        }
        TransportErrorKind::Connect => {
            "Check the network, HTTPS_PROXY and NO_PROXY, and the endpoints in the provider block."
        }
        _ => {
            "Run Terraform again. If the error persists, check the network between this machine and Azure."
        }
    }
}

fn stopped(why: Stopped, last: Option<&Error>, named: Option<&Operation>) -> String {
    let reason = match why {
        Stopped::Deadline => "The operation timed out.",
        Stopped::Cancelled => "The operation was interrupted.",
    };
    let last = last.map_or_else(String::new, |last| {
        let while_doing = match operation(last) {
            Some(operation) if Some(operation) != named => format!(", while {operation}"),
            _ => String::new(),
        };
        format!(
            "\nLast error before that{while_doing}: {}",
            outcome(last, operation(last))
        )
    });
    format!("{reason}{last}")
}

fn after_stop(why: Stopped) -> &'static str {
    match why {
        Stopped::Deadline => {
            "Run Terraform again, or increase the timeout in the `timeouts` block."
        }
        Stopped::Cancelled => "Run Terraform again. The state contains all completed changes.",
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::azure::OperationKind;
    use crate::azure::error::Refusal;

    fn operation() -> Operation {
        Operation::new(
            OperationKind::CreateTask,
            "/subscriptions/…/tasks/cssc-scan-image",
        )
    }

    fn refusal(status: StatusCode, code: &str, message: &str) -> Error {
        Error::Response(Box::new(Refusal {
            operation: operation(),
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            correlation_id: Some("c0".to_owned()),
            request_id: Some("r0".to_owned()),
            claims: None,
            outcome_unknown: false,
        }))
    }

    fn unanswered(kind: TransportErrorKind) -> Error {
        Error::Transport {
            operation: operation(),
            source: TransportError {
                kind,
                host: "management.azure.com".to_owned(),
                outcome_unknown: false,
                source: Some(std::sync::Arc::new(std::io::Error::other("the cause"))),
            },
        }
    }

    fn said(errors: &[Error]) -> String {
        let details: Vec<String> = errors.iter().map(|error| detail(&[error])).collect();
        details.join("\n---\n")
    }

    #[test]
    fn a_transport_error_names_the_host_and_the_cause() {
        insta::assert_snapshot!(said(&[
            unanswered(TransportErrorKind::Connect),
            unanswered(TransportErrorKind::OpenFiles),
            unanswered(TransportErrorKind::Certificate),
            unanswered(TransportErrorKind::Timeout),
        ]), @"
        While creating task /subscriptions/…/tasks/cssc-scan-image: management.azure.com is unreachable: the cause.

        Check the network, HTTPS_PROXY and NO_PROXY, and the endpoints in the provider block.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: this machine allows no further connection to management.azure.com: the cause.

        Increase the limit of open files, such as with `ulimit -n 10240`, or run Terraform with a lower `-parallelism`.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: the certificate of management.azure.com is not trusted: the cause.

        If a proxy or a private endpoint uses a certificate of your own certificate authority, set SSL_CERT_FILE to that authority's PEM file.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: management.azure.com did not answer in time: the cause.

        Run Terraform again. If the error persists, check the network between this machine and Azure.
        ");
    }

    #[test]
    fn a_timeout_names_the_last_failure() {
        let last = refusal(
            StatusCode::BAD_REQUEST,
            "PrincipalNotFound",
            "Not there yet.",
        );
        insta::assert_snapshot!(said(&[
            Error::Stopped {
                operation: operation(),
                why: Stopped::Deadline,
                last: Some(Box::new(last)),
            },
            Error::Stopped {
                operation: operation(),
                why: Stopped::Cancelled,
                last: None,
            },
        ]), @"
        While creating task /subscriptions/…/tasks/cssc-scan-image: The operation timed out.
        Last error before that: Azure answered 400 Bad Request: PrincipalNotFound: Not there yet.
        Correlation ID: c0
        Request ID: r0

        Run Terraform again, or increase the timeout in the `timeouts` block.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: The operation was interrupted.

        Run Terraform again. The state contains all completed changes.
        ");
    }

    #[test]
    fn a_failed_operation_has_advice_only_for_a_known_code() {
        insta::assert_snapshot!(said(&[
            Error::Failed {
                operation: operation(),
                state: "Failed".to_owned(),
                code: "Quota".to_owned(),
                message: "Too many tasks.".to_owned(),
            },
            Error::Failed {
                operation: operation(),
                state: "Failed".to_owned(),
                code: "ScopeLocked".to_owned(),
                message: "Locked.".to_owned(),
            },
            Error::Decode {
                operation: operation(),
                reason: "no id".to_owned(),
            },
        ]), @"
        While creating task /subscriptions/…/tasks/cssc-scan-image: Azure accepted the request, but the operation ended with status Failed: Quota: Too many tasks.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: Azure accepted the request, but the operation ended with status Failed: ScopeLocked: Locked.

        An Azure resource lock prevents this change. Remove the lock, apply again, then restore it.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: Azure returned an unexpected response: no id.

        Run Terraform again. If the error persists, report it to the developers of the provider.
        ");
    }
}
