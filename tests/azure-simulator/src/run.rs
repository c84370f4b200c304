//! Runs of tasks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// The progress that clients cannot see.
    #[serde(skip)]
    pub(crate) course: Course,
}

/// The progress of a run that clients cannot see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// The number of reads while it was queued.
    pub(crate) queued_looks: u32,
    /// The number of reads since it started.
    pub(crate) looks: u32,
    /// The number of reads left until an accepted cancellation takes effect.
    pub(crate) canceling: Option<u32>,
    /// The log with which it fails, instead of the pipeline's outcome.
    pub(crate) failure: Option<String>,
}

/// A scripted failure of the next runs of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunFailure {
    pub(crate) task: String,
    /// The number of runs that fail.
    pub(crate) times: u32,
    /// The log of each of these runs.
    pub(crate) log: String,
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
    /// Accepts a cancellation, which takes effect after this number of reads.
    pub(crate) fn cancel(&mut self, looks: u32, now: Timestamp) {
        if looks > 0 {
            self.course.canceling.get_or_insert(looks);
            return;
        }
        self.status = RunStatus::Canceled;
        self.finished = Some(now);
    }

    /// Ends the waits that knobs add before the run starts and after its cancellation.
    pub(crate) fn hasten(&mut self) {
        self.course.queued_looks = u32::MAX;
        self.course.canceling = self.course.canceling.map(|_| 0);
    }

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
