//! What a workflow depends on of its registry.

use crate::azure::id::{InvalidRegistryId, RegistryId, ids_equal};
use crate::azure::registry::{Registry, RoleAssignmentMode};
use crate::patching::role::{Role, needed};
use crate::patching::{Permissions, TaskName};

/// What a registry says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryFacts {
    /// Its id, as Resource Manager spells it.
    pub(crate) id: String,
    /// The same, taken apart.
    pub(crate) parsed_id: RegistryId,
    /// Its host.
    pub(crate) login_server: String,
    /// Its region; tasks have to be in the same.
    pub(crate) location: String,
    /// How it grants access to its repositories.
    pub(crate) permissions: Permissions,
}

impl RegistryFacts {
    /// What is known of the registry with this id.
    ///
    /// # Errors
    /// The id is not a registry's.
    pub(crate) fn new(
        id: &str,
        login_server: &str,
        location: &str,
        permissions: Permissions,
    ) -> Result<Self, InvalidRegistryId> {
        Ok(Self {
            id: id.to_owned(),
            parsed_id: id.parse()?,
            login_server: login_server.to_owned(),
            location: location.to_owned(),
            permissions,
        })
    }

    /// Whether both say the same, ids compared without case.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let respelled = Self {
            id: other.id.clone(),
            ..self.clone()
        };
        ids_equal(&self.id, &other.id) && respelled == *other
    }

    /// The id of one of the tasks.
    pub(crate) fn task_id(&self, task: TaskName) -> String {
        format!("{}/tasks/{task}", self.id)
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

impl TryFrom<&Registry> for RegistryFacts {
    type Error = InvalidRegistryId;

    fn try_from(registry: &Registry) -> Result<Self, Self::Error> {
        let permissions = match registry.role_assignment_mode {
            RoleAssignmentMode::Abac => Permissions::Repository,
            RoleAssignmentMode::Legacy => Permissions::Registry,
        };
        let Registry {
            id,
            login_server,
            location,
            ..
        } = registry;
        Self::new(id, login_server, location, permissions)
    }
}

/// The key of the assignment of a role to a task's identity.
pub(crate) fn role_key(task: TaskName, role: Role) -> String {
    format!("{task}/{role}")
}
