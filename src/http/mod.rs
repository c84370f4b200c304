//! An HTTP client as a function: a request goes in, a response or a typed error comes out.
//!
//! This layer handles proxies, certificates, timeouts and retries. It has no knowledge of Azure. It
//! follows no redirect by itself, because only the caller knows which credentials may go to the new
//! address.
//!
//! Tests replace [`Transport`].

pub(crate) mod backoff;
pub(crate) mod budget;
pub mod client;
mod concurrency;
pub(crate) mod error_source;
mod host_pool;
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod loopback;
mod open_files;
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
pub use proxy::ProxyError;
pub use throttle::Lane;
pub use tls_roots::TrustError;
pub(crate) use tls_roots::pem_files;

/// The longest answer that the client reads by default, in bytes. A page of a Resource Manager list is
/// far smaller.
pub const LONGEST_ANSWER: usize = 8 << 20;

/// Sends a request. Outside of tests, [`client::Client`] is the only implementation.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request once and reads the whole answer. Any status is a success here.
    ///
    /// # Errors
    /// If no complete answer arrives. The error's kind says how far the request got.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A request. Its `Debug` shows neither headers nor body nor query.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The full URL.
    pub url: Url,
    /// The headers, including credentials.
    pub headers: HeaderMap,
    /// The body. It may be empty.
    pub body: Bytes,
    /// What the request changes on the server.
    pub effect: Effect,
    /// The lanes whose rate limits the request shares, from the widest to the narrowest. A 429 that is about
    /// none of them closes the narrowest. If empty, the request has the default lane of its host and kind.
    pub lanes: Vec<Lane>,
    /// The longest answer that the client reads, in decompressed bytes.
    pub limit: usize,
}

/// What a request changes on the server. It decides whether a request may be sent again after an unclear
/// outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It reads and changes nothing.
    Nothing,
    /// It changes something. Sending it twice has the same effect as once.
    Repeatable,
    /// Sending it twice could have two effects. It is sent again only if the server certainly didn't
    /// carry it out.
    Once,
}

impl Request {
    /// Creates a request without headers and body. By default a POST has [`Effect::Once`].
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
            lanes: Vec::new(),
            limit: LONGEST_ANSWER,
        }
    }

    /// Sets the effect if it differs from the default for the method.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Sets the lanes whose rate limits the request shares, from the widest to the narrowest.
    #[must_use]
    pub fn lanes(mut self, lanes: Vec<Lane>) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets the longest answer to read, in bytes. Defaults to [`LONGEST_ANSWER`].
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

    /// Sets a URL-encoded form as the body.
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
    /// Whether the request may have changed something because this or an earlier attempt got no clear
    /// answer. [`Pipeline::send`] sets it, because one attempt alone can't know.
    pub outcome_unknown: bool,
}

impl Response {
    /// Returns a header if it is present and valid text.
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

/// Why no complete answer arrived.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .kind.sentence(host))]
pub struct TransportError {
    /// How far the request got.
    pub kind: TransportErrorKind,
    /// The host, with its port if that isn't the default.
    pub host: String,
    /// See [`Response::outcome_unknown`].
    pub outcome_unknown: bool,
    /// The underlying error.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// Returns the innermost error's text for the end of a sentence, such as `connection refused`.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        self.source.as_deref().map(|it| error_source::innermost(it))
    }
}

/// How far a request without an answer got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// No connection: name resolution failed, the connection was refused, or the proxy refused. Nothing
    /// was sent.
    Connect,
    /// The operating system allows no further open file, so no connection. Nothing was sent.
    OpenFiles,
    /// The server's certificate is not trusted. Nothing was sent.
    Certificate,
    /// TLS negotiation failed for another reason. Nothing was sent.
    Tls,
    /// No answer before the timeout. The server may have carried out the request.
    Timeout,
    /// The connection was interrupted. The server may have carried out the request.
    Interrupted,
    /// The answer is longer than the request's limit.
    TooLarge,
    /// The request could not be built.
    Request,
}

impl TransportErrorKind {
    fn sentence(self, host: &str) -> String {
        match self {
            Self::Connect => format!("{host} is unreachable"),
            Self::OpenFiles => format!("this machine allows no further connection to {host}"),
            Self::Certificate => format!("the certificate of {host} is not trusted"),
            Self::Tls => format!("TLS negotiation with {host} failed"),
            Self::Timeout => format!("{host} did not answer in time"),
            Self::Interrupted => format!("the connection to {host} was cut"),
            Self::TooLarge => format!("the answer from {host} is too large"),
            Self::Request => format!("the request to {host} could not be built"),
        }
    }
}

/// Returns a URL's host, with its port if that isn't the scheme's default.
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
    fn debug_of_a_response_shows_only_status_and_length() {
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
    fn form_fields_are_url_encoded() {
        let request = Request::new(Method::POST, address()).form(&[("a", "x&y=z +"), ("b", "")]);
        assert_eq!(&request.body[..], b"a=x%26y%3Dz+%2B&b=");
    }

    #[test]
    fn the_effect_defaults_to_the_methods_effect() {
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
