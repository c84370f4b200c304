//! What goes wrong between the provider and Azure. What Azure itself does wrong is the simulator's.

use std::collections::BTreeMap;
use std::future::pending;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use terraform_provider_acr::http::client::Client;
use terraform_provider_acr::http::{
    Request, Response, Transport, TransportError, TransportErrorKind,
};

/// Where a redirected request is led to: a host that has nothing, and may see nothing.
const ELSEWHERE: &str = "elsewhere.example";

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TransportFault {
    /// A status instead of an answer, perhaps with a `Retry-After`. Nothing has happened.
    Status(u16, Option<&'static str>),
    /// Nobody listens.
    NoConnection,
    /// Somebody answers whom nobody trusts.
    Untrusted,
    /// The connection is cut before anything has happened.
    Cut,
    /// The connection is cut in the middle of the answer.
    CutAfter,
    /// No answer ever comes, and nothing has happened.
    Hang,
    /// No answer ever comes, although the request was carried out.
    HangAfter,
    /// The request was carried out, and somebody else's page comes instead of the answer.
    Garbled,
    /// The request was carried out, and half of the answer comes, as if it were all.
    Halved,
    /// The request was carried out, and its answer is longer than anybody reads.
    TooLong,
    /// Sent to another host instead. Nothing has happened.
    Redirected,
}

/// Where it goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// At every signed request, as long as it comes with the token that it came with first.
    FirstToken,
    /// At every request, each first time that it is sent.
    EachOnce,
    /// At that request, counted from 1 and from now, however often it is sent.
    Always(usize),
}

/// What goes wrong from now on, and at which requests.
pub(crate) struct FaultInjector {
    fault: TransportFault,
    at: At,
    /// How many requests have been sent since.
    sent: usize,
    /// The requests that it has met, and with which token.
    met: BTreeMap<String, String>,
}

impl FaultInjector {
    pub(crate) fn new(fault: TransportFault, at: At) -> Self {
        Self {
            fault,
            at,
            sent: 0,
            met: BTreeMap::new(),
        }
    }

    /// What goes wrong with this request.
    pub(crate) fn fault_for(&mut self, request: &Request) -> Option<TransportFault> {
        self.sent += 1;
        let address = format!("{} {}", request.method, request.url);
        let strikes = match self.at {
            At::FirstToken => {
                let token = request.headers.get(header::AUTHORIZATION);
                token.and_then(|it| it.to_str().ok()).is_some_and(|token| {
                    let first = self.met.entry(address).or_insert_with(|| token.to_owned());
                    first == token
                })
            }
            At::EachOnce => self.met.insert(address, String::new()).is_none(),
            At::Always(n) => {
                if self.sent == n {
                    self.met.insert(address.clone(), String::new());
                }
                self.met.contains_key(&address)
            }
        };
        strikes.then_some(self.fault)
    }
}

impl TransportFault {
    /// What comes of the request. `time` is held until it is dropped.
    pub(crate) async fn inject(
        self,
        request: Request,
        client: &Client,
        time: impl Send,
    ) -> Result<Response, TransportError> {
        match self {
            Self::Status(status, retry_after) => {
                let headers = retry_after.map(|it| (header::RETRY_AFTER, it));
                Ok(answer(status, headers))
            }
            Self::NoConnection => Err(failure(&request, TransportErrorKind::Connect)),
            Self::Untrusted => Err(failure(&request, TransportErrorKind::Certificate)),
            Self::Cut => Err(failure(&request, TransportErrorKind::Interrupted)),
            Self::CutAfter => {
                let cut = failure(&request, TransportErrorKind::Interrupted);
                client.send(request).await?;
                Err(cut)
            }
            Self::TooLong => {
                let too_long = failure(&request, TransportErrorKind::TooLarge);
                client.send(request).await?;
                Err(too_long)
            }
            Self::Hang => {
                drop(time);
                pending().await
            }
            Self::HangAfter => {
                client.send(request).await?;
                drop(time);
                pending().await
            }
            Self::Garbled => {
                let mut response = client.send(request).await?;
                response.body = Bytes::from_static(b"<html><title>Welcome</title></html>");
                Ok(response)
            }
            Self::Halved => {
                let mut response = client.send(request).await?;
                response.body.truncate(response.body.len() / 2);
                Ok(response)
            }
            Self::Redirected => {
                let there = "https://elsewhere.example/";
                Ok(answer(307, Some((header::LOCATION, there))))
            }
        }
    }
}

/// What the host answers that redirected requests are led to.
///
/// # Panics
/// When a credential has come along.
pub(crate) fn elsewhere(request: &Request) -> Option<Response> {
    (request.url.host_str() == Some(ELSEWHERE)).then(|| {
        let credentials = ["authorization", "cookie", "x-ms-authorization-auxiliary"];
        let brought = credentials
            .into_iter()
            .find(|it| request.headers.contains_key(*it));
        assert_eq!(brought, None, "credentials for {}", request.url);
        assert!(request.body.is_empty(), "a body for {}", request.url);
        answer(404, None)
    })
}

fn answer(status: u16, with: Option<(header::HeaderName, &'static str)>) -> Response {
    let with = with.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: with.into_iter().collect(),
        body: Bytes::new(),
        outcome_unknown: false,
    }
}

fn failure(request: &Request, kind: TransportErrorKind) -> TransportError {
    TransportError {
        kind,
        host: request.url.host_str().unwrap_or_default().to_owned(),
        outcome_unknown: false,
        source: None,
    }
}
