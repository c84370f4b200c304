//! The roles that the tasks' identities need, and the names of their role assignments.

use std::fmt;

use uuid::Uuid;

use crate::patching::task::TaskName;

/// How a registry grants permissions on its repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Classic RBAC roles, such as AcrPull and AcrPush.
    Registry,
    /// ABAC repository permissions.
    Repository,
}

/// A built-in role that a workflow's task has, or had in an earlier version of the Azure CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Pull from any repository (classic RBAC).
    AcrPull,
    /// Pull from and push to any repository (classic RBAC).
    AcrPush,
    /// Queue task runs.
    TasksContributor,
    /// Read any repository (ABAC).
    RepositoryReader,
    /// Read and write any repository (ABAC).
    RepositoryWriter,
    /// List the repositories (ABAC).
    RepositoryCatalogLister,
    /// The role that the Azure CLI granted up to 1.0.0b3. It allows far more than the task needs, so the
    /// engine only removes it.
    Contributor,
}

/// The namespace of the ARM template function `guid()`, which returns version 5 UUIDs.
const ARM_GUID: Uuid = Uuid::from_u128(0x11fb06fb_712d_4ddd_98c7_e71bbd588830);

impl Role {
    /// Every role that the Azure CLI or this provider has ever granted to a task.
    pub const EVER_USED: [Self; 7] = [
        Self::AcrPull,
        Self::AcrPush,
        Self::TasksContributor,
        Self::RepositoryReader,
        Self::RepositoryWriter,
        Self::RepositoryCatalogLister,
        Self::Contributor,
    ];

    /// Returns the name of the role definition: the same GUID in every subscription.
    pub const fn definition_name(self) -> &'static str {
        match self {
            Self::AcrPull => "7f951dda-4ed3-4680-a7ca-43fe172d538d",
            Self::AcrPush => "8311e382-0749-4cb8-b61a-304f252e45ec",
            Self::TasksContributor => "fb382eab-e894-4461-af04-94435c366c3f",
            Self::RepositoryReader => "b93aa761-3e63-49ed-ac28-beffa264f7ac",
            Self::RepositoryWriter => "2a1e307c-b015-4ebd-883e-5b7698a07328",
            Self::RepositoryCatalogLister => "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
            Self::Contributor => "b24988ac-6180-42a0-ab88-20f7382dd24c",
        }
    }

    /// Returns the role's name in the Azure portal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcrPull => "AcrPull",
            Self::AcrPush => "AcrPush",
            Self::TasksContributor => "Container Registry Tasks Contributor",
            Self::RepositoryReader => "Container Registry Repository Reader",
            Self::RepositoryWriter => "Container Registry Repository Writer",
            Self::RepositoryCatalogLister => "Container Registry Repository Catalog Lister",
            Self::Contributor => "Contributor",
        }
    }

    /// Returns the role with this definition ID, in any subscription and in any case.
    pub fn from_definition_id(id: &str) -> Option<Self> {
        let name = id.rsplit('/').next()?;
        Self::EVER_USED
            .into_iter()
            .find(|role| role.definition_name().eq_ignore_ascii_case(name))
    }

    /// Returns the ID of the role definition, written like the template function
    /// `subscriptionResourceId()`.
    pub fn definition_id(self, subscription: &str) -> String {
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
            self.definition_name()
        )
    }
}

/// Returns the roles that `task` needs at least, on a registry with these permissions.
pub const fn needed(task: TaskName, permissions: Permissions) -> &'static [Role] {
    match (task, permissions) {
        (TaskName::Trigger, Permissions::Registry) | (TaskName::Scan, Permissions::Registry) => {
            &[Role::AcrPull, Role::TasksContributor]
        }
        (TaskName::Patch, Permissions::Registry) => &[Role::AcrPush],
        (TaskName::Trigger, Permissions::Repository) => &[
            Role::RepositoryReader,
            Role::RepositoryCatalogLister,
            Role::TasksContributor,
        ],
        (TaskName::Scan, Permissions::Repository) => {
            &[Role::RepositoryReader, Role::TasksContributor]
        }
        (TaskName::Patch, Permissions::Repository) => &[Role::RepositoryWriter],
    }
}

/// Returns the name of a role assignment to a task's identity: `guid(<task's ID>, <role definition's
/// ID>)`. The Azure CLI's template uses the same name.
///
/// The hash is case-sensitive and doesn't include the principal.
pub fn assignment_name(task_id: &str, role_definition_id: &str) -> String {
    Uuid::new_v5(
        &ARM_GUID,
        format!("{task_id}-{role_definition_id}").as_bytes(),
    )
    .to_string()
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_role_by_definition_id_in_any_subscription_and_case() {
        for role in Role::EVER_USED {
            let id = role.definition_id("5d5b7d2e-0000-0000-0000-000000000000");
            assert_eq!(Role::from_definition_id(&id.to_uppercase()), Some(role));
        }
        assert_eq!(
            Role::from_definition_id("/x/00000000-0000-0000-0000-000000000000"),
            None
        );
    }

    #[test]
    fn each_task_has_only_the_roles_that_it_needs() {
        let table: Vec<String> = [Permissions::Registry, Permissions::Repository]
            .into_iter()
            .flat_map(|permissions| {
                TaskName::ALL.map(|task| {
                    let roles: Vec<&str> = needed(task, permissions)
                        .iter()
                        .map(|role| role.as_str())
                        .collect();
                    format!("{permissions:?} {task}: {}", roles.join(", "))
                })
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        Registry cssc-trigger-workflow: AcrPull, Container Registry Tasks Contributor
        Registry cssc-scan-image: AcrPull, Container Registry Tasks Contributor
        Registry cssc-patch-image: AcrPush
        Repository cssc-trigger-workflow: Container Registry Repository Reader, Container Registry Repository Catalog Lister, Container Registry Tasks Contributor
        Repository cssc-scan-image: Container Registry Repository Reader, Container Registry Tasks Contributor
        Repository cssc-patch-image: Container Registry Repository Writer
        ");
    }

    // The expected value comes from another implementation of RFC 4122 (Python's uuid.uuid5).
    #[test]
    fn the_assignment_name_equals_arms_guid_function() {
        let name = assignment_name(
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-scan-image",
            &Role::AcrPull.definition_id("00000000-0000-0000-0000-000000000000"),
        );
        assert_eq!(name, "d6f67836-30be-5361-8e7f-2bd969888d0a");
    }
}
