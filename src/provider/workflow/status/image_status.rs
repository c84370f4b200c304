//! How far a scan, a patch or an image is, in the Azure CLI's words.

use crate::azure::run::RunStatus;

/// How far a scan, a patch or an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Canceled,
    /// Scanned well, and there is nothing to patch, or nothing that can be.
    Skipped,
    /// Nothing says.
    Unknown,
}

impl Status {
    /// Every status, in the order in which documentation lists them.
    pub(super) const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
        Self::Skipped,
        Self::Unknown,
    ];

    /// The Azure CLI's word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Skipped => "Skipped",
            Self::Unknown => "Unknown",
        }
    }

    /// The status of that word, letter by letter.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// How far a run is.
    pub(super) fn of(run: &RunStatus) -> Self {
        match run {
            RunStatus::Queued => Self::Queued,
            RunStatus::Started | RunStatus::Running => Self::Running,
            RunStatus::Succeeded => Self::Succeeded,
            RunStatus::Failed | RunStatus::Error | RunStatus::Timeout => Self::Failed,
            RunStatus::Canceled => Self::Canceled,
            RunStatus::Other(_) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_runs_are_mapped_to_those_for_images() {
        let unknown = RunStatus::Other("Paused".to_owned());
        for (run, status) in [
            (RunStatus::Queued, "Queued"),
            (RunStatus::Started, "Running"),
            (RunStatus::Running, "Running"),
            (RunStatus::Succeeded, "Succeeded"),
            (RunStatus::Failed, "Failed"),
            (RunStatus::Error, "Failed"),
            (RunStatus::Timeout, "Failed"),
            (RunStatus::Canceled, "Canceled"),
            (unknown, "Unknown"),
        ] {
            assert_eq!(Status::of(&run).as_str(), status, "{run:?}");
        }
    }

    #[test]
    fn a_word_is_a_status_letter_by_letter() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(["running", "Started", ""].map(Status::from_word), [None; 3]);
    }
}
