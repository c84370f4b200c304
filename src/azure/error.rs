//! Azure errors as data: the operation, the resource ID and the cause.
//!
//! `provider::report` turns these fields into diagnostics.

use http::StatusCode;

use crate::azure::absence;
use crate::azure::credential::SignInFailure;
use crate::azure::error_body::described;
use crate::azure::operation::Operation;
use crate::azure::www_authenticate;
use crate::http::{Response, SendError, Stopped, TransportError};

/// Azure's code if the subscription may not run ACR Tasks, as with many free and trial subscriptions.
pub(crate) const TASKS_NOT_ALLOWED: &str = "TasksOperationsNotAllowed";

/// A failed request to Azure or a failed authentication.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Azure refused the request.
    #[error(transparent)]
    Response(Box<Refusal>),
    /// Azure accepted the request, but the operation then failed.
    #[error("{operation}: ended as {state}{}", said(code, message))]
    Failed {
        /// The operation.
        operation: Operation,
        /// The final state, such as `Failed`.
        state: String,
        /// Azure's error code. Empty if Azure gave no code.
        code: String,
        /// Azure's message. Empty if Azure gave no message.
        message: String,
    },
    /// No answer arrived.
    #[error("{operation}")]
    Transport {
        /// The operation.
        operation: Operation,
        /// How far the request got.
        source: TransportError,
    },
    /// The deadline passed, or the user cancelled.
    #[error("{operation}: {why}")]
    Stopped {
        /// The operation that was stopped or would have been next.
        operation: Operation,
        /// Deadline or cancellation.
        why: Stopped,
        /// The last failure, if the operation was about to retry.
        #[source]
        last: Option<Box<Self>>,
    },
    /// Azure's answers contradict each other, or contradict what Azure has accepted.
    #[error("{operation}: {reason}")]
    Inconsistent {
        /// The operation.
        operation: Operation,
        /// The contradiction, as a sentence.
        reason: String,
        /// The next step, if it is not to run Terraform again later.
        advice: Option<&'static str>,
    },
    /// No token could be obtained.
    #[error(transparent)]
    SignIn(Box<SignInFailure>),
    /// The answer has an unexpected shape.
    #[error("{operation}: unexpected answer: {reason}")]
    Decode {
        /// The operation.
        operation: Operation,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// An answer that refuses the request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation}: {status}{}", said(code, message))]
pub struct Refusal {
    /// The operation.
    pub operation: Operation,
    /// The status.
    pub status: StatusCode,
    /// Azure's error code, such as `PrincipalNotFound`. Empty if Azure gave no code.
    pub code: String,
    /// Azure's message, followed by the details that Azure lists separately, such as missing permissions
    /// and policies. Empty if Azure gave no message.
    pub message: String,
    /// The correlation ID, which Azure support asks for.
    pub correlation_id: Option<String>,
    /// The request ID.
    pub request_id: Option<String>,
    /// The claims challenge of a 401, in Base64.
    pub claims: Option<String>,
    /// Whether an attempt may have been carried out anyway. See [`Response::outcome_unknown`].
    pub outcome_unknown: bool,
}

impl Error {
    /// Returns Azure's error code, if Azure gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let code = match self {
            Self::Response(refusal) => &refusal.code,
            Self::Failed { code, .. } => code,
            Self::Transport { .. }
            | Self::Stopped { .. }
            | Self::Inconsistent { .. }
            | Self::SignIn(_)
            | Self::Decode { .. } => return None,
        };
        Some(code.as_str()).filter(|code| !code.is_empty())
    }

    /// Returns the status, if Azure refused the request.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response(refusal) => Some(refusal.status),
            Self::Failed { .. }
            | Self::Transport { .. }
            | Self::Stopped { .. }
            | Self::Inconsistent { .. }
            | Self::SignIn(_)
            | Self::Decode { .. } => None,
        }
    }

    /// Whether Azure answered 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether the service that owns the resource says that it, or one of its parents, doesn't exist. The
    /// rule is in `azure::absence`.
    ///
    /// Another 404 doesn't prove that. The signed-in identity may have no access to the subscription, and
    /// an answer without a code comes from a proxy or gateway.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.is_not_found() && self.code().is_some_and(absence::is_own_code)
    }

    /// Whether Azure answered 409.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// Whether the user cancelled the operation.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Stopped {
                why: Stopped::Cancelled,
                ..
            }
        )
    }

    /// Whether the failed write may have been carried out anyway. It considers every attempt, not only
    /// the last.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Response(refusal) => refusal.outcome_unknown,
            Self::Transport { source, .. } => source.outcome_unknown,
            Self::Stopped { last, .. } => {
                last.as_ref().is_some_and(|last| last.may_have_been_done())
            }
            Self::Failed { .. } | Self::Decode { .. } => true,
            Self::Inconsistent { .. } | Self::SignIn(_) => false,
        }
    }

    pub(crate) fn refused(operation: &Operation, response: &Response) -> Self {
        let header = |name| response.header(name).map(str::to_owned);
        let (mut code, message) = described(&response.body);
        if code.is_empty() {
            // Azure Storage describes errors in XML, and repeats the code in this header.
            code = header("x-ms-error-code").unwrap_or_default();
        }
        Self::Response(Box::new(Refusal {
            operation: operation.clone(),
            status: response.status,
            code,
            message,
            correlation_id: header("x-ms-correlation-request-id"),
            request_id: header("x-ms-request-id"),
            claims: www_authenticate::claims(response),
            outcome_unknown: response.outcome_unknown,
        }))
    }

    pub(crate) fn unsent(operation: &Operation, error: SendError) -> Self {
        match error {
            SendError::Transport(source) => Self::Transport {
                operation: operation.clone(),
                source,
            },
            SendError::Stopped { why, last } => Self::Stopped {
                operation: operation.clone(),
                why,
                last: last.map(|last| Box::new(Self::unfinished(operation, *last))),
            },
        }
    }

    /// Adds an earlier answer to the same request. If that answer left the outcome unknown, then this
    /// error does too.
    pub(crate) fn after(mut self, operation: &Operation, answer: &Response) -> Self {
        if !answer.outcome_unknown || self.may_have_been_done() {
            return self;
        }
        let earlier = Self::refused(operation, answer);
        match &mut self {
            Self::Response(refusal) => refusal.outcome_unknown = true,
            Self::Transport { source, .. } => source.outcome_unknown = true,
            Self::Stopped { last, .. } => {
                *last = Some(Box::new(match last.take() {
                    Some(later) => later.after(operation, answer),
                    None => earlier,
                }));
            }
            // The unknown outcome matters more than why the token could not be renewed.
            Self::SignIn(_) => return earlier,
            Self::Failed { .. } | Self::Inconsistent { .. } | Self::Decode { .. } => {}
        }
        self
    }

    pub(crate) fn stopped(operation: &Operation, why: Stopped) -> Self {
        Self::Stopped {
            operation: operation.clone(),
            why,
            last: None,
        }
    }

    pub(crate) fn inconsistent(operation: Operation, reason: impl Into<String>) -> Self {
        Self::Inconsistent {
            operation,
            reason: reason.into(),
            advice: None,
        }
    }

    pub(crate) fn unexpected(operation: &Operation, reason: impl Into<String>) -> Self {
        Self::Decode {
            operation: operation.clone(),
            reason: reason.into(),
        }
    }

    fn unfinished(operation: &Operation, last: Result<Response, TransportError>) -> Self {
        match last {
            Ok(response) => Self::refused(operation, &response),
            Err(source) => Self::Transport {
                operation: operation.clone(),
                source,
            },
        }
    }
}

