//! Limits the concurrent requests to each host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{Budget, Request, Stopped, host};

/// A host accepts this many requests on one HTTP/2 connection, and an apply needs fewer. Terraform can
/// run any number of operations at once, so a limit is necessary.
const PER_HOST: usize = 64;

/// How many repositories, images, runs or registries one operation looks up concurrently. It is far below
/// [`PER_HOST`], so that several operations can run in parallel.
pub(crate) const LOOKUPS_AT_ONCE: usize = 8;

/// The permits for each host, shared by the process.
#[derive(Debug, Default)]
pub(crate) struct Concurrency {
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Concurrency {
    /// Waits for a permit. Dropping the permit returns it.
    ///
    /// # Errors
    /// If the budget is spent first.
    pub(crate) async fn permit(
        &self,
        budget: &Budget,
        request: &Request,
    ) -> Result<OwnedSemaphorePermit, Stopped> {
        let semaphore = self.of(&host(&request.url));
        tokio::select! {
            biased;
            why = budget.spent() => Err(why),
            permit = semaphore.acquire_owned() => Ok(permit.expect("no semaphore is closed")),
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
    async fn each_host_has_its_own_permits() {
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
