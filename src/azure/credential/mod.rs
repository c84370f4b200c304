//! Authentication to Azure: one token source for each method, and a shared token cache.
//!
//! # Layout
//! - [`Credential`] and the trait of the token sources (this file)
//! - `cache`: shares tokens, renews them in time, and fetches each one once for any number of callers
//! - `client_secret`, `certificate`, `oidc`: get a service principal's token for a secret or an assertion.
//!   `entra` sends their requests to Entra.
//! - `managed_identity`: gets a token for the machine's managed identity from an `identity_endpoint`
//! - `cli`: gets a token from the Azure CLI. `az` runs its program.
//! - `sign_in_failure`: why no token was issued

mod az;
mod cache;
mod certificate;
mod cli;
mod client_secret;
mod entra;
mod id_token;
mod identity_endpoint;
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

pub(crate) use az::Az;
use cache::Cache;
pub(crate) use id_token::IdToken;
pub(crate) use identity_endpoint::IdentityEndpoint;
pub(crate) use pkcs12::{CertificateError, ClientCertificate};
pub use secret::Secret;
pub(crate) use sign_in_failure::aadsts;
pub(crate) use sign_in_failure::{Problem, Reported, SignInFailure};

/// How long before its expiry a token is renewed. If it lives less than ten minutes, it is renewed at half
/// its lifetime.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// The identity with which the provider authenticates to Azure. Clones share their tokens.
#[derive(Clone)]
pub struct Credential {
    method: &'static str,
    auxiliary_tenants: Arc<[String]>,
    cache: Cache,
}

/// An authentication method.
#[async_trait]
pub(crate) trait TokenSource: Send + Sync {
    /// Fetches a new token. `tenant` is `None` for the credential's own tenant.
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error>;
}

/// A token, and when it must be renewed and when it expires.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    secret: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

impl Credential {
    /// Creates a credential. Errors name the method, such as `a client secret`.
    pub(crate) fn new(method: &'static str, source: Arc<dyn TokenSource>) -> Self {
        Self {
            method,
            auxiliary_tenants: Arc::default(),
            cache: Cache::new(source),
        }
    }

    /// Adds auxiliary tenants. Managed identities don't support them.
    #[must_use]
    pub fn with_auxiliary_tenants(self, tenants: &[String]) -> Self {
        Self {
            auxiliary_tenants: tenants.into(),
            ..self
        }
    }

    /// Returns the authentication method, such as `a client secret`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Returns a cached or new token for a scope.
    ///
    /// # Errors
    /// If the sign-in fails or the budget is spent.
    pub async fn token(&self, budget: &Budget, scope: &str) -> Result<Secret, Error> {
        self.cache.token(budget, None, scope).await
    }

    /// Returns a token other than `stale`, which Azure refused. Another caller may have renewed it already.
    ///
    /// # Errors
    /// The same as for [`Credential::token`].
    pub async fn renewed_token(
        &self,
        budget: &Budget,
        scope: &str,
        stale: &Secret,
    ) -> Result<Secret, Error> {
        self.cache.forget(None, scope, stale);
        self.cache.token(budget, None, scope).await
    }

    /// Returns one token for each auxiliary tenant, in the order of the tenants.
    ///
    /// # Errors
    /// The same as for [`Credential::token`], for the first tenant that fails.
    pub async fn auxiliary_tokens(
        &self,
        budget: &Budget,
        scope: &str,
    ) -> Result<Vec<Secret>, Error> {
        let tenants = self.auxiliary_tenants.iter();
        let tokens = tenants.map(|tenant| self.cache.token(budget, Some(tenant), scope));
        try_join_all(tokens).await
    }

    /// Returns tokens other than `stale`, which Azure refused, in the order of the auxiliary tenants. Another
    /// caller may have renewed them already.
    ///
    /// # Errors
    /// The same as for [`Credential::auxiliary_tokens`].
    pub async fn renewed_auxiliary_tokens(
        &self,
        budget: &Budget,
        scope: &str,
        stale: &[Secret],
    ) -> Result<Vec<Secret>, Error> {
        for (tenant, stale) in self.auxiliary_tenants.iter().zip(stale) {
            self.cache.forget(Some(tenant), scope, stale);
        }
        self.auxiliary_tokens(budget, scope).await
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
    /// Creates a token that expires after `lifetime`.
    pub(crate) fn lasting(lifetime: Duration, secret: Secret) -> Self {
        // A wrong clock can result in an absurd lifetime.
        const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let left = lifetime.min(LONGEST);
        let now = Instant::now();
        Self {
            secret,
            renew_at: now + (left - RENEW_BEFORE.min(left / 2)),
            expires_at: now + left,
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

/// Returns the audience of a scope. Managed identity endpoints take an audience instead of a scope.
fn audience(scope: &str) -> &str {
    scope.strip_suffix("/.default").unwrap_or(scope)
}
