//! Authentication as the managed identity of the machine.
//!
//! azure_identity supports only a fixed endpoint, so it can't use the proxy that `msi_endpoint` names. The
//! endpoints are on the machine itself and use plain HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::azure::credential::entra::signing_in_for;
use crate::azure::credential::sign_in_failure::{Problem, Refusal, SignInAttempt};
use crate::azure::credential::{Token, TokenSource, audience};
use crate::azure::{Credential, Error, Secret};
use crate::http::backoff::Backoff;
use crate::http::retry::retry_after;
use crate::http::{Budget, Pipeline, Request, Response, SendError, Stopped, host};

const METHOD: &str = "a managed identity";

/// The managed identity endpoint of virtual machines.
const INSTANCE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The API version that every endpoint in the style of virtual machines supports.
const INSTANCE_METADATA_VERSION: &str = "2018-02-01";
/// The API version that introduced `X-IDENTITY-HEADER`.
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// How long to wait for an endpoint on the machine itself. Outside Azure, no endpoint answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// The retry delays for a throttling or failing endpoint that sends no `Retry-After`.
const PAUSES: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(32)).times(5);
/// How long an update of the endpoint can take, as Azure documents for status 410.
const UPDATE: Duration = Duration::from_secs(70);

/// The endpoint that issues the machine's tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityEndpoint {
    url: Url,
    version: String,
    /// The identity header of App Service, or [`None`] for an endpoint in the style of virtual machines.
    key: Option<Secret>,
}

struct ManagedIdentity {
    endpoint: IdentityEndpoint,
    client_id: Option<String>,
    pipeline: Pipeline,
}

impl IdentityEndpoint {
    /// Returns the endpoint of virtual machines, or `url` in the same style.
    #[must_use]
    pub fn instance_metadata(url: Option<Url>, version: Option<&str>) -> Self {
        let known = || Url::parse(INSTANCE_METADATA).expect("the known endpoint is valid");
        Self {
            url: url.unwrap_or_else(known),
            version: version.unwrap_or(INSTANCE_METADATA_VERSION).to_owned(),
            key: None,
        }
    }

    /// Returns the endpoint of App Service, Functions and Container Apps, from `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`.
    #[must_use]
    pub fn app_service(url: Url, key: Secret, version: Option<&str>) -> Self {
        Self {
            url,
            version: version.unwrap_or(APP_SERVICE_VERSION).to_owned(),
            key: Some(key),
        }
    }

    fn request(&self, who: SignInAttempt<'_>, scope: &str) -> Result<Request, Error> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("api-version", &self.version)
            .append_pair("resource", audience(scope))
            .extend_pairs(who.client_id.map(|id| ("client_id", id)));
        let request = Request::new(Method::GET, url);
        let Some(key) = &self.key else {
            // This header shows that a server didn't forward the request by mistake.
            let name = HeaderName::from_static("metadata");
            return Ok(request.header(name, HeaderValue::from_static("true")));
        };
        let mut value = HeaderValue::try_from(key.expose()).map_err(|_| {
            who.fails(
                Problem::Value,
                "IDENTITY_HEADER is not a valid header value",
            )
        })?;
        value.set_sensitive(true);
        Ok(request.header(HeaderName::from_static("x-identity-header"), value))
    }
}

impl fmt::Debug for IdentityEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityEndpoint")
            .field("host", &host(&self.url))
            .field("path", &self.url.path())
            .field("version", &self.version)
            .field("key", &self.key)
            .finish()
    }
}

impl Credential {
    /// Creates a credential for the managed identity of the machine. `client_id` selects one of several
    /// identities. Sends no request yet. The pipeline must allow plain HTTP and use no proxy.
    #[must_use]
    pub fn managed_identity(
        endpoint: IdentityEndpoint,
        client_id: Option<&str>,
        pipeline: Pipeline,
    ) -> Self {
        let source = ManagedIdentity {
            endpoint,
            client_id: client_id.map(str::to_owned),
            pipeline,
        };
        Self::new(METHOD, Arc::new(source))
    }
}

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error> {
        let who = SignInAttempt {
            method: METHOD,
            tenant_id: tenant,
            client_id: self.client_id.as_deref(),
        };
        if tenant.is_some() {
            let message = "a managed identity gets tokens in its own tenant only";
            return Err(who.fails(Problem::Value, message).into());
        }
        let request = self.endpoint.request(who, scope)?;
        let mut pauses = PAUSES;
        loop {
            let response = self.ask(budget, who, scope, &request).await?;
            if response.status.is_success() {
                return token(who, &response, Timestamp::now());
            }
            let refusal = || who.refused(Refusal::read(&response), Problem::ManagedIdentity);
            let Some(pause) = pause(&mut pauses, &response) else {
                return Err(refusal().into());
            };
            budget.sleep(pause).await.map_err(|why| Error::Stopped {
                operation: signing_in_for(scope),
                why,
                last: Some(Box::new(refusal().into())),
            })?;
        }
    }
}

