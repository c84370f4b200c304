//! A token cache for the whole process. It caches tokens by tenant and scope and renews them before they
//! expire. Concurrent callers share one fetch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::azure::credential::entra::signing_in_for;
use crate::azure::credential::{Secret, SignInFailure, Token, TokenSource};
use crate::azure::{Error, Operation};
use crate::http::{Budget, Stopped};

/// How long after a failed renewal the next one is tried, while the old token is still valid.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// The cached tokens of a source. Clones share them.
#[derive(Clone)]
pub(super) struct Cache {
    source: Arc<dyn TokenSource>,
    slots: Arc<Mutex<HashMap<Key, Arc<Slot>>>>,
    failures: Arc<Failures>,
}

/// One failure for each cause that sign-ins have failed for.
#[derive(Default)]
struct Failures(Mutex<Vec<SignInFailure>>);

impl Failures {
    /// Has a failure share the report of an earlier one with the same cause.
    fn relate(&self, mut error: Error) -> Error {
        if let Error::SignIn(failure) = &mut error {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match known.iter().find(|known| known.has_cause_of(failure)) {
                Some(known) => failure.reported = known.reported.clone(),
                None => known.push(failure.as_ref().clone()),
            }
        }
        error
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: Option<String>,
    scope: String,
}

/// The cached token for one key.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The fetch in progress. Its callers own it, so it ends when the last of them stops waiting.
    fetch: Option<WeakShared<Fetch>>,
}

type Fetch = BoxFuture<'static, Result<Secret, Error>>;

/// The result of [`Slot::now`]: a valid token, or the fetch to wait for.
enum Now {
    Take(Secret),
    Await(Shared<Fetch>),
}

