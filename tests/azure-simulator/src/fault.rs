//! Faults: injected failures, and the requests they affect.

use std::str::FromStr;

use http::Method;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::wire::{Call, Reply};

/// An injected failure of one request, or of several in a row.
///
/// Examples: `Fault::at(7).status(500)`, `Fault::on("PUT", "/tasks/cssc-scan-image").nth(2).cut()`.
///
/// As text, in flags and at the admin endpoint: `at=7,status=500` or
/// `on=PUT /tasks/,nth=2,status=429,retry-after=3,times=4`.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The method to match; `None` or `*` matches any.
    method: Option<String>,
    /// The regular expression to match on `host/path`; `None` matches any.
    path: Option<String>,
    /// The first matching request to fail, counted from 1.
    nth: u64,
    /// The number of matching requests to fail.
    times: u64,
    effect: Effect,
    /// The matching requests since the fault was added.
    seen: u64,
}

/// The kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// Returns an error status without carrying out the request.
    Status {
        status: u16,
        code: Option<String>,
        retry_after: Option<u64>,
    },
    /// Carries out the request, then returns an error status.
    StatusAfter(u16),
    /// Returns the service's own 404, as for a missing resource, without carrying out the request.
    NotFound,
    /// Returns a proxy's HTML page with this status, without carrying out the request.
    Html(u16),
    /// Carries out the request, and a change by others after it. The response is the service's.
    Then(Change),
    /// Cuts the connection without carrying out the request.
    Cut,
    /// Carries out the request, then cuts the connection before the response.
    CutAfter,
    /// Never responds and does not carry out the request.
    Hang,
    /// Carries out the request, then never responds.
    HangAfter,
    /// Responds with broken JSON without carrying out the request.
    Garble,
    /// Carries out the request, then responds with broken JSON.
    GarbleAfter,
    /// Waits before it carries out the request.
    Hold,
    /// Carries out the request, then waits before the response.
    HoldAfter,
}

impl Fault {
    /// Fails the `nth` request of any kind, counted from 1 since the fault is added. Defaults to status 500.
    #[must_use]
    pub fn at(nth: u64) -> Self {
        Self {
            method: None,
            path: None,
            nth,
            times: 1,
            effect: status(500),
            seen: 0,
        }
    }

    /// Fails the first request with this method whose `host/path` matches the regular expression.
    #[must_use]
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            ..Self::at(1)
        }
    }

    /// Starts at the `nth` matching request instead of the first.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Fails this many matching requests in a row.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Responds with this status. A status below 300 has no body, as after a successful delete.
    #[must_use]
    pub fn status(mut self, code: u16) -> Self {
        self.effect = status(code);
        self
    }

    /// Carries out the request, and responds with this error status.
    #[must_use]
    pub fn status_after(mut self, code: u16) -> Self {
        self.effect = Effect::StatusAfter(code);
        self
    }

    /// Sets the error code of the response.
    #[must_use]
    pub fn code(mut self, text: &str) -> Self {
        if let Effect::Status { code, .. } = &mut self.effect {
            *code = Some(text.to_owned());
        }
        self
    }

    /// Sets `Retry-After` of the response, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Effect::Status { retry_after, .. } = &mut self.effect {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Responds with 404 and the error code that the service itself returns for a missing resource.
    #[must_use]
    pub fn not_found(mut self) -> Self {
        self.effect = Effect::NotFound;
        self
    }

    /// Responds with a proxy's HTML page and this status.
    #[must_use]
    pub fn html(mut self, status: u16) -> Self {
        self.effect = Effect::Html(status);
        self
    }

    /// Carries out the request, and a change by others after it, such as in the portal.
    #[must_use]
    pub fn then(mut self, change: Change) -> Self {
        self.effect = Effect::Then(change);
        self
    }

    /// Cuts the connection without carrying out the request.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.effect = Effect::Cut;
        self
    }

    /// Carries out the request, then cuts the connection.
    #[must_use]
    pub fn cut_after(mut self) -> Self {
        self.effect = Effect::CutAfter;
        self
    }

    /// Carries out nothing, and responds with status 200 and JSON that ends in the middle.
    #[must_use]
    pub fn garble(mut self) -> Self {
        self.effect = Effect::Garble;
        self
    }

    /// Carries out the request, and responds with status 200 and JSON that ends in the middle.
    #[must_use]
    pub fn garble_after(mut self) -> Self {
        self.effect = Effect::GarbleAfter;
        self
    }

    /// Holds the request before it is carried out, until [`Simulator::release`](crate::Simulator::release).
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.effect = Effect::Hold;
        self
    }

    /// Carries out the request, and holds the response until
    /// [`Simulator::release`](crate::Simulator::release).
    #[must_use]
    pub fn hold_after(mut self) -> Self {
        self.effect = Effect::HoldAfter;
        self
    }

    /// Never responds, and does not carry out the request.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.effect = Effect::Hang;
        self
    }

    /// Carries out the request, then never responds.
    #[must_use]
    pub fn hang_after(mut self) -> Self {
        self.effect = Effect::HangAfter;
        self
    }

    /// Counts the request if it matches, and returns the effect if it must fail.
    pub(crate) fn strikes(&mut self, call: &Call) -> Option<Effect> {
        if !self.concerns(call) {
            return None;
        }
        self.seen += 1;
        (self.nth..self.nth.saturating_add(self.times))
            .contains(&self.seen)
            .then(|| self.effect.clone())
    }

    fn concerns(&self, call: &Call) -> bool {
        let method = self
            .method
            .as_deref()
            .is_none_or(|method| method == "*" || call.method.as_str() == method);
        let address = format!("{}{}", call.host, call.path);
        method
            && self
                .path
                .as_deref()
                .is_none_or(|path| Regex::new(path).is_ok_and(|path| path.is_match(&address)))
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fault = Self::at(1);
        for part in text.split(',') {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("`{part}` needs a number"))
            };
            fault = match key.trim() {
                "at" | "nth" => fault.nth(number()?),
                "on" => {
                    let (method, path) = value
                        .split_once(' ')
                        .ok_or_else(|| format!("`{part}` needs `METHOD path`"))?;
                    Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
                    Regex::new(path).map_err(|error| error.to_string())?;
                    Self {
                        method: Some(method.to_owned()),
                        path: Some(path.to_owned()),
                        ..fault
                    }
                }
                "times" => fault.times(number()?),
                "status" => {
                    fault.status(u16::try_from(number()?).map_err(|error| error.to_string())?)
                }
                "code" => fault.code(value),
                "retry-after" => fault.retry_after(number()?),
                "not-found" => fault.not_found(),
                "html" => fault.html(u16::try_from(number()?).map_err(|error| error.to_string())?),
                "then-delete-task" => {
                    let (registry, task) = value
                        .split_once('/')
                        .ok_or_else(|| format!("`{part}` needs `REGISTRY/TASK`"))?;
                    fault.then(Change::delete_task(registry, task))
                }
                "then-delete-policy" => fault.then(Change::delete_policy(value)),
                "cut" => fault.cut(),
                "cut-after" => fault.cut_after(),
                "hang" => fault.hang(),
                "hang-after" => fault.hang_after(),
                "garble" => fault.garble(),
                "garble-after" => fault.garble_after(),
                _ => return Err(format!("`{part}` is not a fault option")),
            };
        }
        Ok(fault)
    }
}

