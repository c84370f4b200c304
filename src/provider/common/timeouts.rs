//! The `timeouts` block: how long each operation may take.

use std::time::Duration;

use jiff::SignedDuration;
use thiserror::Error;

use crate::provider::workflow::names;
use terraform_plugin::value::Value;

/// Each operation and its default, azurerm's.
pub(crate) const DEFAULTS: [(&str, Duration); 4] = [
    (names::CREATE, Duration::from_secs(30 * 60)),
    (names::READ, Duration::from_secs(5 * 60)),
    (names::UPDATE, Duration::from_secs(30 * 60)),
    (names::DELETE, Duration::from_secs(30 * 60)),
];

/// Text that is no time-out.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a duration above zero")]
pub(crate) struct TimeoutError(String);

/// How long `operation` may take by the `timeouts` block of a configuration or a state.
pub(crate) fn of(timeouts: &Value, operation: &str) -> Duration {
    let configured = timeouts.get(operation).as_str().map(parse);
    match configured {
        Some(Ok(duration)) => duration,
        // What doesn't parse has been refused before anything ran.
        Some(Err(_)) | None => DEFAULTS
            .into_iter()
            .find_map(|(name, default)| (name == operation).then_some(default))
            .unwrap_or_default(),
    }
}

/// Reads a duration as Go writes them: `90s`, `1h30m`.
///
/// # Errors
/// It is none, or not above zero.
pub(crate) fn parse(text: &str) -> Result<Duration, TimeoutError> {
    let refused = || TimeoutError(text.to_owned());
    let duration: SignedDuration = text.parse().map_err(|_| refused())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            ("1h30m", 5400),
            ("1h0m5s", 3605),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "0s", "-5m", "soon"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_operation_without_a_timeout_has_azurerms() {
        let block = Value::object([("create", Value::from("5m")), ("read", Value::Null)]);
        assert_eq!(of(&block, names::CREATE), Duration::from_secs(300));
        assert_eq!(of(&block, names::READ), Duration::from_secs(300));
        assert_eq!(of(&Value::Null, names::DELETE), Duration::from_secs(1800));
    }
}
