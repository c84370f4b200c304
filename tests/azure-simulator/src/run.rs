//! Runs of tasks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// A run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The ID assigned by the service, such as `dt1`.
    pub id: String,
    /// The name of the task.
    pub task: String,
    /// The values set for the run.
    pub values: BTreeMap<String, String>,
    /// The timer that started it; `None` if a request or another run queued it.
    pub timer: Option<String>,
    /// The status.
    pub status: RunStatus,
    /// When it was queued.
    pub created: Timestamp,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it finished.
    pub finished: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The log so far.
    pub log: String,
    /// The number of reads since it started.
    #[serde(skip)]
    pub(crate) looks: u32,
}

/// The status of a run.
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
    /// Extends the run's log to `log`. Printed lines never change.
    ///
    /// If `log` does not start with the log so far, for example after a policy change, all of it is appended.
    pub(crate) fn print(&mut self, log: &str) {
        match log.strip_prefix(self.log.as_str()) {
            Some(more) => self.log.push_str(more),
            None if self.log.starts_with(log) => {}
            None => self.log.push_str(log),
        }
    }
}

impl RunStatus {
    /// Returns the status in the API's spelling.
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

    /// Returns whether the run has not finished, so that it can be canceled.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Started | Self::Running)
    }
}
