//! Signing in as the managed identity of the machine that we run on.
//!
//! azure_identity has this too, but at its own fixed address, without the identities that a proxy of it
//! serves (`msi_endpoint`). The endpoints are on the machine itself and speak plain http.

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

/// Where virtual machines find their identities.
const INSTANCE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The version that every endpoint of that style speaks.
const INSTANCE_METADATA_VERSION: &str = "2018-02-01";
/// The version that introduced `X-IDENTITY-HEADER`.
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// How long an endpoint on the machine itself may take. Elsewhere than in Azure nobody answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// The pauses before it is asked again, when it asks for patience and doesn't say how much.
const PAUSES: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(32)).times(5);
/// How long the endpoint may be away while it is updated, as Azure documents for status 410.
const UPDATE: Duration = Duration::from_secs(70);

/// The endpoint that hands out the machine's tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityEndpoint {
    url: Url,
    version: String,
    /// What opens it, in the style of App Service; [`None`] in the style of virtual machines.
    key: Option<Secret>,
}

struct ManagedIdentity {
    endpoint: IdentityEndpoint,
    client_id: Option<String>,
    pipeline: Pipeline,
}

impl IdentityEndpoint {
    /// The endpoint of virtual machines, or one of one's own in the same style.
    #[must_use]
    pub fn instance_metadata(url: Option<Url>, version: Option<&str>) -> Self {
        let known = || Url::parse(INSTANCE_METADATA).expect("the known endpoint is valid");
        Self {
            url: url.unwrap_or_else(known),
            version: version.unwrap_or(INSTANCE_METADATA_VERSION).to_owned(),
            key: None,
        }
    }

    /// The endpoint of App Service, Functions and Container Apps, as `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER` give it.
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
            // It shows that the request wasn't forwarded by mistake.
            let name = HeaderName::from_static("metadata");
            return Ok(request.header(name, HeaderValue::from_static("true")));
        };
        let mut value = HeaderValue::try_from(key.expose())
            .map_err(|_| who.fails(Problem::Value, "IDENTITY_HEADER is no text for a header"))?;
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
    /// Signs in as the managed identity of the machine: the one with the client ID, or the only one
    /// that there is. Nothing is sent yet. The pipeline has to let plain http through, and to go past
    /// any proxy.
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
            let message = "a managed identity is known in its own tenant only";
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
    /// Asks once, and doesn't wait long: where there is no such endpoint, nobody says so.
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
                // It is there, and only wants more time than that.
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

/// How long to wait before asking again, or [`None`] when the answer is final. A 404 comes while
/// identities are being assigned, and a 410 while the endpoint is updated.
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

/// The token in an answer, which gives its end as a number or as text, from now or, in App Service, from
/// 1970 only. What counts from now needs no clock that is right.
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
    // What serde has against it could quote a piece of the token.
    let body: Body = serde_json::from_slice(&response.body)
        .map_err(|_| said("the answer holds no token that can be read"))?;
    let ends_in = || Some(seconds(&body.expires_on)? - now.as_second());
    let left = seconds(&body.expires_in).or_else(ends_in);
    let left = left.ok_or_else(|| said("the answer doesn't say when its token ends"))?;
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
    async fn a_virtual_machine_is_asked_at_its_fixed_address() {
        let transport = ScriptedTransport::default().on(Method::GET, "169.254", issued());
        let token = virtual_machine(&transport).token(&budget(), SCOPE).await;
        assert_eq!(token.unwrap().expose(), "t-1");
        let request = &transport.requests()[0];
        insta::assert_snapshot!(request.url, @"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com");
        assert_eq!(request.headers["metadata"], "true");
        assert!(!request.headers.contains_key("x-identity-header"));
    }

    #[tokio::test]
    async fn an_endpoint_and_a_version_of_ones_own_and_an_identity_are_named() {
        let url = Url::parse("http://127.0.0.1:1234/msi?x=y").unwrap();
        let endpoint = IdentityEndpoint::instance_metadata(Some(url), Some("2020-01-01"));
        let transport = ScriptedTransport::default().on(Method::GET, "/msi", issued());
        let identity = Some("client");
        let credential = Credential::managed_identity(endpoint, identity, pipeline(&transport));
        credential.token(&budget(), SCOPE).await.unwrap();
        insta::assert_snapshot!(transport.story()[0], @"GET http://127.0.0.1:1234/msi?x=y&api-version=2020-01-01&resource=https%3A%2F%2Fmanagement.azure.com&client_id=client");
    }

    #[tokio::test]
    async fn app_service_is_shown_its_header() {
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
    async fn an_endpoint_that_is_being_updated_is_waited_for() {
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
    async fn an_identity_that_is_not_there_is_refused_at_once() {
        let said = value!({"error": "invalid_request", "error_description": "Identity not found"});
        let transport = ScriptedTransport::default().on(Method::GET, "169.254", json(400, &said));
        let failed = failure(&virtual_machine(&transport)).await;
        assert_eq!(failed.0, Problem::ManagedIdentity);
        insta::assert_snapshot!(failed.1, @"signing in with a managed identity: Identity not found");
    }

    /// Nobody there: a connection attempt takes ten seconds, as long as ours may.
    struct Nobody;

    #[async_trait]
    impl crate::http::Transport for Nobody {
        async fn send(&self, _: Request) -> Result<Response, crate::http::TransportError> {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(crate::http::scripted_transport::failure(
                TransportErrorKind::Connect,
            ))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn elsewhere_than_in_azure_that_is_said_soon() {
        let endpoint = IdentityEndpoint::instance_metadata(None, None);
        let pipeline = Pipeline::new(Arc::new(Nobody));
        let start = tokio::time::Instant::now();
        let failed = failure(&Credential::managed_identity(endpoint, None, pipeline)).await;
        assert!(start.elapsed() <= PATIENCE);
        assert_eq!(failed.0, Problem::NoManagedIdentity);
    }

    #[tokio::test]
    async fn the_end_of_a_token_is_read_in_each_way_it_is_given() {
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
                (token.ends_at - tokio::time::Instant::now())
                    .as_secs_f64()
                    .round()
            })
        };
        assert_eq!(left(value!({"expires_on": "4600"})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_on": 4600})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_in": "3600"})).unwrap(), 3600.0);
        assert_eq!(left(value!({"expires_in": 3600.0})).unwrap(), 3600.0);
        // By a clock that runs ahead, the token has ended already.
        let both = value!({"expires_in": 3600, "expires_on": 7});
        assert_eq!(left(both).unwrap(), 3600.0);
        let odd = left(value!({"expires_in": null})).unwrap_err();
        insta::assert_snapshot!(odd, @"signing in with a managed identity: the answer doesn't say when its token ends");
        assert!(!format!("{odd:?}").contains("planted"));
    }
}
