//! A transport for tests that answers from a script and records the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::http::{Request, Response, Transport, TransportError, TransportErrorKind};

/// Each script line answers one request: the first unused line whose method matches and whose text is
/// part of the URL. A request without a matching line fails the test.
#[derive(Clone, Default)]
pub(crate) struct ScriptedTransport {
    script: Arc<Mutex<VecDeque<Line>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

struct Line {
    method: Method,
    part: String,
    outcome: Result<Response, TransportError>,
}

impl ScriptedTransport {
    /// Adds an answer to a request.
    pub(crate) fn on(self, method: Method, part: &str, response: Response) -> Self {
        self.line(method, part, Ok(response))
    }

    /// Adds the same answer to a request and to its second look.
    pub(crate) fn twice(self, method: Method, part: &str, response: Response) -> Self {
        self.on(method.clone(), part, response.clone())
            .on(method, part, response)
    }

    /// Adds a request that gets no answer.
    pub(crate) fn fail(self, method: Method, part: &str, kind: TransportErrorKind) -> Self {
        self.line(method, part, Err(failure(kind)))
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the requests so far as `METHOD address`.
    pub(crate) fn story(&self) -> Vec<String> {
        let line = |request: &Request| format!("{} {}", request.method, request.url);
        self.requests().iter().map(line).collect()
    }

    /// Fails unless every script line was used.
    pub(crate) fn assert_done(&self) {
        let script = self.script.lock().unwrap();
        let left: Vec<_> = script
            .iter()
            .map(|line| format!("{} {}", line.method, line.part))
            .collect();
        assert!(left.is_empty(), "never asked: {left:?}");
    }

    fn line(self, method: Method, part: &str, outcome: Result<Response, TransportError>) -> Self {
        self.script.lock().unwrap().push_back(Line {
            method,
            part: part.to_owned(),
            outcome,
        });
        self
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let address = request.url.to_string();
        let mut script = self.script.lock().unwrap();
        let position = script
            .iter()
            .position(|line| line.method == request.method && address.contains(&line.part));
        let line = position.and_then(|position| script.remove(position));
        let Some(line) = line else {
            panic!("unexpected request: {} {address}", request.method);
        };
        self.requests.lock().unwrap().push(request);
        line.outcome
    }
}

/// Returns an answer without a body.
pub(crate) fn reply(status: u16) -> Response {
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: http::HeaderMap::new(),
        body: Bytes::new(),
        outcome_unknown: false,
    }
}

/// Returns an answer with a JSON body.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Response {
    reply(status).with_body(body.to_string())
}

/// Returns the answer with which a service says that something doesn't exist. `code` is its own code.
pub(crate) fn absent(code: &str) -> Response {
    json(
        404,
        &serde_json::json!({"error": {"code": code, "message": "Not found."}}),
    )
}

/// Returns the answer of a recording with the shape `{"request": …, "response": {"status", "headers",
/// "body"}}`.
pub(crate) fn recorded(text: &str) -> Response {
    let recording: serde_json::Value = serde_json::from_str(text).unwrap();
    let response = &recording["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let mut reply = match &response["body"] {
        serde_json::Value::String(text) => reply(status).with_body(text.clone()),
        body => json(status, body),
    };
    for (name, values) in response["headers"].as_object().unwrap() {
        for value in values.as_array().unwrap() {
            reply = reply.with(name, value.as_str().unwrap());
        }
    }
    reply
}

/// Returns a failure of the given kind.
pub(crate) fn failure(kind: TransportErrorKind) -> TransportError {
    TransportError {
        kind,
        host: "example.com".to_owned(),
        outcome_unknown: false,
        source: None,
    }
}

impl Response {
    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Sets the body.
    pub(crate) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}
