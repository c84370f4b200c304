//! Reports each change as soon as Azure has confirmed it. So a record stays complete even if a later step
//! fails.

use std::fmt::Debug;

use crate::azure::task::Task;
use crate::patching::{Policy, TaskName};

/// Records the progress of an operation.
pub(crate) trait ProgressSink: Debug + Sync {
    /// Records one event. It arrives once Azure has accepted the change, which may be before Azure's
    /// reads show it.
    fn record(&self, event: ProgressEvent<'_>);
}

/// A change to a part of the workflow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProgressEvent<'a> {
    /// A task exists or has changed.
    TaskExists(TaskName, &'a Task),
    /// A task has been deleted.
    TaskDeleted(TaskName),
    /// The policy has been pushed, with this manifest digest.
    PolicyPushed(&'a Policy, &'a str),
    /// The policy has been deleted.
    PolicyDeleted,
    /// The role assignment with this key exists, with this ID.
    RoleAssigned(&'a str, &'a str),
    /// The role assignment with this key has been deleted.
    RoleRevoked(&'a str),
    /// A write may have been carried out, but Azure has not confirmed it.
    InDoubt,
}