impl ManagedIdentity {
    /// Sends one request with a short timeout, because outside Azure no endpoint answers.
    async fn ask(
        &self,
        budget: &Budget,
        who: SignInAttempt<'_>,
        scope: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        let short = budget.within(PATIENCE);
        let error = match self.pipeline.send(&short, request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let unreachable = match &error {
            SendError::Transport(cause) => Some(cause),
            SendError::Stopped {
                why: Stopped::Deadline,
                last: Some(last),
            } => match &**last {
                // The endpoint exists, but asked for a longer wait than the short timeout.
                Ok(response) => return Ok(response.clone()),
                Err(cause) => Some(cause),
            },
            SendError::Stopped { .. } => None,
        };
        Err(match unreachable {
            Some(cause) => who.fails(Problem::NoManagedIdentity, cause).into(),
            None => Error::unsent(&signing_in_for(scope), error),
        })
    }
}

/// Returns the delay before the next attempt, or [`None`] if the answer is final. The endpoint answers 404
/// while Azure assigns identities, and 410 during an update.
fn pause(pauses: &mut Backoff, response: &Response) -> Option<Duration> {
    let status = response.status;
    let temporary = status.is_server_error()
        || matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::TOO_MANY_REQUESTS
        );
    if !temporary {
        return None;
    }
    let ours = pauses.next()?;
    if status == StatusCode::GONE {
        return Some(UPDATE);
    }
    Some(retry_after(response).unwrap_or(ours))
}

/// Returns the token in an answer. Its expiry is a number or a text. `expires_in` takes precedence, because
/// it doesn't depend on the machine's clock. App Service sends only `expires_on`.
fn token(who: SignInAttempt<'_>, response: &Response, now: Timestamp) -> Result<Token, Error> {
    #[derive(Deserialize)]
    struct Body {
        access_token: String,
        #[serde(default)]
        expires_in: Value,
        #[serde(default)]
        expires_on: Value,
    }
    let said = |message: &str| who.fails(Problem::ManagedIdentity, message);
    // serde's error could quote a part of the token.
    let body: Body = serde_json::from_slice(&response.body)
        .map_err(|_| said("the answer contains no readable token"))?;
    let until_expiry = || Some(seconds(&body.expires_on)? - now.as_second());
    let left = seconds(&body.expires_in).or_else(until_expiry);
    let left = left.ok_or_else(|| said("the answer doesn't say when the token expires"))?;
    let left = Duration::from_secs(left.try_into().unwrap_or(0));
    Ok(Token::lasting(left, Secret::new(body.access_token)))
}

fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| Some(number.as_f64()? as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::http::TransportErrorKind;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    const SCOPE: &str = "https://management.azure.com/.default";

    fn budget() -> Budget {
        Budget::new(Duration::from_secs(1800), CancellationToken::new())
    }

    fn pipeline(transport: &ScriptedTransport) -> Pipeline {
        Pipeline::new(Arc::new(transport.clone()))
    }

    fn virtual_machine(transport: &ScriptedTransport) -> Credential {
        let endpoint = IdentityEndpoint::instance_metadata(None, None);
        Credential::managed_identity(endpoint, None, pipeline(transport))
    }

    fn issued() -> Response {
        json(
            200,
            &value!({"access_token": "t-1", "expires_in": "3599", "token_type": "Bearer"}),
        )
    }

    async fn failure(credential: &Credential) -> SignInOutcome {
        match credential.token(&budget(), SCOPE).await {
            Err(Error::SignIn(failure)) => (failure.problem, failure.to_string()),
            other => panic!("a failed sign-in expected, got {other:?}"),
        }
    }

    type SignInOutcome = (Problem, String);

    #[tokio::test]
    async fn a_virtual_machine_has_a_fixed_endpoint() {
        let transport = ScriptedTransport::default().on(Method::GET, "169.254", issued());
        let token = virtual_machine(&transport).token(&budget(), SCOPE).await;
        assert_eq!(token.unwrap().expose(), "t-1");
        let request = &transport.requests()[0];
        insta::assert_snapshot!(request.url, @"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com");
        assert_eq!(request.headers["metadata"], "true");
        assert!(!request.headers.contains_key("x-identity-header"));
    }

    #[tokio::test]
    async fn sends_a_configured_endpoint_version_and_client_id() {
        let url = Url::parse("http://127.0.0.1:1234/msi?x=y").unwrap();
        let endpoint = IdentityEndpoint::instance_metadata(Some(url), Some("2020-01-01"));
        let transport = ScriptedTransport::default().on(Method::GET, "/msi", issued());
        let identity = Some("client");
        let credential = Credential::managed_identity(endpoint, identity, pipeline(&transport));
        credential.token(&budget(), SCOPE).await.unwrap();
        insta::assert_snapshot!(transport.story()[0], @"GET http://127.0.0.1:1234/msi?x=y&api-version=2020-01-01&resource=https%3A%2F%2Fmanagement.azure.com&client_id=client");
    }

    #[tokio::test]
    async fn app_service_gets_the_identity_header() {
        let url = Url::parse("http://127.0.0.1:41741/msi/token/").unwrap();
        let endpoint = IdentityEndpoint::app_service(url, Secret::new("planted"), None);
        let end = (Timestamp::now().as_second() + 3600).to_string();
        let answer = json(200, &value!({"access_token": "t-1", "expires_on": end}));
        let transport = ScriptedTransport::default().on(Method::GET, "/msi/token", answer);
        let credential = Credential::managed_identity(endpoint.clone(), None, pipeline(&transport));
        credential.token(&budget(), SCOPE).await.unwrap();
        let request = &transport.requests()[0];
        insta::assert_snapshot!(request.url, @"http://127.0.0.1:41741/msi/token/?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com");
        assert_eq!(request.headers["x-identity-header"], "planted");
        assert!(request.headers["x-identity-header"].is_sensitive());
        assert!(!request.headers.contains_key("metadata"));
        assert!(!format!("{endpoint:?}").contains("planted"));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_while_the_endpoint_is_updated() {
        let transport = ScriptedTransport::default()
            .on(Method::GET, "169.254", reply(410))
            .on(Method::GET, "169.254", reply(404))
            .on(Method::GET, "169.254", issued());
        let start = tokio::time::Instant::now();
        let token = virtual_machine(&transport).token(&budget(), SCOPE).await;
        assert_eq!(token.unwrap().expose(), "t-1");
        assert!(start.elapsed() >= UPDATE);
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_identity_is_an_error_without_retry() {
        let said = value!({"error": "invalid_request", "error_description": "Identity not found"});
        let transport = ScriptedTransport::default().on(Method::GET, "169.254", json(400, &said));
        let failed = failure(&virtual_machine(&transport)).await;
        assert_eq!(failed.0, Problem::ManagedIdentity);
        insta::assert_snapshot!(failed.1, @"signing in with a managed identity: Identity not found");
    }

    /// No endpoint. A connection attempt fails after ten seconds, which is the client's connect timeout.
    struct Unreachable;

    #[async_trait]
    impl crate::http::Transport for Unreachable {
        async fn send(&self, _: Request) -> Result<Response, crate::http::TransportError> {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(crate::http::scripted_transport::failure(
                TransportErrorKind::Connect,
            ))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outside_azure_the_error_comes_soon() {
        let endpoint = IdentityEndpoint::instance_metadata(None, None);
        let pipeline = Pipeline::new(Arc::new(Unreachable));
        let start = tokio::time::Instant::now();
        let failed = failure(&Credential::managed_identity(endpoint, None, pipeline)).await;
        assert!(start.elapsed() <= PATIENCE);
        assert_eq!(failed.0, Problem::NoManagedIdentity);
    }

    #[tokio::test]
    async fn reads_the_expiry_in_each_form() {
        let who = SignInAttempt {
            method: METHOD,
            tenant_id: None,
            client_id: None,
        };
        let now = Timestamp::from_second(1000).unwrap();
        let left = |fields: Value| {
            let mut body = value!({"access_token": "planted"});
            body.as_object_mut()
                .unwrap()
                .extend(fields.as_object().unwrap().clone());
            let token = token(who, &json(200, &body), now);
            token.map(|token| {
                (token.expires_at - tokio::time::Instant::now())
                    .as_secs_f64()
                    .round()
            })
        };
        assert_eq!(left(value!({"expires_on": "4600"})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_on": 4600})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_in": "3600"})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_in": 3600.0})).unwrap(), 3600.0);
        // With a clock that is ahead, the token already looks expired.
        let both = value!({"expires_in": 3600, "expires_on": 7});
        assert_eq!(left(both).unwrap(), 3600.0);
        let odd = left(value!({"expires_in": null})).unwrap_err();
        insta::assert_snapshot!(odd, @"signing in with a managed identity: the answer doesn't say when the token expires");
        assert!(!format!("{odd:?}").contains("planted"));
    }
}
