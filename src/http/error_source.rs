//! Finds the innermost error in a chain of errors.
//!
//! Each layer of an HTTP stack wraps the system's error in its own sentence. The innermost error is the
//! one that a user can act on.

use std::error::Error;
use std::io;

/// Returns the innermost error's text for the end of a sentence, such as `connection refused`.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last().unwrap_or(error);
    as_an_ending(&last.to_string())
}

/// Returns an error and all its sources, the innermost last.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| source_of(*error))
}

/// Returns the error that `error` wraps. `io::Error::source` skips the error that it wraps, so this reads
/// it with `get_ref`.
fn source_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .map(|inner| inner as &(dyn Error + 'static));
    wrapped.or_else(|| error.source())
}

/// Removes the system's error number and the final full stop, and lowercases the first letter unless it
/// begins an abbreviation.
fn as_an_ending(text: &str) -> String {
    let text = text.split(" (os error ").next().unwrap_or(text).trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            let rest = &text[first.len_utf8()..];
            first.to_lowercase().chain(rest.chars()).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("error sending request")]
    struct Layer(#[source] io::Error);

    #[test]
    fn returns_the_innermost_error_without_its_number() {
        let refused = io::Error::other("Connection refused (os error 111)");
        assert_eq!(innermost(&refused), "connection refused");
        assert_eq!(innermost(&Layer(refused)), "connection refused");
    }

    #[test]
    fn finds_the_error_inside_an_io_error() {
        let inner = Layer(io::Error::other("Name or service not known."));
        let chain = Layer(io::Error::other(inner));
        assert_eq!(innermost(&chain), "name or service not known");
    }

    #[test]
    fn abbreviations_keep_their_capitals() {
        assert_eq!(as_an_ending("DNS is down"), "DNS is down");
        assert_eq!(as_an_ending("I am out"), "I am out");
        assert_eq!(as_an_ending(""), "");
    }
}
