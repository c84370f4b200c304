//! Requests and responses as the services see them.
//!
//! Every service is a plain function from the world and a [`Call`] to a [`Reply`], without sockets or
//! waiting. An error is a `Reply` too, so the services return `Result<Reply, Reply>` and use `?`.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, read in full.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The requested host in lower case, without the port.
    pub(crate) host: String,
    /// The host with its port, for links in responses.
    pub(crate) authority: String,
    /// The path as received, still percent-encoded.
    pub(crate) path: String,
    /// The query as received, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The time at which the request arrived.
    pub(crate) begun: Timestamp,
}

impl Call {
    /// Returns the first query parameter with this name. ARM and ACR ignore the letter case of names.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        pairs(self.query.as_bytes())
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns all query parameters with this name, in order and with exact letter case.
    pub(crate) fn params(&self, name: &str) -> Vec<String> {
        values(pairs(self.query.as_bytes()), name)
    }

    /// Returns the form fields of the body.
    pub(crate) fn form(&self) -> Form {
        Form(pairs(&self.body))
    }

    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// Returns the percent-decoded path segments. An encoded slash stays inside its segment.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decoded)
            .collect()
    }

    /// Returns the percent-decoded path.
    pub(crate) fn decoded_path(&self) -> String {
        decoded(&self.path)
    }
}

/// The fields of a form body.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        values(self.0.clone(), name)
    }
}

/// A complete response.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// The result of a service: a response, or an error response.
pub(crate) type Answer = Result<Reply, Reply>;

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::empty(status)
            .with("content-type", "application/json; charset=utf-8")
            .body(body.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn values(pairs: Vec<(String, String)>, name: &str) -> Vec<String> {
    pairs
        .into_iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value)
        .collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
