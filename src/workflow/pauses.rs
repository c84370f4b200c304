//! How long to wait between looks at what Azure doesn't show yet.

use crate::http::backoff::Backoff;

/// The pauses between looks: growing, for some minutes in all.
pub(crate) fn pauses() -> Backoff {
    Backoff::until_shown()
}
