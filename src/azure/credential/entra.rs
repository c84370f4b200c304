//! Sends azure_identity's requests to Entra through this crate's pipeline.
//!
//! Each fetch creates a new credential of azure_identity and drops it afterwards. So the credential has the
//! budget and the tenant of the operation that needs the token. The crate's own cache would be no use,
//! because it can't forget a refused token.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, Body, ClientMethodOptions, ClientOptions, HttpClient, Request as CoreRequest,
    RetryOptions, Transport as CoreTransport,
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions,
};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::azure::credential::Token;
use crate::azure::credential::sign_in_failure::{Problem, Refusal, SignInAttempt};
use crate::azure::{Cloud, Error, Operation, OperationKind, Secret};
use crate::http::error_source::chain;
use crate::http::{Budget, Effect, Pipeline, Request, Response, SendError};

/// An application in a tenant, and the pipeline for its requests to Entra.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) method: &'static str,
    pub(super) authority_host: Url,
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    pub(super) pipeline: Pipeline,
}

impl Application {
    /// Creates an application.
    ///
    /// # Errors
    /// If the tenant ID or the client ID is not valid.
    pub(super) fn new(
        method: &'static str,
        cloud: &Cloud,
        tenant_id: &str,
        client_id: &str,
        pipeline: Pipeline,
    ) -> Result<Self, Error> {
        let application = Self {
            method,
            authority_host: cloud.authority_host.clone(),
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
            pipeline,
        };
        application.check()?;
        Ok(application)
    }

    /// Returns the identity that errors name. `tenant` is `None` for the application's own tenant.
    pub(super) fn who<'a>(&'a self, tenant: Option<&'a str>) -> SignInAttempt<'a> {
        SignInAttempt {
            method: self.method,
            tenant_id: Some(self.tenant(tenant)),
            client_id: Some(&self.client_id),
        }
    }

    /// Returns the URL of a tenant's token endpoint.
    pub(super) fn token_endpoint(&self, tenant: Option<&str>) -> String {
        let authority = self.authority_host.as_str().trim_end_matches('/');
        format!("{authority}/{}/oauth2/v2.0/token", self.tenant(tenant))
    }

    /// Validates the tenant ID and the client ID without a request.
    fn check(&self) -> Result<(), Error> {
        let budget = Budget::new(Duration::ZERO, CancellationToken::new());
        let credential = ClientAssertionCredential::new(
            self.tenant_id.clone(),
            self.client_id.clone(),
            Ready(Secret::new("")),
            Some(ClientAssertionCredentialOptions {
                client_options: self.client_options(&budget),
            }),
        );
        let refused = |error| self.who(None).fails(Problem::Value, error).into();
        credential.map(drop).map_err(refused)
    }

    /// Gets a token with a client secret.
    pub(super) async fn by_secret(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
        secret: &Secret,
    ) -> Result<Token, Error> {
        let credential = ClientSecretCredential::new(
            self.tenant(tenant),
            self.client_id.clone(),
            secret.expose().to_owned().into(),
            Some(ClientSecretCredentialOptions {
                client_options: self.client_options(budget),
            }),
        );
        self.fetch(credential, tenant, scope).await
    }

    /// Gets a token with an assertion. The assertion is an ID token from an issuer that the application
    /// trusts, or is signed with the application's certificate.
    pub(super) async fn by_assertion(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
        assertion: Secret,
    ) -> Result<Token, Error> {
        let credential = ClientAssertionCredential::new(
            self.tenant(tenant).to_owned(),
            self.client_id.clone(),
            Ready(assertion),
            Some(ClientAssertionCredentialOptions {
                client_options: self.client_options(budget),
            }),
        );
        self.fetch(credential, tenant, scope).await
    }

