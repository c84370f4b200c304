//! What an operation may spend: until when, and whether the user has called it off.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limit of one operation, shared by everything that it starts.
///
/// It is asked before each request: once it is spent nothing new begins, and a read in flight is given
/// up. A write in flight may finish after a cancellation, so that its outcome is known.
#[derive(Clone, Debug)]
pub struct Budget {
    /// When the operation's time is over.
    pub deadline: Instant,
    /// Cancelled when the user calls the operation off.
    pub cancelled: CancellationToken,
}

/// Why an operation stopped short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Its time is over.
    #[error("the time allowed has passed")]
    Deadline,
    /// The user called it off.
    #[error("it was cancelled")]
    Cancelled,
}

impl Budget {
    /// A budget that starts now.
    #[must_use]
    pub fn new(duration: Duration, cancelled: CancellationToken) -> Self {
        // A time-out beyond what the clock can hold is as good as a month.
        const FOREVER: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let now = Instant::now();
        Self {
            deadline: now + duration.min(FOREVER),
            cancelled,
        }
    }

    /// The same budget, for a part that may take no longer than this.
    #[must_use]
    pub fn within(&self, duration: Duration) -> Self {
        let part = Self::new(duration, self.cancelled.clone());
        Self {
            deadline: part.deadline.min(self.deadline),
            ..part
        }
    }

    /// Whether something new may begin.
    ///
    /// # Errors
    /// The reason why not.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.cancelled.is_cancelled() {
            Err(Stopped::Cancelled)
        } else if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else {
            Ok(())
        }
    }

    /// Waits, and wakes early when the budget is spent.
    ///
    /// # Errors
    /// When the budget was spent before the time was over.
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
    async fn a_sleep_that_fits_is_slept() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let start = Instant::now();
        assert_eq!(budget.sleep(Duration::from_secs(4)).await, Ok(()));
        assert_eq!(start.elapsed(), Duration::from_secs(4));
        assert_eq!(budget.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_with_the_budget() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let start = Instant::now();
        let slept = budget.sleep(Duration::from_secs(60)).await;
        assert_eq!(slept, Err(Stopped::Deadline));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        assert_eq!(budget.check(), Err(Stopped::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_operation_wakes_at_once() {
        let budget = Budget::new(Duration::from_secs(10), CancellationToken::new());
        let cancel = budget.cancelled.clone();
        let (slept, ()) = tokio::join!(budget.sleep(Duration::from_secs(5)), async {
            cancel.cancel();
        });
        assert_eq!(slept, Err(Stopped::Cancelled));
        assert_eq!(budget.check(), Err(Stopped::Cancelled));
    }
}
