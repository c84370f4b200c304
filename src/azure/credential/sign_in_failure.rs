//! Authentication errors as data. `provider::report` turns these fields into diagnostics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use serde_json::Value;

use crate::http::Response;

/// A failed sign-in: the method, the identity and the answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("signing in with {method}: {message}")]
pub struct SignInFailure {
    /// The authentication method, such as `a client secret`.
    pub method: &'static str,
    /// The tenant, if one is set.
    pub tenant_id: Option<String>,
    /// The client ID, if one is set.
    pub client_id: Option<String>,
    /// The cause.
    pub problem: Problem,
    /// The unchanged message from Entra, the issuer or the Azure CLI, or the provider's own message.
    pub message: String,
    /// The status of the answer, if one arrived.
    pub status: Option<StatusCode>,
    /// Entra's trace ID, which Azure support asks for.
    pub trace_id: Option<String>,
    /// Entra's correlation ID.
    pub correlation_id: Option<String>,
    /// Whether the user has read about this cause before.
    pub reported: Reported,
}

/// Whether the user has read about a cause. Failures with the same cause share it.
#[derive(Clone, Debug, Default)]
pub struct Reported(Arc<AtomicBool>);

impl PartialEq for Reported {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Reported {
    /// Marks the cause as reported. Returns whether this is its first report.
    #[must_use]
    pub fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

impl SignInFailure {
    /// Whether the same remedy helps against both failures. Entra's messages differ in their IDs and
    /// times, so an AADSTS code decides.
    pub(super) fn has_cause_of(&self, other: &Self) -> bool {
        let code = aadsts(&self.message);
        self.method == other.method
            && self.tenant_id == other.tenant_id
            && self.client_id == other.client_id
            && self.problem == other.problem
            && code == aadsts(&other.message)
            && (code.is_some() || self.message == other.message)
    }

    /// Whether a token for another audience can succeed. Entra has codes for an unknown audience. The Azure
    /// CLI and managed identity endpoints have only messages, which differ between Azure's services. So each
    /// of their refusals can be about the audience.
    #[must_use]
    pub fn can_be_about_the_audience(&self) -> bool {
        match self.problem {
            Problem::Cli(_) | Problem::ManagedIdentity => true,
            // Azure's clouds return 500011, and Azure Local returns 50001.
            _ => matches!(aadsts(&self.message), Some(500_011 | 50_001)),
        }
    }
}

/// The cause of a failed sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Entra refused, or its answer has no readable token. Contains the number of the `AADSTS…` code, if
    /// Entra gave one.
    Refused(Option<u32>),
    /// The server failed, timed out or throttled the request.
    Unavailable,
    /// The issuer issued no ID token.
    Issuer,
    /// Azure DevOps issued no ID token, because no service connection is configured.
    NoServiceConnection,
    /// The ID token's file is empty or can't be read.
    TokenFile,
    /// The certificate's key could not sign an assertion.
    Certificate,
    /// No managed identity endpoint answered. The machine is not in Azure, or the endpoint is blocked.
    NoManagedIdentity,
    /// The managed identity endpoint refused the request, or its answer has no usable token.
    ManagedIdentity,
    /// `az` was not found.
    CliMissing,
    /// The installed `az` is too old. It doesn't know `--scope`, or doesn't say when a token expires.
    CliTooOld,
    /// `az` did not end in time.
    CliHanging,
    /// `az` failed. Contains the number of Entra's `AADSTS…` code, if the message has one.
    Cli(Option<u32>),
    /// A value is not valid, such as a tenant ID with a slash.
    Value,
}

/// The method and the identity of a sign-in. Every failure contains them.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignInAttempt<'a> {
    pub(super) method: &'static str,
    pub(super) tenant_id: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
}

impl SignInAttempt<'_> {
    /// Returns a failure without an HTTP status.
    pub(super) fn fails(self, problem: Problem, message: impl fmt::Display) -> SignInFailure {
        SignInFailure {
            method: self.method,
            tenant_id: self.tenant_id.map(str::to_owned),
            client_id: self.client_id.map(str::to_owned),
            problem,
            message: message.to_string().trim().to_owned(),
            status: None,
            trace_id: None,
            correlation_id: None,
            reported: Reported::default(),
        }
    }

    /// Returns a failure for an answer. Its status decides between an unavailable server and a refusal.
    pub(super) fn refused(self, refusal: Refusal, problem: Problem) -> SignInFailure {
        let busy = refusal.status.is_server_error()
            || matches!(
                refusal.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        let problem = match problem {
            _ if busy => Problem::Unavailable,
            Problem::Refused(_) => Problem::Refused(aadsts(&refusal.message)),
            other => other,
        };
        SignInFailure {
            status: Some(refusal.status),
            trace_id: refusal.trace_id,
            correlation_id: refusal.correlation_id,
            ..self.fails(problem, refusal.message)
        }
    }
}

