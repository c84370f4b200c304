//! Access control: principals, role assignments, and when an assignment takes effect.

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
    /// The name, a GUID.
    pub name: String,
    /// The resource ID to which it applies, including all child resources.
    pub scope: String,
    /// The GUID of the role.
    pub role: String,
    /// The principal's object ID; empty if Azure shows null.
    pub principal_id: String,
    /// The principal type as sent by the client.
    pub principal_type: String,
    /// The description.
    pub description: Option<String>,
    /// The condition. Its version is always `2.0`.
    pub condition: Option<String>,
    /// The principal that created it.
    pub created_by: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

impl RoleAssignment {
    /// Returns the resource ID of the assignment.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{}",
            self.scope, self.name
        )
    }
}

/// A directory object.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Principal {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) created: Timestamp,
}

/// Returns whether `scope` is `id` or one of its parents. Resource IDs ignore letter case.
pub(crate) fn covers(scope: &str, id: &str) -> bool {
    let scope = scope.trim_end_matches('/').as_bytes();
    let beginning = id.as_bytes().split_at_checked(scope.len());
    beginning.is_some_and(|(beginning, rest)| {
        beginning.eq_ignore_ascii_case(scope) && (rest.is_empty() || rest.starts_with(b"/"))
    })
}

impl World {
    /// Returns whether the principal exists and has propagated.
    pub(crate) fn knows_principal(&self, id: &str) -> bool {
        let found = self
            .principals
            .iter()
            .find(|principal| principal.id.eq_ignore_ascii_case(id));
        found.is_some_and(|principal| self.replicated(principal.created, self.now()))
    }

    /// Returns whether the principal may perform an ARM action at a scope.
    ///
    /// Only roles that had propagated by `by` count.
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

    /// Returns the principal's data plane actions, by the roles that had propagated by `by`.
    ///
    /// The actions are those of token scopes, such as `pull`.
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

    /// Returns the principal's roles at a scope. Conditions are not evaluated: an assignment with one is ignored.
    fn roles_of(&self, principal: &str, scope: &str, by: Timestamp) -> impl Iterator<Item = &str> {
        self.role_assignments
            .iter()
            .filter(move |assignment| assignment.principal_id.eq_ignore_ascii_case(principal))
            .filter(|assignment| assignment.condition.is_none())
            .filter(move |assignment| {
                covers(&assignment.scope, scope) && self.replicated(assignment.created, by)
            })
            .map(|assignment| assignment.role.as_str())
    }

    /// Changes a role assignment directly, and returns its new state if it exists.
    pub(crate) fn edit_assignment(
        &mut self,
        name: &str,
        edit: impl FnOnce(&mut RoleAssignment),
    ) -> Option<RoleAssignment> {
        let now = self.now();
        self.echo_assignment(name);
        let mut known = self.role_assignments.iter_mut();
        let found = known.find(|known| known.name.eq_ignore_ascii_case(name))?;
        edit(found);
        found.updated = now;
        Some(found.clone())
    }

    /// Returns whether a write at `written` had propagated by `by`.
    fn replicated(&self, written: Timestamp, by: Timestamp) -> bool {
        let delay = self.knobs.replication_delay();
        let age = Duration::try_from(by.duration_since(written)).unwrap_or_default();
        delay.is_zero() || age >= delay
    }
}
