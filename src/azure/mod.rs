//! Azure as our service needs it: registries, their tasks and runs, role assignments at a registry,
//! and a registry's data plane.
//!
//! Requests are built by pure functions, bodies are typed, and [`Azure`] is the handle that signs and
//! sends them. Every call takes a [`Budget`] and asks it before each request: a cancelled operation
//! starts nothing new, and a write in flight may finish. Nothing here knows of Terraform.

pub mod acr;
pub mod cache_rule;
pub mod cloud;
pub mod credential;
pub mod error;
pub mod id;
pub mod poll;
pub mod registry;
pub mod role_assignment;
pub mod run;
pub mod task;

mod arm;
mod error_body;
mod rates;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::azure::acr::{AcrClient, Session};
use crate::http::{Budget, Pipeline, Request, Response};

pub use cloud::Cloud;
pub use credential::{Credential, Secret};
pub use error::{Error, Operation, Refusal};
pub use id::RegistryId;
pub use poll::Accepted;

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

    /// A token for the registries' data plane.
    ///
    /// The audience is the one that every registry accepts. Should a sovereign cloud not know it, a
    /// fall-back to Resource Manager's audience belongs here.
    pub(crate) async fn acr_token(&self, budget: &Budget) -> Result<Secret, Error> {
        let scope = self.shared.cloud.acr_scope();
        self.shared.credential.token(budget, &scope).await
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
