//! How many requests may be under way to one host at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{Budget, Request, Stopped, host};

/// As many as a host takes on one HTTP/2 connection without complaint, and more than one apply needs to
/// be quick. A bound there has to be: hosts may run any number of operations at once.
const PER_HOST: usize = 64;

/// How many lookups of one kind an operation has under way at once: repositories, images, runs or
/// registries. Far below [`PER_HOST`], so that several operations fit beside each other.
pub(crate) const LOOKUPS_AT_ONCE: usize = 8;

/// The permits of a process, for each host.
#[derive(Debug, Default)]
pub(crate) struct Concurrency {
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Concurrency {
    /// Waits for a permit. It is given back when it is dropped.
    ///
    /// # Errors
    /// When the budget is spent before.
    pub(crate) async fn permit(
        &self,
        budget: &Budget,
        request: &Request,
    ) -> Result<OwnedSemaphorePermit, Stopped> {
        let semaphore = self.of(&host(&request.url));
        tokio::select! {
            biased;
            why = budget.spent() => Err(why),
            permit = semaphore.acquire_owned() => Ok(permit.expect("nobody closes the semaphores")),
        }
    }

    fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let semaphore = hosts
            .entry(host.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(PER_HOST)));
        Arc::clone(semaphore)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use tokio_util::sync::CancellationToken;
    use url::Url;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_has_so_many_permits_and_another_its_own() {
        let concurrency = Concurrency::default();
        let budget = Budget::new(Duration::from_secs(1), CancellationToken::new());
        let to = |host: &str| Request::new(Method::GET, Url::parse(host).unwrap());
        let mut held = Vec::new();
        for _ in 0..PER_HOST {
            held.push(
                concurrency
                    .permit(&budget, &to("https://a/"))
                    .await
                    .unwrap(),
            );
        }
        assert!(concurrency.permit(&budget, &to("https://b/")).await.is_ok());
        let full = concurrency.permit(&budget, &to("https://a/x")).await;
        assert_eq!(full.unwrap_err(), Stopped::Deadline);
        held.pop();
        let budget = Budget::new(Duration::from_secs(1), CancellationToken::new());
        assert!(concurrency.permit(&budget, &to("https://a/")).await.is_ok());
    }
}
