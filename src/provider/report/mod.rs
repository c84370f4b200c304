//! Azure's failures in words for the user: what was tried on which id, what Azure said as it said
//! it, and the next step.

mod missing_right;
mod refusal;
mod sign_in;

use crate::azure::error::Error;

use crate::azure::operation::Operation;
use crate::http::{Stopped, TransportError, TransportErrorKind};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};

/// A failure under a summary that says what could not be done.
pub(crate) fn failure(summary: &str, error: &Error) -> Diagnostic {
    Diagnostic::error(summary, detail(error))
}

/// Several failures of one operation. What one cause has brought about in several places is said
/// once for each place.
pub(super) fn failures(summary: &str, errors: &[Error]) -> Diagnostics {
    errors.iter().map(|error| failure(summary, error)).collect()
}

/// What was tried and what came of it, for whoever knows the next step better.
pub(crate) fn happened(error: &Error) -> String {
    let (happened, _) = parts(error);
    happened
}

fn detail(error: &Error) -> String {
    let (happened, next) = parts(error);
    format!("{happened}\n\n{next}")
}

/// What happened, and the next step.
fn parts(error: &Error) -> (String, String) {
    match error {
        Error::Response(refusal) => (refusal::quoted(refusal), refusal::next_step(refusal)),
        Error::Failed {
            operation,
            state,
            code,
            message,
        } => (
            format!(
                "{} Azure accepted it, and then it ended as {state}{}",
                while_doing(operation),
                said(code, message)
            ),
            "Run it again once the cause is gone.".to_owned(),
        ),
        Error::Transport { operation, source } => (
            format!("{} {}", while_doing(operation), transport(source)),
            after_transport(source).to_owned(),
        ),
        Error::Stopped {
            operation,
            why,
            last,
        } => (
            stopped(operation, *why, last.as_deref()),
            after_stop(*why).to_owned(),
        ),
        Error::SignIn(failure) => (
            sign_in::failed(failure),
            sign_in::next_step(failure).to_owned(),
        ),
        Error::Decode { operation, reason } => (
            format!(
                "{} The answer isn't what Azure documents: {reason}.",
                while_doing(operation)
            ),
            "Run it again; if it stays, report it to the developers of the provider.".to_owned(),
        ),
    }
}

/// "creating task /subscriptions/…" as the beginning of a paragraph.
fn while_doing(operation: &Operation) -> String {
    format!("While {operation}:")
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
            "If a proxy or a private endpoint has a certificate of your own authority, name that \
             authority's PEM file in SSL_CERT_FILE."
        }
        TransportErrorKind::Connect => {
            "Check the network, HTTPS_PROXY and NO_PROXY, and the endpoints of the provider block."
        }
        _ => "Run it again; if it stays, check the network between here and Azure.",
    }
}

fn stopped(operation: &Operation, why: Stopped, last: Option<&Error>) -> String {
    let reason = match why {
        Stopped::Deadline => "The time allowed for this operation is over.",
        Stopped::Cancelled => "The operation was interrupted.",
    };
    let last = last.map_or_else(String::new, |last| {
        format!("\nThe last answer before that: {}", happened(last))
    });
    format!("{} {reason}{last}", while_doing(operation))
}

fn after_stop(why: Stopped) -> &'static str {
    match why {
        Stopped::Deadline => "Run it again, or allow more time in the `timeouts` block.",
        Stopped::Cancelled => "Run it again; whatever has been changed by now is in the state.",
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
        let details: Vec<String> = errors.iter().map(detail).collect();
        details.join("\n---\n")
    }

    #[test]
    fn no_answer_says_how_far_it_got_and_why() {
        insta::assert_snapshot!(said(&[
            unanswered(TransportErrorKind::Connect),
            unanswered(TransportErrorKind::Certificate),
            unanswered(TransportErrorKind::Timeout),
        ]), @"
        While creating task /subscriptions/…/tasks/cssc-scan-image: management.azure.com is unreachable: the cause.

        Check the network, HTTPS_PROXY and NO_PROXY, and the endpoints of the provider block.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: the certificate of management.azure.com is not trusted: the cause.

        If a proxy or a private endpoint has a certificate of your own authority, name that authority's PEM file in SSL_CERT_FILE.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: management.azure.com did not answer in time: the cause.

        Run it again; if it stays, check the network between here and Azure.
        ");
    }

    #[test]
    fn what_stopped_an_operation_comes_with_the_last_answer() {
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
        While creating task /subscriptions/…/tasks/cssc-scan-image: The time allowed for this operation is over.
        The last answer before that: While creating task /subscriptions/…/tasks/cssc-scan-image: Azure answered 400 Bad Request: PrincipalNotFound: Not there yet.
        Correlation ID: c0
        Request ID: r0

        Run it again, or allow more time in the `timeouts` block.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: The operation was interrupted.

        Run it again; whatever has been changed by now is in the state.
        ");
    }

    #[test]
    fn other_failures_are_sentences_too() {
        insta::assert_snapshot!(said(&[
            Error::Failed {
                operation: operation(),
                state: "Failed".to_owned(),
                code: "Quota".to_owned(),
                message: "Too many tasks.".to_owned(),
            },
            Error::Decode {
                operation: operation(),
                reason: "no id".to_owned(),
            },
        ]), @"
        While creating task /subscriptions/…/tasks/cssc-scan-image: Azure accepted it, and then it ended as Failed: Quota: Too many tasks.

        Run it again once the cause is gone.
        ---
        While creating task /subscriptions/…/tasks/cssc-scan-image: The answer isn't what Azure documents: no id.

        Run it again; if it stays, report it to the developers of the provider.
        ");
    }
}