impl Cache {
    pub(super) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            source,
            slots: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// Returns a cached or new token. All callers that wait for the same fetch get the same token or the same
    /// error. A call after a failed fetch tries again.
    pub(super) async fn token(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Secret, Error> {
        let operation = signing_in_for(scope);
        let stopped = |why| Error::stopped(&operation, why);
        let key = Key {
            tenant: tenant.map(str::to_owned),
            scope: scope.to_owned(),
        };
        let slot = self.slot(&key);
        loop {
            budget.check().map_err(stopped)?;
            let fetch = match slot.now(|| self.fetch(&slot, key.clone(), budget)) {
                Now::Take(secret) => return Ok(secret),
                Now::Await(fetch) => fetch,
            };
            tokio::select! {
                biased;
                // This branch comes first, because at the deadline a finished fetch is more useful than a
                // timeout.
                fetched = fetch => match fetched {
                    // The caller that started the fetch timed out, but this caller still has time.
                    Err(Error::Stopped { .. }) if budget.check().is_ok() => {}
                    fetched => return fetched,
                },
                why = budget.spent() => return Err(stopped(why)),
            }
        }
    }

    /// Forgets a refused token, unless a newer one has already replaced it.
    pub(super) fn forget(&self, tenant: Option<&str>, scope: &str, stale: &Secret) {
        let slot = self.slot(&Key {
            tenant: tenant.map(str::to_owned),
            scope: scope.to_owned(),
        });
        slot.state().token.take_if(|token| token.secret == *stale);
    }

    /// Creates a fetch with the deadline of the caller. Cancelling the caller's operation doesn't cancel the
    /// fetch, because other callers may be waiting for it.
    fn fetch(&self, slot: &Arc<Slot>, key: Key, budget: &Budget) -> Fetch {
        let time = budget.deadline.saturating_duration_since(Instant::now());
        let budget = Budget::new(time, CancellationToken::new());
        let source = Arc::clone(&self.source);
        let slot = Arc::clone(slot);
        let failures = Arc::clone(&self.failures);
        let fetch = async move {
            let fetched = source.fetch(&budget, key.tenant.as_deref(), &key.scope);
            // Also stops a source that ignores its budget, such as a command that hangs.
            let fetched = tokio::select! {
                biased;
                fetched = fetched => fetched,
                () = after(&budget) => {
                    Err(Error::stopped(&signing_in_for(&key.scope), Stopped::Deadline))
                }
            };
            let fetched = fetched.map_err(|error| failures.relate(error));
            slot.settle(fetched, &signing_in_for(&key.scope))
        };
        fetch.boxed()
    }

    fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

impl Slot {
    /// Returns the token if it needs no renewal, and otherwise the fetch to wait for.
    fn now(&self, fetch: impl FnOnce() -> Fetch) -> Now {
        let mut state = self.state();
        if let Some(token) = &state.token
            && Instant::now() < token.renew_at
        {
            return Now::Take(token.secret.clone());
        }
        let going_on = state.fetch.as_ref().and_then(WeakShared::upgrade);
        Now::Await(going_on.unwrap_or_else(|| {
            let fetch = fetch().shared();
            state.fetch = fetch.downgrade();
            fetch
        }))
    }

    /// Stores the result of a fetch. If a renewal failed, the old token stays in use until it expires.
    fn settle(
        &self,
        fetched: Result<Token, Error>,
        operation: &Operation,
    ) -> Result<Secret, Error> {
        let mut state = self.state();
        state.fetch = None;
        let now = Instant::now();
        match (fetched, &mut state.token) {
            (Ok(fresh), token) => Ok(token.insert(fresh).secret.clone()),
            (Err(error), Some(old)) if now < old.expires_at => {
                tracing::warn!(%error, %operation, "could not renew a token, so the old one stays in use until it expires");
                old.renew_at = (now + RENEWAL_PAUSE).min(old.expires_at);
                Ok(old.secret.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until just after a budget's deadline, so that a source that respects its budget ends first.
async fn after(budget: &Budget) {
    tokio::time::sleep_until(budget.deadline + Duration::from_millis(1)).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::azure::Credential;
    use crate::azure::credential::sign_in_failure::{Problem, SignInAttempt};
    use crate::azure::testing::minute;

    /// A source that takes a second per fetch, counts the fetches, and can refuse.
    #[derive(Default)]
    struct Slow {
        asked: AtomicU32,
        lifetime: Duration,
        refuses: Mutex<bool>,
    }

    #[async_trait]
    impl TokenSource for Slow {
        async fn fetch(&self, _: &Budget, tenant: Option<&str>, _: &str) -> Result<Token, Error> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if *self.refuses.lock().unwrap() {
                let who = SignInAttempt {
                    method: "a test",
                    tenant_id: tenant,
                    client_id: None,
                };
                return Err(who
                    .fails(Problem::Unavailable, format!("AADSTS7: no {number}"))
                    .into());
            }
            let tenant = tenant.unwrap_or("home");
            let secret = Secret::new(format!("planted-{tenant}-{number}"));
            Ok(Token::lasting(self.lifetime, secret))
        }
    }

    impl Slow {
        fn refuse(&self, whether: bool) {
            *self.refuses.lock().unwrap() = whether;
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    fn slow(lifetime: Duration) -> (Arc<Slow>, Credential) {
        let source = Arc::new(Slow {
            lifetime,
            ..Slow::default()
        });
        let credential = Credential::new("a test", Arc::clone(&source) as Arc<dyn TokenSource>);
        (source, credential)
    }

    fn an_hour() -> (Arc<Slow>, Credential) {
        slow(Duration::from_secs(3600))
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_fetch() {
        let (source, credential) = an_hour();
        let budget = minute();
        let ask = || credential.token(&budget, "a");
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!(one.unwrap(), two.unwrap());
        assert_eq!(three.unwrap().expose(), "planted-home-1");
        credential.token(&budget, "another scope").await.unwrap();
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_failure_and_the_next_call_tries_again() {
        let (source, credential) = an_hour();
        source.refuse(true);
        let budget = minute();
        let ask = || credential.token(&budget, "a");
        let (one, two) = tokio::join!(ask(), ask());
        for failed in [one, two] {
            let failed = failed.unwrap_err().to_string();
            assert_eq!(failed, "signing in with a test: AADSTS7: no 1");
        }
        source.refuse(false);
        assert_eq!(ask().await.unwrap().expose(), "planted-home-2");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_with_the_same_cause_share_their_report() {
        let (source, credential) = an_hour();
        source.refuse(true);
        let mut first_reports = Vec::new();
        for scope in ["a", "b", "a"] {
            let Err(Error::SignIn(failure)) = credential.token(&minute(), scope).await else {
                panic!("failure expected");
            };
            first_reports.push(failure.reported.is_first());
        }
        assert_eq!(first_reports, [true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn renews_a_token_before_it_expires() {
        let (_, credential) = an_hour();
        let ask = || async { credential.token(&minute(), "a").await.unwrap() };
        assert_eq!(ask().await.expose(), "planted-home-1");
        tokio::time::advance(Duration::from_secs(3600 - 310)).await;
        assert_eq!(ask().await.expose(), "planted-home-1");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(ask().await.expose(), "planted-home-2");
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_token_stays_in_use_until_it_expires_if_renewal_fails() {
        let (source, credential) = an_hour();
        let ask = || async { credential.token(&minute(), "a").await };
        ask().await.unwrap();
        source.refuse(true);
        tokio::time::advance(Duration::from_secs(3600 - 290)).await;
        assert_eq!(ask().await.unwrap().expose(), "planted-home-1");
        assert_eq!(ask().await.unwrap().expose(), "planted-home-1");
        assert_eq!(source.asked(), 2, "the next renewal waits");
        tokio::time::advance(Duration::from_secs(31)).await;
        ask().await.unwrap();
        assert_eq!(source.asked(), 3);
        tokio::time::advance(Duration::from_secs(290)).await;
        ask().await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_replace_a_refused_token_once() {
        let (source, credential) = an_hour();
        let budget = minute();
        let stale = credential.token(&budget, "a").await.unwrap();
        let renew = || credential.renewed_token(&budget, "a", &stale);
        let (one, two) = tokio::join!(renew(), renew());
        assert_eq!(one.unwrap().expose(), "planted-home-2");
        assert_eq!(two.unwrap().expose(), "planted-home-2");
        assert_eq!(renew().await.unwrap().expose(), "planted-home-2");
        source.refuse(true);
        let fresh = credential.token(&budget, "a").await.unwrap();
        let refused = credential.renewed_token(&budget, "a", &fresh).await;
        refused.expect_err("a refused token is never used again");
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_one_token_for_each_auxiliary_tenant() {
        let (source, credential) = an_hour();
        assert!(
            credential
                .auxiliary_tokens(&minute(), "a")
                .await
                .unwrap()
                .is_empty()
        );
        let tenants = ["one".to_owned(), "two".to_owned()];
        let credential = credential.with_auxiliary_tenants(&tenants);
        let start = Instant::now();
        for _ in 0..2 {
            let tokens = credential.auxiliary_tokens(&minute(), "a").await.unwrap();
            let tokens: Vec<_> = tokens.iter().map(Secret::expose).collect();
            assert_eq!(tokens, ["planted-one-1", "planted-two-2"]);
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_one_caller_does_not_cancel_the_fetch_of_another() {
        let (source, credential) = an_hour();
        let interrupted = minute();
        let cancel = interrupted.cancelled.clone();
        let budget = minute();
        let (token, other, ()) = tokio::join!(
            credential.token(&interrupted, "a"),
            credential.token(&budget, "a"),
            async { cancel.cancel() }
        );
        assert!(token.unwrap_err().is_cancelled());
        assert_eq!(other.unwrap().expose(), "planted-home-1");
        assert_eq!(source.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_with_more_time_continues_after_another_times_out() {
        let (source, credential) = an_hour();
        let short = Budget::new(Duration::from_millis(400), CancellationToken::new());
        let budget = minute();
        let (token, other) = tokio::join!(
            credential.token(&short, "a"),
            credential.token(&budget, "a")
        );
        assert!(matches!(token, Err(Error::Stopped { .. })));
        other.unwrap();
        assert_eq!(source.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn debug_shows_no_token() {
        let (_, credential) = an_hour();
        credential.token(&minute(), "a").await.unwrap();
        assert!(!format!("{credential:?}").contains("planted"));
    }
}
