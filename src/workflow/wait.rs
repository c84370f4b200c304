//! Waits until Azure shows something. Every wait of the engine looks, pauses and looks again, until it
//! [`Ended`].

use std::time::Duration;

use crate::http::{Backoff, Budget, Stopped};

/// A wait in progress.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    budget: &'a Budget,
    /// What the operation waits for, for the log. It continues `waiting until`.
    what: String,
    pauses: Backoff,
    paused: Duration,
}

/// Why a wait ended before Azure showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The time for this wait is over.
    NotYet,
    /// The operation's time is over, or the user cancelled.
    Stopped(Stopped),
}

impl<'a> Wait<'a> {
    /// Starts a wait. It doesn't pause yet.
    pub(crate) fn new(budget: &'a Budget, what: impl Into<String>, pauses: Backoff) -> Self {
        Self {
            budget,
            what: what.into(),
            pauses,
            paused: Duration::ZERO,
        }
    }

    /// The sum of the pauses so far.
    pub(crate) fn paused(&self) -> Duration {
        self.paused
    }

    /// How long the next pause is.
    pub(crate) fn next_pause(&self) -> Duration {
        self.pauses.clone().next().unwrap_or_default()
    }

    /// Pauses before the next look.
    ///
    /// # Errors
    /// The wait has [`Ended`].
    pub(crate) async fn pause(&mut self) -> Result<(), Ended> {
        let (what, seconds) = (&self.what, self.paused.as_secs());
        let Some(pause) = self.pauses.next() else {
            tracing::info!(seconds, "gave up waiting until {what}");
            return Err(Ended::NotYet);
        };
        tracing::info!(seconds, "waiting until {what}");
        self.budget.sleep(pause).await.map_err(Ended::Stopped)?;
        self.paused += pause;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn budget(seconds: u64) -> Budget {
        Budget::new(Duration::from_secs(seconds), CancellationToken::new())
    }

    fn twice() -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(1)).times(2)
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_after_its_last_pause() {
        let budget = budget(60);
        let mut wait = Wait::new(&budget, "it shows", twice());
        assert_eq!(wait.pause().await, Ok(()));
        assert_eq!(wait.pause().await, Ok(()));
        assert_eq!(wait.paused(), Duration::from_secs(2));
        assert_eq!(wait.pause().await, Err(Ended::NotYet));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_budget_stops_a_wait() {
        let budget = budget(1);
        let mut wait = Wait::new(&budget, "it shows", twice());
        assert_eq!(wait.pause().await, Err(Ended::Stopped(Stopped::Deadline)));
    }
}
