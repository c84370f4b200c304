//! The built-in roles relevant to container registries, and their permissions.

/// Owner.
pub const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
/// Contributor.
pub const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
/// Reader.
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// User Access Administrator.
pub const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
/// Role Based Access Control Administrator.
pub const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";
/// AcrPull.
pub const ACR_PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
/// AcrPush.
pub const ACR_PUSH: &str = "8311e382-0749-4cb8-b61a-304f252e45ec";
/// AcrDelete.
pub const ACR_DELETE: &str = "c2f4ef07-c644-48eb-af81-4b1b4947fb11";
/// Container Registry Tasks Contributor.
pub const TASKS_CONTRIBUTOR: &str = "fb382eab-e894-4461-af04-94435c366c3f";
/// Container Registry Repository Reader.
pub const REPOSITORY_READER: &str = "b93aa761-3e63-49ed-ac28-beffa264f7ac";
/// Container Registry Repository Writer.
pub const REPOSITORY_WRITER: &str = "2a1e307c-b015-4ebd-883e-5b7698a07328";
/// Container Registry Repository Contributor.
pub const REPOSITORY_CONTRIBUTOR: &str = "2efddaa5-3f1f-4df3-97df-af3f13818f4c";
/// Container Registry Repository Catalog Lister.
pub const CATALOG_LISTER: &str = "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7";

/// A built-in role, with its `actions` and `notActions` in ARM; `*` is a wildcard.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) actions: &'static [&'static str],
    pub(crate) not_actions: &'static [&'static str],
}

const TASKS_ACTIONS: &[&str] = &[
    "Microsoft.ContainerRegistry/registries/read",
    "Microsoft.ContainerRegistry/registries/tasks/*",
    "Microsoft.ContainerRegistry/registries/runs/*",
    "Microsoft.ContainerRegistry/registries/scheduleRun/action",
];

pub(crate) const ROLES: &[Role] = &[
    Role {
        id: OWNER,
        name: "Owner",
        actions: &["*"],
        not_actions: &[],
    },
    Role {
        id: CONTRIBUTOR,
        name: "Contributor",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/write",
            "Microsoft.Authorization/*/delete",
        ],
    },
    Role {
        id: READER,
        name: "Reader",
        actions: &["*/read"],
        not_actions: &[],
    },
    Role {
        id: USER_ACCESS_ADMINISTRATOR,
        name: "User Access Administrator",
        actions: &["*/read", "Microsoft.Authorization/*"],
        not_actions: &[],
    },
    Role {
        id: RBAC_ADMINISTRATOR,
        name: "Role Based Access Control Administrator",
        actions: &["*/read", "Microsoft.Authorization/roleAssignments/*"],
        not_actions: &[],
    },
    Role {
        id: TASKS_CONTRIBUTOR,
        name: "Container Registry Tasks Contributor",
        actions: TASKS_ACTIONS,
        not_actions: &[],
    },
    Role {
        id: ACR_PULL,
        name: "AcrPull",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: ACR_PUSH,
        name: "AcrPush",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: ACR_DELETE,
        name: "AcrDelete",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: REPOSITORY_READER,
        name: "Container Registry Repository Reader",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: REPOSITORY_WRITER,
        name: "Container Registry Repository Writer",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: REPOSITORY_CONTRIBUTOR,
        name: "Container Registry Repository Contributor",
        actions: &[],
        not_actions: &[],
    },
    Role {
        id: CATALOG_LISTER,
        name: "Container Registry Repository Catalog Lister",
        actions: &[],
        not_actions: &[],
    },
];

/// Returns whether a role with this ID exists.
pub(crate) fn exists(role: &str) -> bool {
    ROLES
        .iter()
        .any(|known| known.id.eq_ignore_ascii_case(role))
}

/// Returns whether the role allows an ARM action, such as
/// `Microsoft.ContainerRegistry/registries/tasks/write`.
pub(crate) fn allows(role: &str, action: &str) -> bool {
    ROLES
        .iter()
        .filter(|known| known.id.eq_ignore_ascii_case(role))
        .any(|known| {
            let fits = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, action));
            fits(known.actions) && !fits(known.not_actions)
        })
}

/// Returns the data plane actions that a role grants.
///
/// A registry honors either the classic roles or the ABAC roles, never both.
pub(crate) fn data_rights(role: &str, abac: bool) -> &'static [&'static str] {
    const READ: &[&str] = &["pull", "metadata_read"];
    const WRITE: &[&str] = &["pull", "push", "metadata_read", "metadata_write"];
    const ALL: &[&str] = &["pull", "push", "delete", "metadata_read", "metadata_write"];
    const READ_AND_LIST: &[&str] = &["pull", "metadata_read", "catalog"];
    const WRITE_AND_LIST: &[&str] = &["pull", "push", "metadata_read", "metadata_write", "catalog"];
    const ALL_AND_LIST: &[&str] = &[
        "pull",
        "push",
        "delete",
        "metadata_read",
        "metadata_write",
        "catalog",
    ];
    match (role.to_ascii_lowercase().as_str(), abac) {
        (OWNER | CONTRIBUTOR, false) => ALL_AND_LIST,
        (READER | ACR_PULL, false) => READ_AND_LIST,
        (ACR_PUSH, false) => WRITE_AND_LIST,
        (ACR_DELETE, false) => &["delete"],
        (REPOSITORY_READER, true) => READ,
        (REPOSITORY_WRITER, true) => WRITE,
        (REPOSITORY_CONTRIBUTOR, true) => ALL,
        (CATALOG_LISTER, true) => &["catalog"],
        _ => &[],
    }
}

/// Returns whether an action matches a pattern with at most one `*`, ignoring letter case.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    match pattern.split_once('*') {
        None => pattern == action,
        Some((before, after)) => {
            action.len() >= before.len() + after.len()
                && action.starts_with(before)
                && action.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contributor_can_write_tasks_but_not_role_assignments() {
        assert!(allows(
            CONTRIBUTOR,
            "Microsoft.ContainerRegistry/registries/tasks/write"
        ));
        assert!(!allows(
            CONTRIBUTOR,
            "Microsoft.Authorization/roleAssignments/write"
        ));
        assert!(allows(
            CONTRIBUTOR,
            "Microsoft.Authorization/roleAssignments/read"
        ));
    }

    #[test]
    fn an_owner_has_no_data_plane_rights_on_an_abac_registry() {
        assert!(data_rights(OWNER, false).contains(&"push"));
        assert!(data_rights(OWNER, true).is_empty());
    }
}
