//! The spread of what was measured.

use std::time::{Duration, Instant};

/// Values of one figure, in its unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Sorts the values.
    ///
    /// # Panics
    /// Without any value.
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// One value, without a spread.
    pub(crate) fn one(value: f64) -> Self {
        Self::new([value])
    }

    /// The median. Of two middle values, it is the lower one.
    pub(crate) fn median(&self) -> f64 {
        self.0[(self.0.len() - 1) / 2]
    }

    /// The lowest and the highest value.
    pub(crate) fn range(&self) -> (f64, f64) {
        (self.0[0], self.0[self.0.len() - 1])
    }

    /// The number of values.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The milliseconds in a duration.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Runs `work` several times, and returns the milliseconds of each run after the first. The first run fills
/// the caches.
pub(crate) fn timed<T>(runs: usize, mut work: impl FnMut() -> T) -> Samples {
    std::hint::black_box(work());
    Samples::new((0..runs).map(|_| {
        let start = Instant::now();
        std::hint::black_box(work());
        milliseconds(start.elapsed())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_range_do_not_depend_on_the_order() {
        let samples = Samples::new([3.0, 1.0, 2.0, 9.0]);
        assert_eq!((samples.median(), samples.range()), (2.0, (1.0, 9.0)));
        assert_eq!(Samples::one(7.0).range(), (7.0, 7.0));
    }
}