    async fn fetch<C: TokenCredential>(
        &self,
        credential: azure_core::Result<Arc<C>>,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error> {
        let who = self.who(tenant);
        let credential = credential.map_err(|error| who.fails(Problem::Value, error))?;
        let token = credential.get_token(&[scope], None).await;
        token
            .map(|token| Token::from(&token))
            .map_err(|error| failure(who, scope, &error))
    }

    fn tenant<'a>(&'a self, other: Option<&'a str>) -> &'a str {
        other.unwrap_or(&self.tenant_id)
    }

    /// Returns options that make azure_identity use this pipeline and this cloud's authority host.
    fn client_options(&self, budget: &Budget) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = self.authority_host.to_string();
        let adapter = Adapter {
            pipeline: self.pipeline.clone(),
            budget: budget.clone(),
        };
        ClientOptions {
            // The pipeline already retries.
            retry: RetryOptions::none(),
            transport: Some(CoreTransport::new(Arc::new(adapter))),
            cloud: Some(Arc::new(CloudConfiguration::from(custom))),
            ..ClientOptions::default()
        }
    }
}

/// How long to retry while Entra or an ID token's issuer fails or is unreachable.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// An assertion that already exists.
#[derive(Debug)]
struct Ready(Secret);

#[async_trait]
impl ClientAssertion for Ready {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose().to_owned())
    }
}

struct Adapter {
    pipeline: Pipeline,
    budget: Budget,
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
        let sent = self
            .pipeline
            .send_within(&self.budget, PATIENCE, &request)
            .await;
        let response = sent.map_err(|error| wrapped(ErrorKind::Credential, error))?;
        if response.status.is_success() {
            Ok(theirs(&response))
        } else {
            let refusal = Refusal::read(&response);
            Err(wrapped(ErrorKind::Credential, refusal))
        }
    }
}

/// Converts a request. A token request changes nothing in Azure, so a retry is always safe.
fn ours(request: &CoreRequest) -> azure_core::Result<Request> {
    let other = ErrorKind::Other;
    let method = request.method().as_str().parse();
    let method = method.map_err(|error| wrapped(other.clone(), error))?;
    let mut ours = Request::new(method, request.url().clone()).effect(Effect::Nothing);
    for (name, value) in request.headers().iter() {
        let name: HeaderName = name
            .as_str()
            .parse()
            .map_err(|error| wrapped(other.clone(), error))?;
        // The HTTP client sets the provider's own user agent.
        if name != USER_AGENT {
            let value = HeaderValue::from_str(value.as_str());
            let value = value.map_err(|error| wrapped(other.clone(), error))?;
            ours = ours.header(name, value);
        }
    }
    ours.body = match request.body() {
        Body::Bytes(bytes) => bytes.clone(),
        Body::SeekableStream(_) => Bytes::new(),
    };
    Ok(ours)
}

/// Converts a successful answer. azure_identity reads only the body.
fn theirs(response: &Response) -> AsyncRawResponse {
    AsyncRawResponse::from_bytes(
        response.status.as_u16().into(),
        Headers::new(),
        response.body.clone(),
    )
}

fn wrapped(kind: ErrorKind, error: impl StdError + Send + Sync + 'static) -> azure_core::Error {
    azure_core::Error::new(kind, error)
}

/// Extracts the cause from an azure_identity error, which wraps it in other errors. It doesn't use the
/// error's `Debug`, which may contain a backtrace.
fn failure(who: SignInAttempt<'_>, scope: &str, error: &azure_core::Error) -> Error {
    for cause in chain(error) {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return who.refused(refusal.clone(), Problem::Refused(None)).into();
        }
        if let Some(unsent) = cause.downcast_ref::<SendError>() {
            return Error::unsent(&signing_in_for(scope), unsent.clone());
        }
    }
    // The remaining errors are about an unreadable answer, and their text may contain a part of the token.
    who.fails(
        Problem::Refused(None),
        "the answer contains no readable token",
    )
    .into()
}

/// Returns the operation of fetching a token.
pub(super) fn signing_in_for(scope: &str) -> Operation {
    Operation::new(OperationKind::GetToken, scope)
}
