//! What becomes of a panic.
//!
//! A host that reads `panic: ` on our stderr tells the user that the plugin crashed. That is true
//! of a panic that ends the process and false of one that is caught, as those of single calls are,
//! so the hook only logs, and [`report`] is for the one that got through.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use crate::error_text::panic_text;

thread_local! {
    /// Where this thread panicked last; only the hook is told.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that nothing below has caught.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash {
    message: String,
    location: Option<String>,
}

/// Logs panics from now on, in place of printing what no host would show.
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

/// Does `work`, unless it panics.
///
/// # Errors
/// It panicked.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Crash> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Crash {
        message: panic_text(payload.as_ref()),
        location: LOCATION.take(),
    })
}

/// What a host shows to the user when it is on stderr.
pub(super) fn report(crash: &Crash) -> String {
    let Crash { message, location } = crash;
    let location = location.as_deref().unwrap_or("an unknown place");
    format!(
        "panic: {message}\n\nat {location}\n\n\
         This is a bug in the provider. Please report it to its developers.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_does_not_panic_passes_through() {
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn a_crash_keeps_its_message() {
        let crash = catch(|| panic!("{} of {}", 1, 2)).unwrap_err();

        assert_eq!(crash.message, "1 of 2");
    }

    #[test]
    fn the_report_starts_as_hosts_look_for_it() {
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
