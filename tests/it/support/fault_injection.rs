//! Faults between the provider and Azure. The simulator injects the faults of Azure itself.

use std::collections::BTreeMap;
use std::future::pending;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use terraform_provider_acr::http::client::Client;
use terraform_provider_acr::http::{
    Effect, Request, Response, Transport, TransportError, TransportErrorKind,
};

/// The target of redirects: a host that returns 404 and must receive no credential.
const ELSEWHERE: &str = "elsewhere.example";

/// A fault on the way to Azure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TransportFault {
    /// This status, with an optional `Retry-After`. Azure did not receive the request.
    Status(u16, Option<&'static str>),
    /// Azure's own 404 for a missing resource. Azure did not receive the request.
    Absent,
    /// The 404 page of a proxy. Azure did not receive the request.
    NoPage,
    /// The connection is refused.
    NoConnection,
    /// The server's certificate is not trusted.
    Untrusted,
    /// The connection is cut before Azure receives the request.
    Cut,
    /// The connection is cut after Azure has carried out the request.
    CutAfter,
    /// No response arrives, and Azure did not receive the request.
    Hang,
    /// No response arrives, although Azure carried out the request.
    HangAfter,
    /// Azure carried out the request, and an unrelated HTML page replaces the response.
    Garbled,
    /// Azure carried out the request, and the response ends in the middle without an error.
    Halved,
    /// Azure carried out the request, and the response exceeds the size limit.
    TooLong,
    /// A redirect to another host. Azure did not receive the request.
    Redirected,
}

/// The requests that a fault affects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// Every request with a token, until it is sent with another token.
    FirstToken,
    /// Every request, the first time that it is sent.
    EachOnce,
    /// Every request that changes nothing, the first time that it is sent.
    EachReadOnce,
    /// Every request to Resource Manager and to registries, the first time that it is sent.
    EachResourceOnce,
    /// The request with this number, counted from 1 and from now, and each retry of it.
    Always(usize),
}

/// A fault, and the requests that it affects from now on.
pub(crate) struct FaultInjector {
    fault: TransportFault,
    at: At,
    /// The number of requests since then.
    sent: usize,
    /// The affected requests with their tokens.
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

    /// The fault for this request.
    pub(crate) fn fault_for(&mut self, request: &Request) -> Option<TransportFault> {
        self.sent += 1;
        let address = format!("{} {}", request.method, request.url);
        let is_affected = match self.at {
            At::FirstToken => {
                let token = request.headers.get(header::AUTHORIZATION);
                token.and_then(|it| it.to_str().ok()).is_some_and(|token| {
                    let first = self.met.entry(address).or_insert_with(|| token.to_owned());
                    first == token
                })
            }
            At::EachResourceOnce if is_sign_in(request) => false,
            At::EachReadOnce if request.effect != Effect::Nothing => false,
            At::EachOnce | At::EachReadOnce | At::EachResourceOnce => {
                self.met.insert(address, String::new()).is_none()
            }
            At::Always(n) => {
                if self.sent == n {
                    self.met.insert(address.clone(), String::new());
                }
                self.met.contains_key(&address)
            }
        };
        is_affected.then_some(self.fault)
    }
}

impl TransportFault {
    /// The result of the request under this fault. Paused time does not advance until `time` is dropped.
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
            Self::Absent => Ok(absent(&request)),
            Self::NoPage => {
                let mut page = answer(404, Some((header::CONTENT_TYPE, "text/html")));
                page.body = Bytes::from_static(b"<html><title>Not found</title></html>");
                Ok(page)
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

/// Whether the request is for a token of Entra ID, which owns no resource.
fn is_sign_in(request: &Request) -> bool {
    request.url.host_str() == Some("login.microsoftonline.com")
}

/// The service's own 404.
fn absent(request: &Request) -> Response {
    let host = request.url.host_str().unwrap_or_default();
    let mut response = answer(404, None);
    response.body = Bytes::from_static(match host.ends_with(".azurecr.io") {
        true => br#"{"errors": [{"code": "NAME_UNKNOWN", "message": "not known"}]}"#,
        false => br#"{"error": {"code": "ResourceNotFound", "message": "not found"}}"#,
    });
    response
}

/// The response to a request that followed a redirect to another host.
///
/// # Panics
/// If the request has a credential or a body.
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
