//! The status of a scan, a patch or an image, in the words of the Azure CLI.

use crate::azure::run::RunStatus;

/// The status of a scan, a patch or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Canceled,
    /// The scan succeeded and found nothing that can be patched.
    Skipped,
    /// The runs and logs don't show the status.
    Unknown,
}

impl Status {
    /// Every status, in the order of the documentation.
    pub(super) const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
        Self::Skipped,
        Self::Unknown,
    ];

    /// Returns the Azure CLI's word.
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

    /// Parses a word. Case matters.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Returns the status of a run.
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
    fn each_run_status_maps_to_an_image_status() {
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
    fn parsing_a_status_is_case_sensitive() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(["running", "Started", ""].map(Status::from_word), [None; 3]);
    }
}
