//! The clients for the Azure APIs that the provider uses: registries, their tasks and runs, role
//! assignments at a registry, and the registry data plane.
//!
//! Pure functions build the requests, bodies are typed, and [`Azure`] signs and sends. Every call takes a
//! [`Budget`] and checks it before each request. After a cancellation no new request starts, but a write
//! in flight may finish. This module has no dependency on Terraform.
//!
//! # Request errors
//! Any request can fail with [`Error::Response`] (Azure refused), [`Error::Transport`] (no answer),
//! [`Error::Stopped`] (budget spent) or [`Error::SignIn`] (no token). An answer that can't be read is
//! [`Error::Decode`]. The `# Errors` sections call them "any request error".

pub(crate) mod absence;
pub mod acr;
pub(crate) mod cache_rule;
pub(crate) mod cloud;
pub(crate) mod credential;
pub(crate) mod error;
pub(crate) mod id;
pub(crate) mod operation;
pub(crate) mod poll;
pub(crate) mod registry;
pub(crate) mod registry_client;
pub(crate) mod registry_list;
pub(crate) mod role_assignment;
pub(crate) mod run;
pub(crate) mod task;

#[cfg(test)]
mod arbitrary_answers;
mod arm;
mod error_body;
mod pages;
mod rate_limits;
mod storage_error;
#[cfg(test)]
pub(crate) mod testing;
mod www_authenticate;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::azure::acr::{AcrClient, Session};
use crate::azure::credential::SignInFailure;
use crate::http::{Budget, Pipeline, Request, Response};

pub use absence::Look;
pub use cloud::Cloud;
pub use credential::{Credential, Secret};
pub use error::{Error, Refusal};
pub(crate) use id::RegistryId;
pub use operation::{Operation, OperationKind};
pub(crate) use registry_client::RegistryClient;

/// The parts of an [`Azure`] handle.
pub struct AzureOptions {
    /// The cloud with its endpoints.
    pub cloud: Cloud,
    /// The credential that requests are signed with.
    pub credential: Credential,
    /// The pipeline that sends requests.
    pub pipeline: Pipeline,
    /// The correlation ID for requests to Resource Manager, which connects Azure's log entries. `None`
    /// sends no ID.
    pub correlation_id: Option<String>,
}

/// The handle to Azure. Clones are cheap and share connections and tokens.
#[derive(Clone)]
pub struct Azure {
    shared: Arc<Shared>,
}

struct Shared {
    cloud: Cloud,
    credential: Credential,
    pipeline: Pipeline,
    correlation_id: Option<String>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// The error for the registries' audience, if only Resource Manager's audience gets a token.
    acr_is_unknown: OnceLock<Box<SignInFailure>>,
}

/// The audience of a token for signing in to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The registries' data plane. Every registry of the public cloud accepts it. Other clouds may not know
    /// it, and the Cloud Shell issues no token for it. The provider then uses the Resource Manager audience.
    Registries,
    /// Resource Manager. A registry can be configured to reject it.
    ResourceManager,
}

