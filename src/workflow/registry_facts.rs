//! What planning has to know of a registry, kept in the resource's private data so that a plan
//! that changes nothing needs no request of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::azure::id::ids_equal;
use crate::azure::registry::{Registry, RoleAssignmentMode};
use crate::patching::role;
use crate::patching::{Permissions, TaskName};
use crate::provider::workflow::model::State;

/// What the host keeps for us beside the state, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Private {
    /// The registry; [`None`] where it could not be looked up yet.
    pub(crate) facts: Option<Facts>,
    /// The digest of the manifest that holds the state's policy.
    pub(crate) policy_manifest: Option<String>,
    /// The ids of assignments that the state had, and that are orphans by now: where their names
    /// don't tell, nothing else would know of them.
    #[serde(default)]
    pub(crate) orphans: BTreeSet<String>,
}

/// What a registry says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Its id, as ARM spells it.
    pub(crate) id: String,
    /// Its host.
    pub(crate) login_server: String,
    /// Its region; tasks have to be in the same.
    pub(crate) location: String,
    /// Whether repository permissions (ABAC) decide over access.
    pub(crate) abac: bool,
}

impl Private {
    /// The form in which the host keeps it.
    pub(crate) fn write(&self) -> Vec<u8> {
        // Strings and a bool can't fail to serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether `before` says the same in another spelling: other letter case, or another manifest
    /// for the same policy. A host takes any other bytes for drift, although it can't say of what.
    pub(crate) fn agrees_with(&self, before: &Self) -> bool {
        let facts = match (&self.facts, &before.facts) {
            (Some(now), Some(before)) => now.is_same(before),
            (now, before) => now == before,
        };
        facts
            && self.orphans == before.orphans
            && self.policy_manifest.is_some() == before.policy_manifest.is_some()
    }

    /// The ids of all assignments that are recorded as ours, in lower case.
    pub(crate) fn recorded(&self, state: &State) -> BTreeSet<String> {
        let held = state.role_assignments.values();
        held.chain(&self.orphans)
            .map(|id| id.to_lowercase())
            .collect()
    }

    /// What the host has kept; nothing where an older release wrote another form.
    pub(crate) fn read(private: &[u8]) -> Self {
        serde_json::from_slice(private).unwrap_or_default()
    }
}

impl Facts {
    /// How the registry grants access.
    pub(crate) fn permissions(&self) -> Permissions {
        if self.abac {
            Permissions::Repository
        } else {
            Permissions::Registry
        }
    }

    /// Ids compare without case.
    fn is_same(&self, other: &Self) -> bool {
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

    /// Every role that the tasks need here, by the key that state gives it.
    pub(crate) fn role_keys(&self) -> Vec<(String, TaskName, role::Role)> {
        TaskName::ALL
            .into_iter()
            .flat_map(|task| {
                role::needed(task, self.permissions())
                    .iter()
                    .map(move |&role| (role_key(task, role), task, role))
            })
            .collect()
    }
}

impl From<&Registry> for Facts {
    fn from(registry: &Registry) -> Self {
        Self {
            id: registry.id.as_written().to_owned(),
            login_server: registry.login_server.clone(),
            location: registry.location.clone(),
            abac: registry.role_assignment_mode == RoleAssignmentMode::Abac,
        }
    }
}

/// How state calls the assignment of a role to a task's identity.
pub(crate) fn role_key(task: TaskName, role: role::Role) -> String {
    format!("{task}/{role}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::fixture::facts;

    #[test]
    fn another_spelling_is_no_other_knowledge_but_other_permissions_are() {
        let knowing = |change: fn(&mut Facts)| {
            let mut facts = facts();
            change(&mut facts);
            Private {
                facts: Some(facts),
                policy_manifest: Some("sha256:1".to_owned()),
                ..Private::default()
            }
        };
        let before = knowing(|_| ());
        assert!(knowing(|facts| facts.id = facts.id.to_uppercase()).agrees_with(&before));
        assert!(!knowing(|facts| facts.abac = !facts.abac).agrees_with(&before));
        assert!(!before.agrees_with(&Private::default()));
    }
}
