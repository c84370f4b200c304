//! HTTP as values: a request goes in, a response or a named failure comes out.
//!
//! This layer knows of proxies, certificates, time limits and repetition. It knows nothing of Azure,
//! and follows no redirect by itself: only the caller can tell which credentials may follow.
//!
//! [`Transport`] is the seam that tests replace.

pub(crate) mod backoff;
pub(crate) mod budget;
pub mod client;
mod concurrency;
pub(crate) mod error_source;
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod loopback;
mod pipeline;
mod proxy;
pub(crate) mod redirect;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod scripted_transport;
mod throttle;
mod tls_roots;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use url::Url;

pub(crate) use backoff::Backoff;
pub use budget::{Budget, Stopped};
pub(crate) use concurrency::LOOKUPS_AT_ONCE;
pub use pipeline::{Pipeline, SendError};
pub use throttle::Lane;
pub use tls_roots::TrustError;

/// The longest answer that is read unless a request says otherwise, in bytes. A page of a list in Resource
/// Manager is far below it.
pub const LONGEST_ANSWER: usize = 8 << 20;

/// What sends a request. The one implementation outside of tests is [`client::Client`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request once, and reads the whole answer. Any status is a success here.
    ///
    /// # Errors
    /// When no complete answer came; the kind says how far things got.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A request. Its `Debug` shows neither headers nor body nor query.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The headers, the credentials among them.
    pub headers: HeaderMap,
    /// The body, empty for none.
    pub body: Bytes,
    /// What it does to the world.
    pub effect: Effect,
    /// With whom it shares a limit at the server; `None` for all of its kind at the host.
    pub lane: Option<Lane>,
    /// The longest answer that is read, in bytes, decompressed.
    pub limit: usize,
}

/// What a request does to the world: whether it may be sent again when nobody knows if it has been
/// carried out, and whether anything has happened then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It asks, and changes nothing.
    Nothing,
    /// It changes something; twice is the same as once.
    Repeatable,
    /// Twice could be two things; only what surely wasn't carried out is sent again.
    Once,
}

impl Request {
    /// A request without headers and body. A POST is sent once until it says otherwise.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        let effect = match method {
            Method::GET | Method::HEAD => Effect::Nothing,
            Method::POST => Effect::Once,
            _ => Effect::Repeatable,
        };
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            effect,
            lane: None,
            limit: LONGEST_ANSWER,
        }
    }

    /// Declares what it does, where its method doesn't tell.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Says with whom it shares a limit at the server.
    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lane = Some(lane);
        self
    }

    /// Says how many bytes its answer may have, where that isn't [`LONGEST_ANSWER`].
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets a body of the given media type.
    #[must_use]
    pub fn body(self, media_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        let mut request = self.header(CONTENT_TYPE, media_type);
        request.body = body.into();
        request
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        let text = serde_json::to_vec(body).expect("request bodies are plain data with text keys");
        self.body(HeaderValue::from_static("application/json"), text)
    }

    /// Sets a form as the body.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(fields);
        self.body(
            HeaderValue::from_static("application/x-www-form-urlencoded"),
            text.finish(),
        )
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &host(&self.url))
            .field("path", &self.url.path())
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

/// A complete answer. Its `Debug` shows neither headers nor body.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// Whether the request has changed something, for all that anybody knows: it or an earlier attempt
    /// got no clear answer. [`Pipeline::send`] fills it in; one attempt alone can't tell.
    pub outcome_unknown: bool,
}

impl Response {
    /// A header's text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why no complete answer came.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .kind.sentence(host))]
pub struct TransportError {
    /// How far the request got.
    pub kind: TransportErrorKind,
    /// The host that was asked, with its port where it isn't the usual one.
    pub host: String,
    /// As of a [`Response`].
    pub outcome_unknown: bool,
    /// What was seen underneath.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// The one sentence underneath that tells most, as an ending: `connection refused`.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        self.source.as_deref().map(|it| error_source::innermost(it))
    }
}

/// How far a request got that wasn't answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// No connection: the name isn't known, or nobody listens, or a proxy refuses. Nothing was sent.
    Connect,
    /// The server's certificate isn't trusted. Nothing was sent.
    Certificate,
    /// No agreement on TLS for another reason. Nothing was sent.
    Tls,
    /// No answer in time. It may have been carried out.
    Timeout,
    /// The connection was cut. It may have been carried out.
    Interrupted,
    /// The answer is longer than the request allows.
    TooLarge,
    /// The request itself couldn't be made.
    Request,
}

impl TransportErrorKind {
    fn sentence(self, host: &str) -> String {
        match self {
            Self::Connect => format!("{host} is unreachable"),
            Self::Certificate => format!("the certificate of {host} is not trusted"),
            Self::Tls => format!("no TLS connection to {host} could be agreed on"),
            Self::Timeout => format!("{host} did not answer in time"),
            Self::Interrupted => format!("the connection to {host} was cut"),
            Self::TooLarge => format!("the answer of {host} is too large"),
            Self::Request => format!("no request could be made for {host}"),
        }
    }
}

/// The host of an address, with its port where it isn't the scheme's usual one.
#[must_use]
pub fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Url {
        Url::parse("https://blobs.example:8443/a/b?sig=planted").unwrap()
    }

    #[test]
    fn debug_of_a_request_shows_no_credentials_no_query_and_no_body() {
        let request = Request::new(Method::POST, address())
            .header(
                http::header::AUTHORIZATION,
                HeaderValue::from_static("Bearer planted"),
            )
            .form(&[("client_secret", "planted")]);
        insta::assert_snapshot!(
            format!("{request:?}"),
            @r#"Request { method: POST, host: "blobs.example:8443", path: "/a/b", effect: Once, .. }"#
        );
    }

    #[test]
    fn debug_of_a_response_shows_its_length_only() {
        let mut headers = HeaderMap::new();
        headers.insert("location", HeaderValue::from_static("planted"));
        let response = Response {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(b"planted"),
            outcome_unknown: false,
        };
        insta::assert_snapshot!(
            format!("{response:?}"),
            @"Response { status: 200, body_length: 7, .. }"
        );
    }

    #[test]
    fn a_form_is_escaped() {
        let request = Request::new(Method::POST, address()).form(&[("a", "x&y=z +"), ("b", "")]);
        assert_eq!(&request.body[..], b"a=x%26y%3Dz+%2B&b=");
    }

    #[test]
    fn the_method_tells_the_effect_unless_the_request_says_otherwise() {
        let effect = |method| Request::new(method, address()).effect;
        assert_eq!(
            [Method::GET, Method::HEAD].map(effect),
            [Effect::Nothing; 2]
        );
        assert_eq!(
            [Method::PUT, Method::PATCH, Method::DELETE].map(effect),
            [Effect::Repeatable; 3]
        );
        assert_eq!(effect(Method::POST), Effect::Once);
        let asks = Request::new(Method::POST, address()).effect(Effect::Nothing);
        assert_eq!(asks.effect, Effect::Nothing);
    }
}
