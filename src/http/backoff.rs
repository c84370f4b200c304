//! Pauses that grow from one attempt to the next.

use std::time::Duration;

/// An iterator over the pauses between attempts. Each pause is longer than the last by a factor, up to a
/// maximum.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    /// The growth factor as numerator and denominator.
    factor: (u32, u32),
    longest: Duration,
    /// How many more times the first pause repeats before pauses grow.
    held: u32,
    /// How many pauses remain. `None` means no limit.
    left: Option<u32>,
    /// No further pause starts once the pauses add up to this.
    total: Option<Duration>,
    waited: Duration,
}

impl Backoff {
    /// Returns endless pauses, each twice as long as the last.
    pub(crate) const fn doubling(first: Duration, longest: Duration) -> Self {
        Self::growing(first, (2, 1), longest)
    }

    /// Returns endless pauses that grow by a factor, such as 3/2.
    pub(crate) const fn growing(first: Duration, factor: (u32, u32), longest: Duration) -> Self {
        Self {
            next: first,
            factor,
            longest,
            held: 0,
            left: None,
            total: None,
            waited: Duration::ZERO,
        }
    }

    /// Limits the number of pauses.
    pub(crate) const fn times(self, pauses: u32) -> Self {
        Self {
            left: Some(pauses),
            ..self
        }
    }

    /// The pauses until Azure's reads show a change that it has accepted: about six minutes in total.
    pub(crate) const fn until_shown() -> Self {
        Self::until_ended().times(40)
    }

    /// The pauses until a run or another long operation ends. They end only with the operation's budget.
    pub(crate) const fn until_ended() -> Self {
        Self::doubling(Duration::from_millis(200), Duration::from_secs(10))
    }

    /// The pauses until Entra ID has replicated a new identity: about five minutes in total.
    pub(crate) const fn until_replicated() -> Self {
        Self {
            held: 1,
            total: Some(Duration::from_secs(5 * 60)),
            ..Self::doubling(Duration::from_millis(500), Duration::from_secs(15))
        }
    }

    /// The pauses until a role assignment propagates. They end only with the operation's budget.
    pub(crate) const fn until_authorized() -> Self {
        Self::doubling(Duration::from_secs(2), Duration::from_secs(30))
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.total.is_some_and(|total| self.waited >= total) {
            return None;
        }
        self.left = match self.left {
            Some(left) => Some(left.checked_sub(1)?),
            None => None,
        };
        let pause = self.next.min(self.longest);
        match self.held.checked_sub(1) {
            Some(held) => self.held = held,
            None => self.next = pause.saturating_mul(self.factor.0) / self.factor.1,
        }
        self.waited = self.waited.saturating_add(pause);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(backoff: Backoff) -> Vec<f64> {
        backoff.map(|pause| pause.as_secs_f64()).collect()
    }

    #[test]
    fn polls_forty_times_until_a_change_shows() {
        let pauses = seconds(Backoff::until_shown());
        assert_eq!(pauses[..7], [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]);
        assert_eq!(pauses[7..], [10.0; 33]);
    }

    #[test]
    fn waits_about_five_minutes_for_replication() {
        let pauses = seconds(Backoff::until_replicated());
        assert_eq!(pauses[..6], [0.5, 0.5, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(pauses[6..], [15.0; 19]);
        // Each pause equals the time waited so far, but at least 0.5 and at most 15 seconds.
        let mut waited = 0.0_f64;
        for pause in pauses {
            assert!(waited < 300.0);
            assert_eq!(pause, waited.clamp(0.5, 15.0));
            waited += pause;
        }
        assert!(waited >= 300.0);
    }

    #[test]
    fn waits_without_limit_for_a_role_assignment() {
        let pauses = seconds(Backoff::until_authorized().times(100));
        assert_eq!(pauses[..5], [2.0, 4.0, 8.0, 16.0, 30.0]);
        assert_eq!(pauses[5..], [30.0; 95]);
    }

    #[test]
    fn a_growth_factor_can_be_a_fraction() {
        let ms = Duration::from_millis;
        let grows = Backoff::growing(ms(200), (3, 2), ms(400));
        assert_eq!(
            grows.take(4).collect::<Vec<_>>(),
            [ms(200), ms(300), ms(400), ms(400)]
        );
    }
}
