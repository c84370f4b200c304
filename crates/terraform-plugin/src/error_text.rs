//! The text of errors and panics in messages.

use std::any::Any;
use std::error::Error;

use tokio::task::JoinError;

/// The text of an error and its causes, separated by colons.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The message of a panic, or a note that it has none.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Why a task has no result: its panic or its cancellation.
pub(crate) fn cut_off_text(cut_off: JoinError) -> String {
    cut_off.try_into_panic().map_or_else(
        |cancelled| cancelled.to_string(),
        |panic| panic_text(panic.as_ref()),
    )
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::value::{Problem, TypeError};

    #[test]
    fn the_text_of_an_error_includes_its_causes() {
        let json = serde_json::from_str::<bool>("yes").unwrap_err();
        let error = TypeError::from(Problem::NotJson(json));
        assert_eq!(
            with_causes(&error),
            "the value is not JSON: expected value at line 1 column 1"
        );
    }

    #[test]
    fn the_text_of_a_panic_is_its_message() {
        let text = |panic: fn()| panic_text(catch_unwind(panic).unwrap_err().as_ref());
        assert_eq!(text(|| panic!("plain")), "plain");
        assert_eq!(text(|| panic!("{} of {}", 1, 2)), "1 of 2");
        assert_eq!(
            text(|| std::panic::panic_any(7)),
            "a panic without a message"
        );
    }
}
