//! What exists by now, told as soon as Azure says so: whoever keeps a record loses nothing, whatever
//! fails after it.

use std::fmt::Debug;

use crate::azure::task::Task;
use crate::patching::{Policy, TaskName};

/// Keeps a record of an operation.
pub(crate) trait ProgressSink: Debug + Sync {
    /// Takes one event. It is told once Azure has accepted the change, not when it shows.
    fn record(&self, event: ProgressEvent<'_>);
}

/// What has happened to a piece of the workflow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProgressEvent<'a> {
    /// A task exists, or is another than before.
    TaskExists(TaskName, &'a Task),
    /// A task has been deleted.
    TaskDeleted(TaskName),
    /// The policy has been pushed, as the manifest with this digest.
    PolicyPushed(&'a Policy, &'a str),
    /// The policy has been deleted.
    PolicyDeleted,
    /// The role assignment of this key exists, with this id.
    RoleAssigned(&'a str, &'a str),
    /// The role assignment of this key has been deleted.
    RoleRevoked(&'a str),
    /// A write may have been carried out, although Azure has not said so.
    InDoubt,
}
