//! Faults: what goes wrong on the wire, and at which request.

use std::str::FromStr;

use http::Method;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::wire::{Call, Reply};

/// Something that goes wrong at a request, and perhaps at the ones that follow.
///
/// Built as it is said: `Fault::at(7).status(500)`, `Fault::on("PUT", "/tasks/cssc-scan-image").nth(2).cut()`.
/// As text (flags, the admin path): `at=7,status=500` or `on=PUT /tasks/,nth=2,status=429,retry-after=3,times=4`.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The method that counts; none = any.
    method: Option<String>,
    /// A regular expression on `host/path` that counts; none = any.
    path: Option<String>,
    /// The first of the counted requests that goes wrong, from 1.
    nth: u64,
    /// How many of the counted requests go wrong.
    times: u64,
    effect: Effect,
    /// The requests counted since the fault was planted.
    seen: u64,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// Refused with a status, before anything happened.
    Status {
        status: u16,
        code: Option<String>,
        retry_after: Option<u64>,
    },
    /// The connection breaks before anything happened.
    Cut,
    /// The request is carried out, and the connection breaks before the answer.
    CutAfter,
    /// No answer ever comes, and nothing happened.
    Hang,
    /// The request is carried out, and no answer ever comes.
    HangAfter,
}

impl Fault {
    /// A fault at the `nth` request of any kind, counted from 1 and from now: a 500, unless told otherwise.
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

    /// A fault at the first request with that method whose `host/path` matches the regular expression.
    #[must_use]
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            ..Self::at(1)
        }
    }

    /// Starts at the `nth` of the matching requests instead of the first.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Goes wrong that many times in a row.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Answers with this status.
    #[must_use]
    pub fn status(mut self, code: u16) -> Self {
        self.effect = status(code);
        self
    }

    /// Gives the status this error code.
    #[must_use]
    pub fn code(mut self, text: &str) -> Self {
        if let Effect::Status { code, .. } = &mut self.effect {
            *code = Some(text.to_owned());
        }
        self
    }

    /// Gives the status a `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Effect::Status { retry_after, .. } = &mut self.effect {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Cuts the connection before anything happened.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.effect = Effect::Cut;
        self
    }

    /// Carries the request out, then cuts the connection.
    #[must_use]
    pub fn cut_after(mut self) -> Self {
        self.effect = Effect::CutAfter;
        self
    }

    /// Never answers.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.effect = Effect::Hang;
        self
    }

    /// Carries the request out, then never answers.
    #[must_use]
    pub fn hang_after(mut self) -> Self {
        self.effect = Effect::HangAfter;
        self
    }

    /// Counts the request if it is one of ours, and says what becomes of it.
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
                "cut" => fault.cut(),
                "cut-after" => fault.cut_after(),
                "hang" => fault.hang(),
                "hang-after" => fault.hang_after(),
                _ => return Err(format!("`{part}` is not part of a fault")),
            };
        }
        Ok(fault)
    }
}

/// The answer of a service that is refusing by order; ARM and the data plane differ only in the envelope.
pub(crate) fn refusal(data_plane: bool, status: u16, code: Option<&str>) -> Reply {
    let code = code.unwrap_or(match status {
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "InternalServerError",
    });
    let error = serde_json::json!({"code": code, "message": format!("A fault was planted here: {status} {code}.")});
    let body = if data_plane {
        serde_json::json!({"errors": [error]})
    } else {
        serde_json::json!({"error": error})
    };
    Reply::json(status, &body)
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
        }
    }

    #[test]
    fn a_fault_strikes_at_its_request_and_as_often_as_told() {
        let mut fault = Fault::on("PUT", "/tasks/").nth(2).times(2).cut();
        let put = call(Method::PUT, "/a/tasks/b");
        assert_eq!(fault.strikes(&call(Method::GET, "/a/tasks/b")), None);
        let struck: Vec<bool> = (0..4).map(|_| fault.strikes(&put).is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
    }

    #[test]
    fn a_fault_reads_from_text() {
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
        assert!("at=often".parse::<Fault>().is_err());
    }
}
