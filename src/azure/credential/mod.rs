//! Signing in: one source of tokens a way of doing so, and a cache in front of all of them.
//!
//! # Layout
//! - [`Credential`] and what a way of signing in has to do (this file)
//! - `cache`: tokens that are shared, renewed in time, and fetched once for any number of callers
//! - `client_secret`, `certificate`, `oidc`: an application, which Entra gives a token for a secret or an
//!   assertion; `entra` is the way there
//! - `managed_identity`: the machine's own identity
//! - `cli`: whoever is signed in to the Azure CLI
//! - `sign_in_failure`: why there is no token

mod cache;
mod certificate;
mod cli;
mod client_secret;
mod entra;
mod id_token;
mod managed_identity;
mod oidc;
mod pkcs12;
mod secret;
mod sign_in_failure;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::AccessToken;
use azure_core::time::OffsetDateTime;
use futures::future::try_join_all;
use tokio::time::Instant;

use crate::azure::Error;
use crate::http::Budget;

use cache::Cache;
pub(crate) use id_token::IdToken;
pub(crate) use managed_identity::IdentityEndpoint;
pub(crate) use pkcs12::{CertificateError, ClientCertificate};
pub use secret::Secret;
#[cfg(test)]
pub(crate) use sign_in_failure::Reported;
pub(crate) use sign_in_failure::aadsts;
pub(crate) use sign_in_failure::{Problem, SignInFailure};

/// How long before its end a token is renewed; a short-lived one already in the middle of its life.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// Who we are to Azure. Clones share their tokens.
#[derive(Clone)]
pub struct Credential {
    method: &'static str,
    auxiliary_tenants: Arc<[String]>,
    cache: Cache,
}

/// A way of signing in.
#[async_trait]
pub(crate) trait TokenSource: Send + Sync {
    /// Fetches a new token, in the credential's own tenant or in another one.
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error>;
}

/// A token and its time.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    secret: Secret,
    renew_at: Instant,
    ends_at: Instant,
}

impl Credential {
    /// A credential on a source of tokens; the method is named in errors, as in `a client secret`.
    pub(crate) fn new(method: &'static str, source: Arc<dyn TokenSource>) -> Self {
        Self {
            method,
            auxiliary_tenants: Arc::default(),
            cache: Cache::new(source),
        }
    }

    /// The same, which is known in other tenants too. Managed identities aren't.
    #[must_use]
    pub fn with_auxiliary_tenants(self, tenants: &[String]) -> Self {
        Self {
            auxiliary_tenants: tenants.into(),
            ..self
        }
    }

    /// The way of signing in, such as `a client secret`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// A token for a scope: a cached one, or a new one.
    ///
    /// # Errors
    /// When Entra refuses, cannot be reached, or the budget is spent.
    pub async fn token(&self, budget: &Budget, scope: &str) -> Result<Secret, Error> {
        self.cache.token(budget, None, scope).await
    }

    /// A token that isn't `stale`, which was refused: one that came meanwhile, or a new one.
    ///
    /// # Errors
    /// As of [`Credential::token`].
    pub async fn renewed_token(
        &self,
        budget: &Budget,
        scope: &str,
        stale: &Secret,
    ) -> Result<Secret, Error> {
        self.cache.forget(None, scope, stale);
        self.cache.token(budget, None, scope).await
    }

    /// A token of each auxiliary tenant, in their order; none where there are no such tenants.
    ///
    /// # Errors
    /// As of [`Credential::token`], for the first tenant that fails.
    pub async fn auxiliary_tokens(
        &self,
        budget: &Budget,
        scope: &str,
    ) -> Result<Vec<Secret>, Error> {
        let tenants = self.auxiliary_tenants.iter();
        let tokens = tenants.map(|tenant| self.cache.token(budget, Some(tenant), scope));
        try_join_all(tokens).await
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("method", &self.method)
            .field("auxiliary_tenants", &self.auxiliary_tenants)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// A token that has just begun.
    pub(crate) fn lasting(lifetime: Duration, secret: Secret) -> Self {
        // No token lasts longer, whatever its clock says.
        const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let left = lifetime.min(LONGEST);
        let now = Instant::now();
        Self {
            secret,
            renew_at: now + (left - RENEW_BEFORE.min(left / 2)),
            ends_at: now + left,
        }
    }
}

impl From<&AccessToken> for Token {
    fn from(token: &AccessToken) -> Self {
        let left = token.expires_on - OffsetDateTime::now_utc();
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        Self::lasting(left, Secret::new(token.token.secret()))
    }
}

/// The audience of a scope: managed identity is asked for that.
fn audience(scope: &str) -> &str {
    scope.strip_suffix("/.default").unwrap_or(scope)
}
