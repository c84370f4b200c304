//! The `timeouts` block: the timeout of each operation.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::model::Model as _;
use terraform_plugin::value::{AttributePath, Value};
use thiserror::Error;

use crate::provider::common::findings::finding;

/// An operation with a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Create.
    Create,
    /// Read, which also covers a refresh, a data source and a preflight.
    Read,
    /// Update in place.
    Update,
    /// Delete.
    Delete,
}

/// A duration greater than zero in Go's format, such as `90s` or `1h30m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// The text in the configuration. The state keeps it unchanged.
    text: String,
    duration: Duration,
}

terraform_plugin::model! {
    /// The block in a configuration or a state. A data source has fewer attributes.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Timeouts {
        pub(crate) create: Option<Timeout> = "create",
        pub(crate) read: Option<Timeout> = "read",
        pub(crate) update: Option<Timeout> = "update",
        pub(crate) delete: Option<Timeout> = "delete",
    }
}

terraform_plugin::text_value!(Timeout);

/// The block's name.
pub(crate) const TIMEOUTS: &str = "timeouts";

/// The error for a text that is not a timeout.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a duration greater than zero")]
pub(crate) struct TimeoutError(String);

impl Operation {
    /// All operations, in the order of a resource's lifecycle.
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    /// Returns the name of the attribute in the block.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Returns the timeout if the block sets none. These are azurerm's defaults.
    pub(crate) const fn default_timeout(self) -> Duration {
        match self {
            Self::Create | Self::Update | Self::Delete => Duration::from_secs(30 * 60),
            Self::Read => Duration::from_secs(5 * 60),
        }
    }
}

impl Timeouts {
    /// Reads the block from a configuration. If one of its values is unknown or not valid, the whole block
    /// counts as omitted.
    pub(crate) fn of_config(block: &Value) -> Self {
        Self::read(block).unwrap_or_default()
    }

    /// Returns the timeout of an operation.
    pub(crate) fn of(&self, operation: Operation) -> Duration {
        self.get(operation)
            .map_or(operation.default_timeout(), Timeout::duration)
    }

    fn get(&self, operation: Operation) -> Option<&Timeout> {
        match operation {
            Operation::Create => self.create.as_ref(),
            Operation::Read => self.read.as_ref(),
            Operation::Update => self.update.as_ref(),
            Operation::Delete => self.delete.as_ref(),
        }
    }
}

impl Timeout {
    /// Returns the duration.
    pub(crate) fn duration(&self) -> Duration {
        self.duration
    }
}

impl FromStr for Timeout {
    type Err = TimeoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || TimeoutError(text.to_owned());
        let duration: SignedDuration = text.parse().map_err(|_| refused())?;
        match Duration::try_from(duration) {
            Ok(duration) if !duration.is_zero() => Ok(Self {
                text: text.to_owned(),
                duration,
            }),
            _ => Err(refused()),
        }
    }
}

/// Returns the diagnostics about the block in a configuration.
pub(crate) fn validate(config: &Value) -> Vec<Diagnostic> {
    let block = config.get(TIMEOUTS);
    let check = |operation: Operation| {
        let here = AttributePath::new(TIMEOUTS).attribute(operation.as_str());
        validate_one(block.get(operation.as_str()), here)
    };
    Operation::ALL.into_iter().filter_map(check).collect()
}

/// Returns an error if a value is not a timeout.
pub(crate) fn validate_one(value: &Value, here: AttributePath) -> Option<Diagnostic> {
    let problem = value.as_str()?.parse::<Timeout>().err()?;
    let advice = "Use a duration such as \"90s\", \"30m\" or \"1h30m\".";
    Some(finding("Invalid timeout", &problem, advice, here))
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_durations_in_gos_format() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            ("1h30m", 5400),
            ("1h0m5s", 3605),
        ] {
            let parsed = text.parse::<Timeout>().map(|timeout| timeout.duration());
            assert_eq!(parsed, Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "0s", "-5m", "soon"] {
            assert!(text.parse::<Timeout>().is_err(), "{text}");
        }
    }

    #[test]
    fn timeouts_default_to_azurerms() {
        let block = Value::object([("create", Value::from("5m")), ("read", Value::Null)]);
        let timeouts = Timeouts::of_config(&block);
        assert_eq!(timeouts.of(Operation::Create), Duration::from_secs(300));
        assert_eq!(timeouts.of(Operation::Read), Duration::from_secs(300));
        let none = Timeouts::of_config(&Value::Null);
        assert_eq!(none.of(Operation::Delete), Duration::from_secs(1800));
    }

    #[test]
    fn a_state_keeps_a_timeout_as_written() {
        let block = Value::object([
            ("create", Value::from("90m")),
            ("read", Value::Null),
            ("update", Value::Null),
            ("delete", "1h30m".into()),
        ]);
        assert_eq!(Timeouts::read(&block).unwrap().write(), block);
    }
}
