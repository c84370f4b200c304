//! The next step after a failure, as data.

/// The next step after a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) text: String,
    /// Whether only Azure's message names the cause. Two messages are then two causes.
    pub(super) depends_on_message: bool,
}

impl Advice {
    /// The advice names the remedy.
    pub(super) fn complete(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            depends_on_message: false,
        }
    }

    /// The advice refers to Azure's message.
    pub(super) fn about_message(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            depends_on_message: true,
        }
    }
}
