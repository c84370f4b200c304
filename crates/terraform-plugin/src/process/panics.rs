//! Logs and reports panics.
//!
//! If a host reads `panic: ` on the plugin's stderr, it reports a crash to the user. A panic in a
//! single call is caught and doesn't end the process. Therefore the panic hook only logs. [`report`]
//! writes the text for a panic that ends the process.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use crate::error_text::panic_text;

thread_local! {
    /// The location of this thread's last panic. Only the panic hook receives it.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that ends the process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash {
    message: String,
    location: Option<String>,
}

/// Installs a hook that logs panics. The default hook prints them, but no host shows that text.
pub(super) fn log_them() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(
            location = location.as_deref().unwrap_or("unknown"),
            "panicked: {}",
            panic_text(info.payload())
        );
        LOCATION.set(location);
    }));
}

/// Runs `work` and catches a panic.
///
/// # Errors
/// `work` panicked.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Crash> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Crash {
        message: panic_text(payload.as_ref()),
        location: LOCATION.take(),
    })
}

/// The text on stderr that a host shows to the user.
pub(super) fn report(crash: &Crash) -> String {
    let Crash { message, location } = crash;
    let location = location.as_deref().unwrap_or("an unknown location");
    format!(
        "panic: {message}\n\nat {location}\n\n\
         This is a bug in the provider. Please report it to its developers.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_without_a_panic_returns_its_result() {
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn a_crash_keeps_its_message() {
        let crash = catch(|| panic!("{} of {}", 1, 2)).unwrap_err();

        assert_eq!(crash.message, "1 of 2");
    }

    #[test]
    fn the_report_starts_with_the_prefix_that_hosts_expect() {
        let crash = Crash {
            message: "index out of bounds".to_owned(),
            location: Some("src/lib.rs:1:2".to_owned()),
        };

        insta::assert_snapshot!(report(&crash), @r"
        panic: index out of bounds

        at src/lib.rs:1:2

        This is a bug in the provider. Please report it to its developers.
        ");
    }
}
