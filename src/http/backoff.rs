//! Pauses that grow from one attempt to the next.

use std::time::Duration;

/// The pauses between attempts: the first one, each further one longer by a factor, up to the longest.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    /// Each pause is so many times the one before, as a fraction.
    factor: (u32, u32),
    longest: Duration,
    /// How often the first pause is made again before it grows.
    held: u32,
    /// How many pauses are left.
    left: Option<u32>,
    /// How much may have been waited before another pause.
    total: Option<Duration>,
    waited: Duration,
}

impl Backoff {
    /// Pauses without end, each twice as long as the one before.
    pub(crate) const fn doubling(first: Duration, longest: Duration) -> Self {
        Self::growing(first, (2, 1), longest)
    }

    /// Pauses without end that grow by a factor, such as 3/2.
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

    /// Ends after so many pauses.
    pub(crate) const fn times(self, pauses: u32) -> Self {
        Self {
            left: Some(pauses),
            ..self
        }
    }

    /// For what Azure has taken and doesn't show yet: some minutes in all.
    pub(crate) const fn until_shown() -> Self {
        Self::doubling(Duration::from_millis(200), Duration::from_secs(10)).times(40)
    }

    /// For an identity that isn't known everywhere yet: five minutes in all.
    pub(crate) const fn until_replicated() -> Self {
        Self {
            held: 1,
            total: Some(Duration::from_secs(5 * 60)),
            ..Self::doubling(Duration::from_millis(500), Duration::from_secs(15))
        }
    }

    /// For rights that haven't arrived everywhere yet: as long as there is time.
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
    fn what_is_not_shown_yet_is_looked_for_forty_times() {
        let pauses = seconds(Backoff::until_shown());
        assert_eq!(pauses[..7], [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]);
        assert_eq!(pauses[7..], [10.0; 33]);
    }

    #[test]
    fn replication_is_waited_for_as_long_again_as_it_has_taken_but_not_for_ever() {
        let pauses = seconds(Backoff::until_replicated());
        assert_eq!(pauses[..6], [0.5, 0.5, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(pauses[6..], [15.0; 19]);
        // The pauses of old: as long as has been waited, between the first and the longest.
        let mut waited = 0.0_f64;
        for pause in pauses {
            assert!(waited < 300.0);
            assert_eq!(pause, waited.clamp(0.5, 15.0));
            waited += pause;
        }
        assert!(waited >= 300.0);
    }

    #[test]
    fn rights_are_waited_for_without_end() {
        let pauses = seconds(Backoff::until_authorized().times(100));
        assert_eq!(pauses[..5], [2.0, 4.0, 8.0, 16.0, 30.0]);
        assert_eq!(pauses[5..], [30.0; 95]);
    }

    #[test]
    fn a_factor_may_be_a_fraction() {
        let ms = Duration::from_millis;
        let grows = Backoff::growing(ms(200), (3, 2), ms(400));
        assert_eq!(
            grows.take(4).collect::<Vec<_>>(),
            [ms(200), ms(300), ms(400), ms(400)]
        );
    }
}
