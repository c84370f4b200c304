//! Who may do what: principals, role assignments, and when an assignment begins to work.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::registry::Registry;
use crate::roles;
use crate::state::World;

/// A role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleAssignment {
    /// The GUID that names it.
    pub name: String,
    /// The ARM id that it holds for, with everything below.
    pub scope: String,
    /// The GUID of the role.
    pub role: String,
    /// The principal's object id.
    pub principal_id: String,
    /// What kind of principal it was said to be.
    pub principal_type: String,
    /// Free text.
    pub description: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

impl RoleAssignment {
    /// The assignment's own ARM id.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{}",
            self.scope, self.name
        )
    }
}

/// An object of the directory.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Principal {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) created: Timestamp,
}

/// Whether `scope` is `id` itself or lies above it; ARM ids have no letter case.
pub(crate) fn covers(scope: &str, id: &str) -> bool {
    let (scope, id) = (
        scope.trim_end_matches('/').to_lowercase(),
        id.to_lowercase(),
    );
    id.strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl World {
    /// Whether the principal is in the directory, everywhere.
    pub(crate) fn knows_principal(&self, id: &str) -> bool {
        let found = self
            .principals
            .iter()
            .find(|principal| principal.id.eq_ignore_ascii_case(id));
        found.is_some_and(|principal| self.replicated(principal.created, self.now()))
    }

    /// Whether the principal may do something in ARM at that scope, with the rights that had arrived by then.
    pub(crate) fn may(&self, principal: &str, action: &str, scope: &str, by: Timestamp) -> bool {
        let denied = self
            .knobs
            .denied_actions
            .iter()
            .any(|pattern| roles::matches(pattern, action));
        !denied
            && self
                .roles_of(principal, scope, by)
                .any(|role| roles::allows(role, action))
    }

    /// What the principal may do in a registry's data plane, in the words of its scopes, with the rights that had arrived
    /// by then.
    pub(crate) fn data_rights(
        &self,
        principal: &str,
        registry: &Registry,
        by: Timestamp,
    ) -> BTreeSet<&'static str> {
        let id = registry.id();
        let rights = self
            .roles_of(principal, &id, by)
            .flat_map(|role| roles::data_rights(role, registry.spec.abac));
        rights.copied().collect()
    }

    fn roles_of(&self, principal: &str, scope: &str, by: Timestamp) -> impl Iterator<Item = &str> {
        self.role_assignments
            .iter()
            .filter(move |assignment| assignment.principal_id.eq_ignore_ascii_case(principal))
            .filter(move |assignment| {
                covers(&assignment.scope, scope) && self.replicated(assignment.created, by)
            })
            .map(|assignment| assignment.role.as_str())
    }

    /// Whether what was written then had arrived everywhere by that time.
    fn replicated(&self, written: Timestamp, by: Timestamp) -> bool {
        let delay = self.knobs.replication_delay();
        let age = Duration::try_from(by.duration_since(written)).unwrap_or_default();
        delay.is_zero() || age >= delay
    }
}
