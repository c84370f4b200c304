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
    /// The error from Entra ID if it doesn't know the registries' audience.
    acr_is_unknown: OnceLock<Box<SignInFailure>>,
}

/// The audience of a token for signing in to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The registries' data plane. Every registry of the public cloud accepts it. If Entra ID doesn't
    /// know it, as can happen in other clouds, the provider uses the Resource Manager audience.
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
        let session = sessions
            .entry(key)
            .or_insert_with_key(|login_server| Arc::new(Session::new(login_server)));
        AcrClient::new(self.clone(), Arc::clone(session))
    }

    /// Returns a token of the given audience for signing in to registries.
    pub(crate) async fn registry_token(
        &self,
        budget: &Budget,
        audience: Audience,
    ) -> Result<Secret, Error> {
        let shared = &self.shared;
        match shared.credential.token(budget, &self.scope(audience)).await {
            Err(Error::SignIn(failure))
                if audience == Audience::Registries && failure.is_unknown_audience() =>
            {
                let scope = shared.cloud.resource_manager_scope();
                let token = shared.credential.token(budget, &scope).await?;
                let _ = shared.acr_is_unknown.set(failure);
                Ok(token)
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

    /// Returns the error from Entra ID if it doesn't know the registries' audience.
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