impl From<SignInFailure> for Error {
    fn from(failure: SignInFailure) -> Self {
        Self::SignIn(Box::new(failure))
    }
}

/// Returns Azure's code and message as the end of a sentence, or an empty text if both are empty.
fn said(code: &str, message: &str) -> String {
    let words = [code, message].into_iter().filter(|word| !word.is_empty());
    words.flat_map(|word| [": ", word]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;
    use crate::azure::OperationKind;
    use crate::azure::credential::{Problem, Reported};
    use crate::http::TransportErrorKind;
    use crate::http::scripted_transport::{failure, json, recorded, reply};

    fn refused(response: &Response) -> Error {
        Error::refused(
            &Operation::new(OperationKind::ReadTask, "/tasks/x"),
            response,
        )
    }

    #[test]
    fn reads_a_resource_manager_error() {
        let response = recorded(include_str!(
            "../../tests/golden/recorded/task-get-404.json"
        ))
        .with("x-ms-correlation-request-id", "c-1")
        .with("x-ms-request-id", "r-1");
        let error = refused(&response);
        assert!(error.is_not_found() && !error.is_conflict());
        assert_eq!(error.code(), Some("ResourceNotFound"));
        let Error::Response(refusal) = error else {
            panic!("refusal expected");
        };
        assert!(
            refusal
                .message
                .starts_with("The Resource 'Microsoft.ContainerRegistry/")
        );
        assert_eq!(refusal.correlation_id.as_deref(), Some("c-1"));
        assert_eq!(refusal.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn only_a_missing_resource_or_parent_is_gone() {
        let gone = |status, code: &str| {
            refused(&json(
                status,
                &value!({"error": {"code": code, "message": "…"}}),
            ))
            .is_gone()
        };
        assert!(gone(404, "ResourceNotFound"));
        assert!(gone(404, "ResourceGroupNotFound"));
        assert!(gone(404, "ParentResourceNotFound"));
        assert!(!gone(404, "SubscriptionNotFound"));
        assert!(!gone(404, "InvalidSubscriptionId"));
        assert!(!gone(409, "ResourceNotFound"));
        let page = refused(&reply(404).with_body("<html>"));
        assert!(page.is_not_found() && !page.is_gone());
    }

    #[test]
    fn the_outcome_stays_unknown_after_any_later_error() {
        let operation = Operation::new(OperationKind::CreateTask, "/tasks/x");
        let mut doubtful = reply(401);
        doubtful.outcome_unknown = true;
        let failures = || {
            [
                refused(&reply(403)),
                Error::unsent(&operation, failure(TransportErrorKind::Connect).into()),
                Error::stopped(&operation, Stopped::Cancelled),
                Error::Stopped {
                    operation: operation.clone(),
                    why: Stopped::Deadline,
                    last: Some(Box::new(refused(&reply(429)))),
                },
                sign_in_failure().into(),
            ]
        };
        let said: Vec<String> = failures()
            .into_iter()
            .map(|error| {
                let error = error.after(&operation, &doubtful);
                assert!(error.may_have_been_done(), "{error:?}");
                error.to_string()
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @"
        reading task /tasks/x: 403 Forbidden
        creating task /tasks/x
        creating task /tasks/x: the operation was cancelled
        creating task /tasks/x: the operation timed out
        creating task /tasks/x: 401 Unauthorized
        ");
        let clear = |error: Error| error.after(&operation, &reply(401)).may_have_been_done();
        assert!(!failures().into_iter().any(clear));
    }

    fn sign_in_failure() -> SignInFailure {
        SignInFailure {
            method: "a test",
            tenant_id: None,
            client_id: None,
            problem: Problem::Unavailable,
            message: String::new(),
            status: None,
            trace_id: None,
            correlation_id: None,
            reported: Reported::default(),
        }
    }

    #[test]
    fn reads_a_registry_error() {
        let response = recorded(include_str!(
            "../../tests/golden/recorded/acr-unauthorized.json"
        ));
        insta::assert_snapshot!(
            refused(&response),
            @"reading task /tasks/x: 401 Unauthorized: UNAUTHORIZED: authentication required, visit https://aka.ms/acr/authorization for more information. (it needs pull on repository csscpolicies/patchpolicy, push on repository csscpolicies/patchpolicy)"
        );
    }

    #[test]
    fn a_gateways_page_is_not_part_of_the_error() {
        let error = refused(&reply(502).with_body("<html>token=planted</html>"));
        assert_eq!(error.code(), None);
        assert!(!format!("{error:?}").contains("planted"));
        insta::assert_snapshot!(error, @"reading task /tasks/x: 502 Bad Gateway");
    }
}