impl Azure {
    /// Creates the handle. It sends no request.
    #[must_use]
    pub fn new(options: AzureOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                cloud: options.cloud,
                credential: options.credential,
                pipeline: options.pipeline,
                correlation_id: options.correlation_id,
                sessions: Mutex::default(),
                acr_is_unknown: OnceLock::new(),
            }),
        }
    }

    /// Returns the cloud of this handle.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.shared.cloud
    }

    /// Returns the data plane client of a registry, given the login server from Resource Manager. All
    /// clients of one login server share their tokens.
    #[must_use]
    pub fn acr(&self, login_server: &str) -> AcrClient {
        let key = login_server.to_lowercase();
        let mut sessions = self
            .shared
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let session = sessions.entry(key).or_insert_with_key(|login_server| {
            let is_known = self.cloud().is_login_server(login_server);
            Arc::new(Session::new(login_server, is_known))
        });
        AcrClient::new(self.clone(), Arc::clone(session))
    }

    /// Returns a token of the given audience for signing in to registries.
    pub(crate) async fn registry_token(
        &self,
        budget: &Budget,
        audience: Audience,
    ) -> Result<Secret, Error> {
        let shared = &self.shared;
        let (scope, other) = (self.scope(audience), shared.cloud.resource_manager_scope());
        match shared.credential.token(budget, &scope).await {
            Err(Error::SignIn(failure))
                if scope != other && failure.can_be_about_the_audience() =>
            {
                match shared.credential.token(budget, &other).await {
                    Ok(token) => {
                        let _ = shared.acr_is_unknown.set(failure);
                        Ok(token)
                    }
                    // The first error says why the sign-in to registries fails.
                    Err(_) => Err(Error::SignIn(failure)),
                }
            }
            token => token,
        }
    }

    /// Returns a token other than `stale`, which a registry rejected.
    pub(crate) async fn renewed_registry_token(
        &self,
        budget: &Budget,
        audience: Audience,
        stale: &Secret,
    ) -> Result<Secret, Error> {
        let scope = self.scope(audience);
        let credential = &self.shared.credential;
        credential.renewed_token(budget, &scope, stale).await
    }

    /// Returns the error for the registries' audience, if only Resource Manager's audience gets a token.
    pub(crate) fn unknown_audience(&self) -> Option<Error> {
        self.shared.acr_is_unknown.get().cloned().map(Error::SignIn)
    }

    fn scope(&self, audience: Audience) -> String {
        let cloud = &self.shared.cloud;
        let is_unknown = self.shared.acr_is_unknown.get().is_some();
        match audience {
            Audience::Registries if !is_unknown => cloud.acr_scope(),
            Audience::Registries | Audience::ResourceManager => cloud.resource_manager_scope(),
        }
    }

    /// Sends a request unchanged, and retries it if that can help. Any status is an answer. A 404 is checked
    /// with a second look.
    pub(crate) async fn send(
        &self,
        budget: &Budget,
        operation: &Operation,
        request: &Request,
    ) -> Result<Response, Error> {
        let first = self.send_once(budget, operation, request).await?;
        if !absence::is_second_look_due(budget, operation, &first).await? {
            return Ok(first);
        }
        let second = self.send_once(budget, operation, request).await;
        absence::second_answer(operation, &first, second)
    }

    /// Sends a request as [`Self::send`] does, without a second look.
    pub(crate) async fn send_once(
        &self,
        budget: &Budget,
        operation: &Operation,
        request: &Request,
    ) -> Result<Response, Error> {
        let sent = self.shared.pipeline.send(budget, request).await;
        sent.map_err(|error| Error::unsent(operation, error))
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("cloud", &self.shared.cloud)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AzureOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureOptions")
            .field("cloud", &self.cloud)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::azure::credential::{Problem, Reported, Token, TokenSource};
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::ScriptedTransport;

    /// Refuses the audience of registries, and on request also the audience of Resource Manager.
    struct Refusing {
        problem: Problem,
        both: bool,
    }

    #[async_trait]
    impl TokenSource for Refusing {
        async fn fetch(&self, _: &Budget, _: Option<&str>, scope: &str) -> Result<Token, Error> {
            if !self.both && scope.contains("management.azure.com") {
                let token = Secret::new("for-resource-manager");
                return Ok(Token::lasting(Duration::from_secs(3600), token));
            }
            Err(Error::SignIn(Box::new(SignInFailure {
                method: "a test",
                tenant_id: None,
                client_id: None,
                problem: self.problem,
                message: format!("no token for {scope}"),
                status: None,
                trace_id: None,
                correlation_id: None,
                reported: Reported::default(),
            })))
        }
    }

    async fn registry_token(problem: Problem, both: bool) -> (Result<String, String>, bool) {
        let azure = Azure::new(AzureOptions {
            cloud: Cloud::public(),
            credential: Credential::new("a test", Arc::new(Refusing { problem, both })),
            pipeline: Pipeline::new(Arc::new(ScriptedTransport::default())),
            correlation_id: None,
        });
        let token = azure.registry_token(&minute(), Audience::Registries).await;
        let token = token.map(|token| token.expose().to_owned());
        let is_unknown = azure.unknown_audience().is_some();
        (token.map_err(|error| error.to_string()), is_unknown)
    }

    #[tokio::test]
    async fn a_refused_audience_of_registries_is_replaced_by_resource_managers() {
        for problem in [
            Problem::Cli(None),
            Problem::Cli(Some(500_011)),
            Problem::ManagedIdentity,
        ] {
            let (token, is_unknown) = registry_token(problem, false).await;
            assert_eq!(token.unwrap(), "for-resource-manager");
            assert!(is_unknown, "{problem:?}");
        }
    }

    #[tokio::test]
    async fn the_first_error_stays_if_both_audiences_are_refused() {
        let (token, is_unknown) = registry_token(Problem::Cli(None), true).await;
        insta::assert_snapshot!(token.unwrap_err(), @"signing in with a test: no token for https://containerregistry.azure.net/.default");
        assert!(!is_unknown);
    }

    #[tokio::test]
    async fn a_missing_cli_is_not_about_the_audience() {
        let (token, _) = registry_token(Problem::CliMissing, false).await;
        token.unwrap_err();
    }
}
