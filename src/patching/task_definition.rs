//! The YAML definitions of the three tasks in this release of the provider.

use crate::digest::sha256;
use crate::patching::TaskName;

/// Returns the YAML of a task.
pub(crate) const fn yaml(task: TaskName) -> &'static str {
    match task {
        TaskName::Trigger => include_str!("task_definitions/trigger.yaml"),
        TaskName::Scan => include_str!("task_definitions/scan.yaml"),
        TaskName::Patch => include_str!("task_definitions/patch.yaml"),
    }
}

/// Returns the digest of a task's YAML.
pub(crate) fn yaml_digest(task: TaskName) -> String {
    sha256(yaml(task).as_bytes())
}
