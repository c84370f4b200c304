//! Authentication as the managed identity of the machine.
//!
//! azure_identity supports only a fixed endpoint, so it can't use the proxy that `msi_endpoint` names. The
//! endpoints are on the machine itself and use plain HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::azure::credential::entra::signing_in_for;
use crate::azure::credential::sign_in_failure::{Problem, Refusal, SignInAttempt, SignInFailure};
use crate::azure::credential::{IdentityEndpoint, Token, TokenSource};
use crate::azure::{Credential, Error, Secret};
use crate::http::backoff::Backoff;
use crate::http::retry::retry_after;
use crate::http::{Budget, Pipeline, Request, Response, SendError, Stopped};

const METHOD: &str = "a managed identity";

/// How long one request waits for an answer. The endpoint is on the machine itself.
const PATIENCE: Duration = Duration::from_secs(15);
/// The retry delays for an endpoint that is silent or failing, and sends no `Retry-After`. They are azurerm's. The
/// endpoint of a new machine or container can start late.
const PAUSES: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(32)).times(5);
/// How long an update of the endpoint can take, as Azure documents for status 410.
const UPDATE: Duration = Duration::from_secs(70);

struct ManagedIdentity {
    endpoint: IdentityEndpoint,
    client_id: Option<String>,
    pipeline: Pipeline,
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
        let first = Instant::now();
        let mut pauses = PAUSES;
        loop {
            let (pause, failure) = match self.ask(budget, who, scope, &request).await? {
                Ok(response) if response.status.is_success() => {
                    return token(who, &response, Timestamp::now());
                }
                Ok(response) => (
                    pause(&mut pauses, &response),
                    who.refused(Refusal::read(&response), Problem::ManagedIdentity),
                ),
                Err(silent) => (pauses.next(), silent),
            };
            let Some(pause) = pause else {
                return Err(failure.into());
            };
            let seconds = first.elapsed().as_secs();
            tracing::info!(seconds, "waiting for a token of the managed identity");
            budget.sleep(pause).await.map_err(|why| Error::Stopped {
                operation: signing_in_for(scope),
                why,
                last: Some(Box::new(failure.into())),
            })?;
        }
    }
}

impl ManagedIdentity {
    /// Sends one request with a short timeout. The inner error is the failure of an endpoint that is silent or
    /// unreachable.
    async fn ask(
        &self,
        budget: &Budget,
        who: SignInAttempt<'_>,
        scope: &str,
        request: &Request,
    ) -> Result<Result<Response, SignInFailure>, Error> {
        let short = budget.within(PATIENCE);
        let error = match self.pipeline.send(&short, request).await {
            Ok(response) => return Ok(Ok(response)),
            Err(error) => error,
        };
        let silent = |cause| who.fails(Problem::NoManagedIdentity, cause);
        match &error {
            SendError::Transport(cause) => Ok(Err(silent(cause))),
            SendError::Stopped {
                why: Stopped::Deadline,
                last: Some(last),
            } if budget.check().is_ok() => Ok(match &**last {
                // The endpoint exists, but asked for a longer wait than the short timeout.
                Ok(response) => Ok(response.clone()),
                Err(cause) => Err(silent(cause)),
            }),
            SendError::Stopped { .. } => Err(Error::unsent(&signing_in_for(scope), error)),
        }
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
    use std::sync::atomic::{AtomicU32, Ordering};

    use http::Method;
    use serde_json::json as value;
    use tokio_util::sync::CancellationToken;
    use url::Url;

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

    /// An endpoint that is silent for a number of requests, and answers afterwards. A request ends with an error
    /// after `wait`.
    struct Silent {
        requests: AtomicU32,
        silent: u32,
        wait: Duration,
    }

    #[async_trait]
    impl crate::http::Transport for Silent {
        async fn send(&self, _: Request) -> Result<Response, crate::http::TransportError> {
            if self.requests.fetch_add(1, Ordering::SeqCst) >= self.silent {
                return Ok(issued());
            }
            tokio::time::sleep(self.wait).await;
            let kind = TransportErrorKind::Connect;
            Err(crate::http::scripted_transport::failure(kind))
        }
    }

    fn silent(requests: u32, wait: Duration) -> Credential {
        let transport = Silent {
            requests: AtomicU32::new(0),
            silent: requests,
            wait,
        };
        let endpoint = IdentityEndpoint::instance_metadata(None, None);
        Credential::managed_identity(endpoint, None, Pipeline::new(Arc::new(transport)))
    }

    /// The client's timeout for a connection, and the time of a connection that never ends.
    const WAITS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(86400)];

    #[tokio::test(start_paused = true)]
    async fn waits_for_an_endpoint_that_is_silent_at_first() {
        for wait in WAITS {
            let token = silent(3, wait).token(&budget(), SCOPE).await;
            assert_eq!(token.unwrap().expose(), "t-1");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_endpoint_is_an_error_after_azurerms_pauses() {
        let pauses: Duration = PAUSES.sum();
        assert_eq!(pauses, Duration::from_secs(2 + 4 + 8 + 16 + 32));
        for wait in WAITS {
            let start = tokio::time::Instant::now();
            let failed = failure(&silent(u32::MAX, wait)).await;
            assert_eq!(failed.0, Problem::NoManagedIdentity);
            assert_eq!(start.elapsed(), pauses + 6 * PATIENCE);
        }
        let failed = failure(&silent(u32::MAX, WAITS[1])).await;
        insta::assert_snapshot!(failed.1, @"signing in with a managed identity: 169.254.169.254 did not answer in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_of_the_operation_ends_the_wait_for_a_silent_endpoint() {
        let short = Budget::new(Duration::from_secs(20), CancellationToken::new());
        let ended = silent(u32::MAX, WAITS[1]).token(&short, SCOPE).await;
        assert!(matches!(ended, Err(Error::Stopped { .. })), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_message_of_the_cloud_shell() {
        let said = value!({"error": {
            "code": "AudienceNotSupported",
            "message": "Audience x is not a supported MSI token audience.",
        }});
        let transport = ScriptedTransport::default().on(Method::GET, "169.254", json(400, &said));
        let failed = failure(&virtual_machine(&transport)).await;
        assert_eq!(failed.0, Problem::ManagedIdentity);
        insta::assert_snapshot!(failed.1, @"signing in with a managed identity: Audience x is not a supported MSI token audience.");
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
