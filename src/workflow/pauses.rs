//! How long to wait between looks at what Azure doesn't show yet.

use std::time::Duration;

/// The pauses between looks: growing, for some minutes in all.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> + Clone {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);
    const LOOKS: u32 = 40;
    (0..LOOKS).map(|look| {
        let grown = FIRST.saturating_mul(2_u32.saturating_pow(look));
        grown.min(LONGEST)
    })
}
