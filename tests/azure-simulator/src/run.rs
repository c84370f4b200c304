//! A run of a task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// A run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The id that the service gave, such as `dt1`.
    pub id: String,
    /// The task that runs.
    pub task: String,
    /// The values set on the run.
    pub values: BTreeMap<String, String>,
    /// The timer that started it, if one did.
    pub timer: Option<String>,
    /// Where it has got to.
    pub status: RunStatus,
    /// When it was queued.
    pub created: Timestamp,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it printed so far.
    pub log: String,
    /// How many looks have found it running.
    #[serde(skip)]
    pub(crate) looks: u32,
}

/// Where a run has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum RunStatus {
    Queued,
    Started,
    Running,
    Succeeded,
    Failed,
    Canceled,
    Error,
    Timeout,
}

impl Run {
    /// Takes over a log that goes on where the one so far ends. If something has changed meanwhile and it doesn't, it
    /// is put behind: what a run has printed stays.
    pub(crate) fn print(&mut self, log: &str) {
        match log.strip_prefix(self.log.as_str()) {
            Some(more) => self.log.push_str(more),
            None if self.log.starts_with(log) => {}
            None => self.log.push_str(log),
        }
    }
}

impl RunStatus {
    /// The service's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Started => "Started",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Error => "Error",
            Self::Timeout => "Timeout",
        }
    }

    /// Whether there is something left to cancel.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Started | Self::Running)
    }
}
