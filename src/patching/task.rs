//! The three tasks of a workflow. Their names are fixed, so a registry has at most one workflow.

use std::fmt;
use std::str::FromStr;

/// One of the three tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskName {
    /// Runs on the timer, selects the images, and queues a scan run for each.
    Trigger,
    /// Scans one image, and queues a patch run if it finds vulnerabilities.
    Scan,
    /// Patches one image and pushes the result.
    Patch,
}

impl TaskName {
    /// All three tasks in the order in which they run.
    pub const ALL: [Self; 3] = [Self::Trigger, Self::Scan, Self::Patch];

    /// Returns the name in Azure.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "cssc-trigger-workflow",
            Self::Scan => "cssc-scan-image",
            Self::Patch => "cssc-patch-image",
        }
    }

    /// Returns the task with this name, ignoring case as Azure does.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|task| task.as_str().eq_ignore_ascii_case(name))
    }
}

/// The error for a text that is not a task name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a task of a workflow")]
pub struct TaskNameError(String);

impl FromStr for TaskName {
    type Err = TaskNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| TaskNameError(name.to_owned()))
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_task_by_name_in_any_case() {
        assert_eq!(TaskName::from_name("CSSC-Scan-Image"), Some(TaskName::Scan));
        assert_eq!(TaskName::from_name("cssc-scan"), None);
    }
}