/// An error answer of Entra, a managed identity endpoint or an issuer of ID tokens.
///
/// azure_core's error carries it, because azure_identity would lose it. azure_identity reads the description
/// as a borrowed text, which fails if the JSON contains an escape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl Refusal {
    /// Reads an error answer. A body of another shape may be a proxy's page, so it is not part of the
    /// message.
    pub(super) fn read(response: &Response) -> Self {
        /// Where a message can be. Entra and virtual machines use the first two, and the Cloud Shell uses the
        /// third. App Service and Azure DevOps use the fourth, and Azure DevOps also uses the last.
        const MESSAGES: [&str; 5] = [
            "/error_description",
            "/error",
            "/error/message",
            "/message",
            "/value/Message",
        ];
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |pointer: &str| {
            let text = body.pointer(pointer)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        Self {
            status: response.status,
            message: MESSAGES.into_iter().find_map(text).unwrap_or_else(|| {
                format!(
                    "the server answered {} without a description",
                    response.status
                )
            }),
            trace_id: text("/trace_id"),
            correlation_id: text("/correlation_id"),
        }
    }
}

/// Returns the number in a message such as `AADSTS7000215: Invalid client secret provided. …`.
pub(crate) fn aadsts(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("AADSTS")?;
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;
    use crate::http::scripted_transport::{json, reply};

    const WHO: SignInAttempt<'static> = SignInAttempt {
        method: "a test",
        tenant_id: Some("tenant"),
        client_id: Some("client"),
    };

    #[test]
    fn reads_the_code_and_the_ids_from_entras_answer() {
        let answer = value!({
            "error": "invalid_client",
            "error_description": "AADSTS7000222: The provided client secret keys are \"expired\".\r\n",
            "trace_id": "t-1",
            "correlation_id": "c-1",
        });
        let refusal = Refusal::read(&json(401, &answer));
        let failure = WHO.refused(refusal, Problem::Refused(None));
        assert_eq!(failure.problem, Problem::Refused(Some(7_000_222)));
        assert_eq!(failure.trace_id.as_deref(), Some("t-1"));
        assert_eq!(failure.correlation_id.as_deref(), Some("c-1"));
        insta::assert_snapshot!(failure, @r#"signing in with a test: AADSTS7000222: The provided client secret keys are "expired"."#);
    }

    #[test]
    fn a_server_error_is_unavailable_and_not_a_refusal() {
        let page = reply(503).with_body("<html>planted</html>");
        let failure = WHO.refused(Refusal::read(&page), Problem::Refused(None));
        assert_eq!(failure.problem, Problem::Unavailable);
        insta::assert_snapshot!(failure, @"signing in with a test: the server answered 503 Service Unavailable without a description");
    }

    #[test]
    fn a_refusal_by_the_cli_or_a_managed_identity_can_be_about_the_audience() {
        let can_be = |problem, message: &str| {
            let failure = WHO.fails(problem, message);
            failure.can_be_about_the_audience()
        };
        let entra = "AADSTS500011: The resource principal named x was not found.";
        assert!(can_be(Problem::Refused(Some(500_011)), entra));
        let reply_url = "AADSTS50011: The reply URL";
        assert!(!can_be(Problem::Refused(Some(50_011)), reply_url));
        let cloud_shell = "Audience x is not a supported MSI token audience.";
        assert!(can_be(Problem::Cli(None), cloud_shell));
        assert!(can_be(Problem::ManagedIdentity, cloud_shell));
        for other in [
            Problem::CliMissing,
            Problem::CliTooOld,
            Problem::CliHanging,
            Problem::NoManagedIdentity,
            Problem::Unavailable,
        ] {
            assert!(!can_be(other, "no"), "{other:?}");
        }
    }

    #[test]
    fn reads_the_message_of_each_service() {
        let message = |answer| Refusal::read(&json(400, &answer)).message;
        let cloud_shell = value!({"error": {"code": "AudienceNotSupported", "message": "Audience x is not supported."}});
        assert_eq!(message(cloud_shell), "Audience x is not supported.");
        let app_service = value!({"statusCode": 401, "message": "The header is wrong."});
        assert_eq!(message(app_service), "The header is wrong.");
        let azure_devops =
            value!({"count": 1, "value": {"Message": "Method 'GET' is not supported."}});
        assert_eq!(message(azure_devops), "Method 'GET' is not supported.");
        let virtual_machine = value!({"error": "invalid_request", "error_description": ""});
        assert_eq!(message(virtual_machine), "invalid_request");
    }

    #[test]
    fn failures_have_the_same_cause_if_only_their_ids_and_times_differ() {
        let fails = |problem, message: &str| WHO.fails(problem, message);
        let wrong = fails(
            Problem::Refused(Some(7_000_215)),
            "AADSTS7000215: No. Trace ID: 1",
        );
        let again = fails(
            Problem::Refused(Some(7_000_215)),
            "AADSTS7000215: No. Trace ID: 2",
        );
        let expired = fails(
            Problem::Refused(Some(7_000_222)),
            "AADSTS7000222: No. Trace ID: 1",
        );
        assert!(wrong.has_cause_of(&again));
        assert!(!wrong.has_cause_of(&expired));
        let missing = fails(Problem::TokenFile, "a: not found");
        assert!(!missing.has_cause_of(&fails(Problem::TokenFile, "b: not found")));
    }

    #[test]
    fn reads_a_code_only_if_the_message_has_one() {
        assert_eq!(aadsts("unauthorized_client"), None);
        assert_eq!(aadsts("AADSTS: odd"), None);
        assert_eq!(aadsts("AADSTS90002"), Some(90002));
    }
}
