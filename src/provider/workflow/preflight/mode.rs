//! The argument `preflight`: how a plan reports its findings about the registry.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The argument `preflight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preflight {
    /// Findings are warnings. Findings that prevent every run are errors.
    Warn,
    /// Findings are errors, except those that are always warnings, such as tags that match by a dot.
    Error,
    /// The plan reads nothing from the registry.
    Off,
}

/// A text that is not a [`Preflight`].
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a value of preflight")]
pub(crate) struct PreflightError(String);

impl Preflight {
    const ALL: [Self; 3] = [Self::Warn, Self::Error, Self::Off];

    /// Returns the value in configurations.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Off => "off",
        }
    }
}

impl FromStr for Preflight {
    type Err = PreflightError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|preflight| preflight.as_str() == word)
            .ok_or_else(|| PreflightError(word.to_owned()))
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
