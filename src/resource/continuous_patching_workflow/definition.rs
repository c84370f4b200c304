//! The YAML of the three tasks, ours, as this release of the provider ships it.

use crate::patching::TaskName;
use crate::patching::policy::digest;

/// The YAML of a task.
pub(super) const fn yaml(task: TaskName) -> &'static str {
    match task {
        TaskName::Trigger => include_str!("tasks/trigger.yaml"),
        TaskName::Scan => include_str!("tasks/scan.yaml"),
        TaskName::Patch => include_str!("tasks/patch.yaml"),
    }
}

/// The digest of a task's YAML.
pub(super) fn yaml_digest(task: TaskName) -> String {
    digest(yaml(task).as_bytes())
}
