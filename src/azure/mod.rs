//! Azure as our service needs it: registries, their tasks and runs, role assignments at a registry,
//! and a registry's data plane.
//!
//! Requests are built by pure functions, bodies are typed, and [`Azure`] is the handle that signs and
//! sends them. Every call takes a [`Budget`] and asks it before each request: a cancelled operation
//! starts nothing new, and a write in flight may finish. Nothing here knows of Terraform.

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
mod rate_limits;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::azure::acr::{AcrClient, Session};
use crate::azure::credential::SignInFailure;
use crate::http::{Budget, Pipeline, Request, Response};

pub use cloud::Cloud;
pub use credential::{Credential, Secret};
pub use error::{Error, Refusal};
pub(crate) use id::RegistryId;
pub use operation::{Operation, OperationKind};
pub(crate) use registry_client::RegistryClient;

/// What [`Azure`] is made of.
pub struct AzureOptions {
    /// Where everything is.
    pub cloud: Cloud,
    /// Who we are.
    pub credential: Credential,
    /// The way there.
    pub pipeline: Pipeline,
    /// Sent with each request to Resource Manager, so that its logs can be joined; `None` sends none.
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
    /// What Entra has said, where it doesn't know the registries' audience.
    acr_is_unknown: OnceLock<Box<SignInFailure>>,
}

/// Whom a token to sign in to a registry with is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The registries' data plane. Every registry of the public cloud takes it; where Entra doesn't know
    /// it, as it may be in another cloud, it is Resource Manager.
    Registries,
    /// Resource Manager. A registry may be set to take no tokens for it.
    ResourceManager,
}

impl Azure {
    /// Makes the handle. Nothing is sent yet.
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

    /// The cloud that this handle talks to.
    #[must_use]
    pub fn cloud(&self) -> &Cloud {
        &self.shared.cloud
    }

    /// The data plane of a registry, by the login server that Resource Manager gives for it. All
    /// clients of one login server share their sign-in.
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

    /// A token to sign in to registries with, of either audience.
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

    /// Another such token than `stale`, which a registry has refused.
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

    /// Why there are no tokens for registries, where Entra doesn't know them.
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

    /// Sends a request as it is, again where that helps. Any status is an answer.
    pub(crate) async fn send(
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
