//! Diagnostics: errors and warnings for the user, with the attribute they are about.
//!
//! Diagnostics are the only output of a provider that a host prints. The summary says what
//! failed. The detail says what the provider tried, what the service answered and what to do next.

use indexmap::IndexSet;

use crate::value::AttributePath;

/// The severity of a [`Diagnostic`]. The protocol has only these two. A host drops a diagnostic
/// of any other severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation continues, but the user should know.
    Warning,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What failed, in one line without a full stop.
    pub summary: String,
    /// Full sentences: what the provider tried, what the service answered, the next step.
    pub detail: String,
    /// The attribute that it is about, or [`None`] for the whole object.
    pub path: Option<AttributePath>,
}

/// The messages of one operation, in the order in which they occurred. A set keeps them different with
/// one look-up for each message, because a large configuration can have thousands.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(IndexSet<Diagnostic>);

impl Diagnostic {
    /// An error about the whole object.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// A warning about the whole object.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(summary, detail)
        }
    }

    /// Attaches the message to the attribute at `path`.
    #[must_use]
    pub fn at(mut self, path: AttributePath) -> Self {
        self.path = Some(path);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Diagnostics {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message. An identical message is not repeated.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.insert(diagnostic);
    }

    /// Adds an error to messages without one. A failure without an error would look like a success.
    #[must_use]
    pub(crate) fn of_failure(mut self) -> Self {
        if !self.has_error() {
            self.push(Diagnostic::error(
                "Provider failed without an error",
                "The provider reported a failure, but no error says why. This is always a bug in the \
                 provider. Please report it.",
            ));
        }
        self
    }

    /// Whether any of the messages is an error.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> indexmap::set::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

/// Two lists are equal if they have the same messages in the same order.
impl PartialEq for Diagnostics {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(IndexSet::from([diagnostic]))
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, messages: I) {
        self.0.extend(messages);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(messages: I) -> Self {
        Self(messages.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = indexmap::set::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = indexmap::set::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identical_message_is_not_repeated() {
        let about = |path: &str| Diagnostic::error("Invalid", "").at(AttributePath::new(path));
        let found: Diagnostics = [about("b"), about("a"), about("b")].into_iter().collect();
        let expected: Diagnostics = [about("b"), about("a")].into_iter().collect();
        assert_eq!(found, expected);
        assert_eq!(found.iter().count(), 2);
        let other_order: Diagnostics = [about("a"), about("b")].into_iter().collect();
        assert_ne!(found, other_order);
    }
}