/// Returns the error response of an injected fault. ARM and the data plane differ only in the error format.
pub(crate) fn refusal(data_plane: bool, status: u16, code: Option<&str>) -> Reply {
    let code = code.unwrap_or(match status {
        403 if data_plane => "DENIED",
        403 => "AuthorizationFailed",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "InternalServerError",
    });
    let error =
        serde_json::json!({"code": code, "message": format!("Injected fault: {status} {code}.")});
    let body = if data_plane {
        serde_json::json!({"errors": [error]})
    } else {
        serde_json::json!({"error": error})
    };
    Reply::json(status, &body)
}

/// Returns the HTML page of a proxy between the client and the service.
pub(crate) fn page(status: u16) -> Reply {
    let title = http::StatusCode::from_u16(status)
        .map_or("", |status| status.canonical_reason().unwrap_or_default());
    let body = format!(
        "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n\
         <hr><center>proxy</center>\r\n</body>\r\n</html>\r\n"
    );
    Reply::empty(status)
        .with("content-type", "text/html")
        .body(body)
}

/// Returns an answer with status 200 and JSON that ends in the middle.
pub(crate) fn broken_json() -> Reply {
    Reply::empty(200)
        .with("content-type", "application/json; charset=utf-8")
        .body(r#"{"value": [{"id": "/subscr"#)
}

fn status(status: u16) -> Effect {
    Effect::Status {
        status,
        code: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, path: &str) -> Call {
        Call {
            method,
            host: "management.azure.com".into(),
            authority: "management.azure.com".into(),
            path: path.into(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            begun: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_fault_strikes_at_the_nth_request_and_repeats() {
        let mut fault = Fault::on("PUT", "/tasks/").nth(2).times(2).cut();
        let put = call(Method::PUT, "/a/tasks/b");
        assert_eq!(fault.strikes(&call(Method::GET, "/a/tasks/b")), None);
        let struck: Vec<bool> = (0..4).map(|_| fault.strikes(&put).is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
    }

    #[test]
    fn a_fault_parses_from_text() {
        let mut fault: Fault = "on=PUT /tasks/,status=429,retry-after=3".parse().unwrap();
        let expected = Effect::Status {
            status: 429,
            code: None,
            retry_after: Some(3),
        };
        assert_eq!(
            fault.strikes(&call(Method::PUT, "/tasks/x")),
            Some(expected)
        );
        for (text, effect) in [
            ("at=1,not-found,times=2", Effect::NotFound),
            ("on=* /v2/,html=404", Effect::Html(404)),
            (
                "at=1,then-delete-task=contoso/cssc-scan-image",
                Effect::Then(Change::delete_task("contoso", "cssc-scan-image")),
            ),
            (
                "at=1,then-delete-policy=contoso",
                Effect::Then(Change::delete_policy("contoso")),
            ),
        ] {
            let mut fault: Fault = text.parse().unwrap();
            assert_eq!(fault.strikes(&call(Method::GET, "/v2/")), Some(effect));
        }
        assert!("at=often".parse::<Fault>().is_err());
    }
}
