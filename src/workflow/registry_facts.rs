//! The properties of a registry that a workflow depends on.

use crate::azure::RegistryId;
use crate::azure::registry::{Registry, RoleAssignmentMode};
use crate::patching::role::{Role, needed};
use crate::patching::{Permissions, TaskName};

/// The properties of a registry. Two are equal even if the case of their IDs differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryFacts {
    /// The resource ID, in Resource Manager's case.
    pub(crate) id: RegistryId,
    /// The login server.
    pub(crate) login_server: String,
    /// The region. The tasks must be in the same region.
    pub(crate) location: String,
    /// How the registry grants permissions on repositories.
    pub(crate) permissions: Permissions,
}

impl RegistryFacts {
    /// Returns the ID of one of the tasks.
    pub(crate) fn task_id(&self, task: TaskName) -> String {
        self.id.task_id_as_written(task.as_str())
    }

    /// Returns every role that the tasks need here, with the key of its assignment.
    pub(crate) fn role_keys(&self) -> Vec<(String, TaskName, Role)> {
        TaskName::ALL
            .into_iter()
            .flat_map(|task| {
                needed(task, self.permissions)
                    .iter()
                    .map(move |&role| (role_key(task, role), task, role))
            })
            .collect()
    }
}

impl From<&Registry> for RegistryFacts {
    fn from(registry: &Registry) -> Self {
        Self {
            id: registry.id.clone(),
            login_server: registry.login_server.clone(),
            location: registry.location.clone(),
            permissions: match registry.role_assignment_mode {
                RoleAssignmentMode::Abac => Permissions::Repository,
                RoleAssignmentMode::Legacy => Permissions::Registry,
            },
        }
    }
}

/// Returns the key of a role assignment to a task's identity.
pub(crate) fn role_key(task: TaskName, role: Role) -> String {
    format!("{task}/{role}")
}
