//! The time limit and the cancellation of an operation.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The deadline and cancellation of one operation. Every request and wait of the operation shares them.
///
/// The pipeline checks the budget before each request. Once it is spent, no new request starts and a read
/// in flight is abandoned. A write in flight may finish after a cancellation, so that its outcome is
/// known.
#[derive(Clone, Debug)]
pub struct Budget {
    /// When the operation times out.
    pub deadline: Instant,
    /// Cancelled when the user interrupts the operation (Ctrl-C).
    pub cancelled: CancellationToken,
}

/// Why an operation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The deadline has passed.
    #[error("the operation timed out")]
    Deadline,
    /// The user cancelled it.
    #[error("the operation was cancelled")]
    Cancelled,
}

impl Budget {
    /// Returns a budget that starts now.
    #[must_use]
    pub fn new(duration: Duration, cancelled: CancellationToken) -> Self {
        // The clock can't hold every timeout that a user can set, so a month is the maximum.
        const FOREVER: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let now = Instant::now();
        Self {
            deadline: now + duration.min(FOREVER),
            cancelled,
        }
    }

    /// Returns the same budget with a deadline at most `duration` from now.
    #[must_use]
    pub fn within(&self, duration: Duration) -> Self {
        let part = Self::new(duration, self.cancelled.clone());
        Self {
            deadline: part.deadline.min(self.deadline),
            ..part
        }
    }

    /// Checks that a new request may start.
    ///
    /// # Errors
    /// If the budget is spent, with the reason.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.cancelled.is_cancelled() {
            Err(Stopped::Cancelled)
        } else if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else {
            Ok(())
        }
    }

    /// Waits, but stops early if the budget is spent.
    ///
    /// # Errors
    /// If the budget is spent before the time is over.
    pub async fn sleep(&self, duration: Duration) -> Result<(), Stopped> {
        tokio::select! {
            biased;
            stopped = self.spent() => Err(stopped),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    /// Waits until the budget is spent.
    pub async fn spent(&self) -> Stopped {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Stopped::Deadline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_within_the_budget_runs_to_its_end() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let start = Instant::now();
        assert_eq!(budget.sleep(Duration::from_secs(4)).await, Ok(()));
        assert_eq!(start.elapsed(), Duration::from_secs(4));
        assert_eq!(budget.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_at_the_deadline() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let start = Instant::now();
        let slept = budget.sleep(Duration::from_secs(60)).await;
        assert_eq!(slept, Err(Stopped::Deadline));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        assert_eq!(budget.check(), Err(Stopped::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn cancellation_ends_a_sleep_at_once() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let cancel = budget.cancelled.clone();
        let (slept, ()) = tokio::join!(budget.sleep(Duration::from_secs(5)), async {
            cancel.cancel();
        });
        assert_eq!(slept, Err(Stopped::Cancelled));
        assert_eq!(budget.check(), Err(Stopped::Cancelled));
    }
}
