//! The recorded state of a workflow, in addition to what Azure lists now.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::id::ids_equal;
use crate::azure::role_assignment::RoleAssignment;
use crate::patching::{Policy, TaskName};
use crate::workflow::observe::Observed;

/// The state of a workflow at the last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recorded {
    /// The registry's ID as the user wrote it.
    pub(crate) registry_id: String,
    /// The registry's login server.
    pub(crate) login_server: Option<String>,
    /// The policy's manifest digest and the policy.
    pub(crate) policy: Option<(String, Policy)>,
    /// The tasks that existed.
    pub(crate) tasks: BTreeSet<TaskName>,
    /// The IDs of the role assignments, by key. That includes orphans.
    pub(crate) role_assignments: BTreeMap<String, String>,
    /// During an apply: the principals of the tasks' identities. Azure's lists may show older ones.
    pub(crate) current_principals: BTreeSet<String>,
}

impl Recorded {
    /// Whether the role assignment with this ID is recorded for the workflow.
    pub(crate) fn has_assignment(&self, id: &str) -> bool {
        let mut ids = self.role_assignments.values();
        ids.any(|recorded| ids_equal(recorded, id))
    }

    /// Whether the assignment belongs to an identity that a task has now.
    pub(crate) fn has_current(&self, assignment: &RoleAssignment) -> bool {
        let mut current = self.current_principals.iter();
        current.any(|principal| assignment.is_of(principal))
    }

    /// Returns the recorded role assignments that Azure doesn't list, by key.
    pub(crate) fn unlisted<'a>(
        &'a self,
        observed: &'a Observed,
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.role_assignments.iter().filter(|(_, recorded)| {
            let listed = |assignment: &RoleAssignment| ids_equal(&assignment.id, recorded);
            !observed.assignments.iter().any(listed)
        })
    }
}
