//! Entra's error responses: a status, an OAuth error, an AADSTS code, and a description with line breaks.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::state::World;
use crate::wire::Reply;

/// An error of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The OAuth error, such as `invalid_client`.
    pub(crate) error: &'static str,
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    pub(crate) why: String,
}

impl Refusal {
    /// Returns `invalid_client`: the credential is not accepted.
    pub(crate) fn client(code: u32, why: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, why)
    }

    /// Returns `invalid_request`: the request is malformed.
    pub(crate) fn request(code: u32, why: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", code, why)
    }

    pub(crate) fn new(status: u16, error: &'static str, code: u32, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            status,
            error,
            code,
            why,
        }
    }

    /// Returns the response. Its description contains line breaks, as Entra's does.
    pub(crate) fn reply(&self, world: &World) -> Reply {
        let Self {
            status,
            error,
            code,
            why,
        } = self;
        let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let time = Timestamp::strftime(&world.now(), "%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!(
            "AADSTS{code}: {why}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}"
        );
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://{}/error?code={code}", world.cloud.login_host()),
        });
        Reply::json(*status, &body)
    }
}

/// Formats a time as in Entra's descriptions.
pub(crate) fn stamp(seconds: i64) -> String {
    let time = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(seconds));
    let time = time.unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string()
}
