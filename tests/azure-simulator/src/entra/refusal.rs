//! Entra's refusals: a status, an OAuth error, a number, and a text with line breaks in it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::state::World;
use crate::wire::Reply;

/// Why Entra gives no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// OAuth's word, such as `invalid_client`.
    pub(crate) error: &'static str,
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    pub(crate) why: String,
}

impl Refusal {
    /// The credential isn't one.
    pub(crate) fn client(code: u32, why: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, why)
    }

    /// The request isn't one.
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

    /// The answer. Its description is one text with line breaks in it, as the real one has.
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

/// A time as Entra's texts have it.
pub(crate) fn stamp(seconds: i64) -> String {
    let time = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(seconds));
    let time = time.unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string()
}
