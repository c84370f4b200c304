//! What a workflow depends on of its registry.

use crate::azure::RegistryId;
use crate::azure::registry::{Registry, RoleAssignmentMode};
use crate::patching::role::{Role, needed};
use crate::patching::{Permissions, TaskName};

/// What a registry says of itself. Two are equal where their ids differ in letter case alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryFacts {
    /// Its id, as Resource Manager spells it.
    pub(crate) id: RegistryId,
    /// Its host.
    pub(crate) login_server: String,
    /// Its region; tasks have to be in the same.
    pub(crate) location: String,
    /// How it grants access to its repositories.
    pub(crate) permissions: Permissions,
}

impl RegistryFacts {
    /// The id of one of the tasks.
    pub(crate) fn task_id(&self, task: TaskName) -> String {
        self.id.task_id_as_written(task.as_str())
    }

    /// Every role that the tasks need here, by the key of its assignment.
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

/// The key of the assignment of a role to a task's identity.
pub(crate) fn role_key(task: TaskName, role: Role) -> String {
    format!("{task}/{role}")
}
