//! azure_identity's requests to Entra, sent through our transport.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::Error;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, HttpClient, Request as CoreRequest, RetryOptions,
    Transport as CoreTransport,
};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::azure::Cloud;
use crate::http::{Budget, Effect, Pipeline, Request, Response};

/// How long one sign-in may take with all its attempts. The caller's own budget ends it earlier.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What Entra says when it refuses: its code and message, as they came.
///
/// It travels inside azure_core's error, because azure_identity would lose it: it reads the
/// description as a borrowed text, which fails as soon as there is an escape in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EntraRefusal {
    /// Such as `AADSTS7000215: Invalid client secret provided. …`.
    pub(crate) message: String,
}

/// Options that make a credential of azure_identity send through our pipeline, and this cloud's authority only.
pub(crate) fn client_options(cloud: &Cloud, pipeline: Pipeline) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = cloud.authority_host.to_string();
    ClientOptions {
        // Ours repeats already.
        retry: RetryOptions::none(),
        transport: Some(CoreTransport::new(Arc::new(Adapter { pipeline }))),
        cloud: Some(Arc::new(CloudConfiguration::from(custom))),
        ..ClientOptions::default()
    }
}

struct Adapter {
    pipeline: Pipeline,
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Adapter")
    }
}

#[async_trait]
impl HttpClient for Adapter {
    async fn execute_request(&self, request: &CoreRequest) -> azure_core::Result<AsyncRawResponse> {
        let request = ours(request)?;
        let budget = Budget::new(SIGN_IN_TIMEOUT, CancellationToken::new());
        let response = self
            .pipeline
            .send(&budget, &request)
            .await
            .map_err(|error| Error::new(ErrorKind::Credential, error))?;
        if response.status.is_success() {
            Ok(theirs(&response))
        } else {
            Err(Error::new(ErrorKind::Credential, refusal(&response)))
        }
    }
}

/// Asking for a token changes nothing.
fn ours(request: &CoreRequest) -> azure_core::Result<Request> {
    let method = request.method().as_str().parse().map_err(other)?;
    let mut ours = Request::new(method, request.url().clone()).effect(Effect::Nothing);
    for (name, value) in request.headers().iter() {
        let name: HeaderName = name.as_str().parse().map_err(other)?;
        // The client's own stands for us there as well.
        if name != USER_AGENT {
            let value = HeaderValue::from_str(value.as_str()).map_err(other)?;
            ours = ours.header(name, value);
        }
    }
    ours.body = match request.body() {
        Body::Bytes(bytes) => bytes.clone(),
        Body::SeekableStream(_) => Bytes::new(),
    };
    Ok(ours)
}

/// The one thing that is read of a success is its body.
fn theirs(response: &Response) -> AsyncRawResponse {
    AsyncRawResponse::from_bytes(
        response.status.as_u16().into(),
        Headers::new(),
        response.body.clone(),
    )
}

fn refusal(response: &Response) -> EntraRefusal {
    #[derive(Deserialize)]
    struct Body {
        error: String,
        error_description: Option<String>,
    }
    let message = match serde_json::from_slice(&response.body) {
        Ok(Body {
            error,
            error_description,
        }) => error_description.unwrap_or(error),
        Err(_) => format!("the answer was {} without a description", response.status),
    };
    EntraRefusal { message }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Other, error)
}
