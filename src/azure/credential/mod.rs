//! Signing in: one credential a way of doing so, and a cache in front of all of them.
//!
//! The ways themselves are azure_identity's. What we add: its requests go through our transport, Entra's
//! words reach the user as they came, tokens are shared by everything in the process, and any number of
//! callers wait for one sign-in.

mod cli;
mod client_secret;
mod entra;
mod secret;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::time::OffsetDateTime;
use tokio::time::Instant;

use crate::azure::credential::entra::EntraRefusal;
use crate::azure::{Error, Operation};
use crate::http::{Budget, SendError};

pub use secret::Secret;

/// How long before its end a token is renewed; a short-lived one already in the middle of its life.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// Who we are to Azure. Clones share their tokens.
#[derive(Clone)]
pub struct Credential {
    shared: Arc<Shared>,
}

struct Shared {
    method: &'static str,
    source: Arc<dyn TokenCredential>,
    tokens: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The token of one scope. Its lock is held while it is fetched: whoever comes meanwhile waits for it.
type Slot = tokio::sync::Mutex<Option<Token>>;

struct Token {
    secret: Secret,
    renew_at: Instant,
}

impl Credential {
    /// A credential on a source of tokens; the method is named in errors, as in `a client secret`.
    pub(crate) fn new(method: &'static str, source: Arc<dyn TokenCredential>) -> Self {
        Self {
            shared: Arc::new(Shared {
                method,
                source,
                tokens: Mutex::default(),
            }),
        }
    }

    /// The way of signing in, such as `a client secret`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.shared.method
    }

    /// A token for a scope: a cached one, or a new one.
    ///
    /// # Errors
    ///
    /// When Entra refuses, cannot be reached, or the budget is spent.
    pub async fn token(&self, budget: &Budget, scope: &str) -> Result<Secret, Error> {
        let operation = Operation::new("signing in for", scope);
        let stopped = |why| Error::stopped(&operation, why);
        budget.check().map_err(stopped)?;
        tokio::select! {
            biased;
            token = self.cached(&operation, scope) => token,
            why = budget.spent() => Err(stopped(why)),
        }
    }

    async fn cached(&self, operation: &Operation, scope: &str) -> Result<Secret, Error> {
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref()
            && Instant::now() < token.renew_at
        {
            return Ok(token.secret.clone());
        }
        let fresh = self.shared.source.get_token(&[scope], None).await;
        let fresh = fresh.map_err(|error| failure(self.method(), operation, &error))?;
        let token = slot.insert(Token::new(&fresh));
        Ok(token.secret.clone())
    }

    fn slot(&self, scope: &str) -> Arc<Slot> {
        let mut tokens = self
            .shared
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tokens.entry(scope.to_owned()).or_default())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("method", &self.shared.method)
            .finish_non_exhaustive()
    }
}

impl Token {
    fn new(token: &AccessToken) -> Self {
        let left = token.expires_on - OffsetDateTime::now_utc();
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        Self {
            secret: Secret::new(token.token.secret()),
            renew_at: Instant::now() + (left - RENEW_BEFORE.min(left / 2)),
        }
    }
}

/// What a failed sign-in says. azure_identity wraps the cause in sentences of its own; what counts is
/// found underneath, and never its `Debug`, which takes a backtrace.
fn failure(method: &'static str, operation: &Operation, error: &azure_core::Error) -> Error {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(refusal) = cause.downcast_ref::<EntraRefusal>() {
            let message = refusal.message.clone();
            return Error::SignIn { method, message };
        }
        if let Some(unsent) = cause.downcast_ref::<SendError>() {
            return Error::unsent(operation, unsent.clone());
        }
        next = cause.source();
    }
    let cause = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let message = cause.trim().to_owned();
    Error::SignIn { method, message }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use azure_core::credentials::TokenRequestOptions;

    use super::*;
    use crate::azure::testing::minute;

    /// Takes a second to issue a token, and counts.
    #[derive(Debug, Default)]
    struct Slow {
        issued: AtomicU32,
        lifetime: Duration,
    }

    #[async_trait]
    impl TokenCredential for Slow {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
            let expires = OffsetDateTime::now_utc() + self.lifetime;
            Ok(AccessToken::new(format!("planted-{number}"), expires))
        }
    }

    fn slow(lifetime: Duration) -> (Arc<Slow>, Credential) {
        let source = Arc::new(Slow {
            lifetime,
            ..Slow::default()
        });
        let credential = Credential::new("a test", Arc::clone(&source) as Arc<dyn TokenCredential>);
        (source, credential)
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_share_one_sign_in() {
        let (source, credential) = slow(Duration::from_secs(3600));
        let budget = minute();
        let ask = || credential.token(&budget, "a");
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!(one.unwrap(), two.unwrap());
        assert_eq!(three.unwrap().expose(), "planted-1");
        credential.token(&budget, "another scope").await.unwrap();
        assert_eq!(source.issued.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_its_end() {
        let (_, credential) = slow(Duration::from_secs(3600));
        let ask = || async { credential.token(&minute(), "a").await.unwrap() };
        assert_eq!(ask().await.expose(), "planted-1");
        tokio::time::advance(Duration::from_secs(3600 - 310)).await;
        assert_eq!(ask().await.expose(), "planted-1");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(ask().await.expose(), "planted-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_operation_waits_for_no_token() {
        let (_, credential) = slow(Duration::from_secs(3600));
        let budget = minute();
        let cancel = budget.cancelled.clone();
        let (token, ()) = tokio::join!(credential.token(&budget, "a"), async { cancel.cancel() });
        assert!(token.unwrap_err().is_cancelled());
        assert!(credential.token(&minute(), "a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_credential_prints_no_token() {
        let (_, credential) = slow(Duration::from_secs(3600));
        credential.token(&minute(), "a").await.unwrap();
        assert!(!format!("{credential:?}").contains("planted"));
    }
}
