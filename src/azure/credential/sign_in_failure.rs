//! Why there is no token, as data. The wording for users is made elsewhere, from these fields.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use serde::Deserialize;

use crate::http::Response;

/// A sign-in that failed: how, as whom, and what came back.
#[derive(Clone, Debug, thiserror::Error)]
#[error("signing in with {method}: {message}")]
pub struct SignInFailure {
    /// The way of signing in, such as `a client secret`.
    pub method: &'static str,
    /// The tenant that was asked, where one was.
    pub tenant_id: Option<String>,
    /// The client ID that was given, where one was.
    pub client_id: Option<String>,
    /// What went wrong.
    pub problem: Problem,
    /// What Entra, the issuer or the tool said, as it came.
    pub message: String,
    /// The status of the answer, where there was one.
    pub status: Option<StatusCode>,
    /// Entra's trace id, which Azure's support asks for.
    pub trace_id: Option<String>,
    /// Entra's correlation id.
    pub correlation_id: Option<String>,
    /// Whether the user has read about this cause before.
    pub reported: Reported,
}

/// Whether the user has read about a cause. Failures with the same cause share it.
#[derive(Clone, Debug, Default)]
pub struct Reported(Arc<AtomicBool>);

impl Reported {
    /// Marks the cause as reported. Returns whether this is its first report.
    #[must_use]
    pub fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

impl SignInFailure {
    /// Whether the same remedy helps against both failures. Messages of Entra differ in their IDs and
    /// times, so its code decides if there is one.
    pub(super) fn has_cause_of(&self, other: &Self) -> bool {
        let code = aadsts(&self.message);
        self.method == other.method
            && self.tenant_id == other.tenant_id
            && self.client_id == other.client_id
            && self.problem == other.problem
            && code == aadsts(&other.message)
            && (code.is_some() || self.message == other.message)
    }

    /// Whether Entra knows nobody whom the token would be for. Whoever asks for us, such as an endpoint of
    /// managed identity, passes its code on within the message.
    #[must_use]
    pub fn is_unknown_audience(&self) -> bool {
        // 500011 in Azure's clouds, 50001 in those of Azure Local.
        matches!(aadsts(&self.message), Some(500_011 | 50_001))
    }
}

/// What went wrong with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Entra refused; with the number of its `AADSTS…` code, if it gave one.
    Refused(Option<u32>),
    /// Whoever was asked is busy or broken.
    Unavailable,
    /// What issues the ID token refused to.
    Issuer,
    /// The file that holds the ID token can't be read.
    TokenFile,
    /// No assertion can be signed with the certificate's key.
    Certificate,
    /// No endpoint of managed identity answers: this isn't Azure, or it is blocked.
    NoManagedIdentity,
    /// The endpoint of managed identity refused.
    ManagedIdentity,
    /// There is no `az`.
    CliMissing,
    /// The `az` that there is doesn't say when its tokens end.
    CliTooOld,
    /// The `az` refused; with the number of Entra's `AADSTS…` code, if it passed one on.
    Cli(Option<u32>),
    /// A value can't be what it is given as, such as a tenant with a slash.
    Value,
}

/// Who is signing in: what each of their failures repeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignInAttempt<'a> {
    pub(super) method: &'static str,
    pub(super) tenant_id: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
}

impl SignInAttempt<'_> {
    /// A failure without an answer.
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

    /// A failure that was answered. A server's own trouble is told from a refusal by its status.
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

/// An answer without a token, in the shape that Entra and managed identity share.
///
/// It travels inside azure_core's error, because azure_identity would lose it: it reads the
/// description as a borrowed text, which fails as soon as there is an escape in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl Refusal {
    /// Reads it. What isn't of that shape is left out: it may be a page of something in between.
    pub(super) fn read(response: &Response) -> Self {
        #[derive(Default, Deserialize)]
        struct Body {
            error: Option<String>,
            error_description: Option<String>,
            trace_id: Option<String>,
            correlation_id: Option<String>,
        }
        let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
        let said = body
            .error_description
            .filter(|text| !text.is_empty())
            .or(body.error);
        Self {
            status: response.status,
            message: said.unwrap_or_else(|| {
                format!("the answer was {} without a description", response.status)
            }),
            trace_id: body.trace_id,
            correlation_id: body.correlation_id,
        }
    }
}

/// The number in `AADSTS7000215: Invalid client secret provided. …`.
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
    fn the_code_and_the_ids_are_read_from_what_entra_says() {
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
    fn a_servers_own_trouble_is_no_refusal() {
        let page = reply(503).with_body("<html>planted</html>");
        let failure = WHO.refused(Refusal::read(&page), Problem::Refused(None));
        assert_eq!(failure.problem, Problem::Unavailable);
        insta::assert_snapshot!(failure, @"signing in with a test: the answer was 503 Service Unavailable without a description");
    }

    #[test]
    fn an_audience_is_unknown_whoever_passes_that_on() {
        let is_unknown = |problem, message: &str| WHO.fails(problem, message).is_unknown_audience();
        let entra = "AADSTS500011: The resource principal named x was not found.";
        assert!(is_unknown(Problem::Refused(Some(500_011)), entra));
        assert!(is_unknown(
            Problem::Cli(Some(500_011)),
            &format!("ERROR: {entra}")
        ));
        assert!(is_unknown(
            Problem::ManagedIdentity,
            "AADSTS50001: invalid_resource"
        ));
        assert!(!is_unknown(
            Problem::Refused(Some(50_011)),
            "AADSTS50011: The reply URL"
        ));
        assert!(!is_unknown(Problem::ManagedIdentity, "Identity not found"));
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
    fn a_message_may_have_no_code() {
        assert_eq!(aadsts("unauthorized_client"), None);
        assert_eq!(aadsts("AADSTS: odd"), None);
        assert_eq!(aadsts("AADSTS90002"), Some(90002));
    }
}
