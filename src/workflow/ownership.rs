//! Which role assignments at a registry are the workflow's, told without state.
//!
//! An assignment's name is a hash of the task's id and the role's (see
//! [`crate::patching::role::assignment_name`]), so whatever the Azure CLI or we created is
//! recognised by its name, also after the task and its identity are gone. Anything else is somebody
//! else's, whoever its principal is, unless it gives one of our tasks' identities exactly a role
//! that the task needs: Azure doesn't allow a second assignment of the same, so that one is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::role_assignment::RoleAssignment;
use crate::patching::TaskName;
use crate::patching::role::{Role, assignment_name, needed};
use crate::workflow::observe::Observed;
use crate::workflow::recorded::Recorded;
use crate::workflow::registry_facts::{RegistryFacts, role_key};

/// The workflow's own assignments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Owned {
    /// Held by the identity that the task has now, by key.
    pub(crate) held: BTreeMap<String, RoleAssignment>,
    /// Made for a task, but its principal is no identity of the three tasks any more.
    pub(crate) orphans: Vec<RoleAssignment>,
}

/// Sorts out the assignments that are ours: by their names, or because they are recorded as ours.
pub(crate) fn find_owned(observed: &Observed, recorded: &Recorded) -> Owned {
    let names = names(&observed.facts, &recorded.registry_id);
    let mut owned = Owned::default();
    for assignment in &observed.assignments {
        let Some(role) = Role::from_definition_id(&assignment.role_definition_id) else {
            continue;
        };
        let made_by_us = names.contains(&assignment.name.to_lowercase())
            || recorded.has_assignment(&assignment.id);
        match holder(observed, &assignment.principal_id) {
            Some(task)
                if made_by_us || needed(task, observed.facts.permissions).contains(&role) =>
            {
                owned.held.insert(role_key(task, role), assignment.clone());
            }
            None if made_by_us => owned.orphans.push(assignment.clone()),
            Some(_) | None => {}
        }
    }
    owned
}

/// The task whose identity this is.
fn holder(observed: &Observed, principal: &str) -> Option<TaskName> {
    observed
        .tasks
        .iter()
        .find(|(_, task)| {
            task.principal_id()
                .is_some_and(|id| id.eq_ignore_ascii_case(principal))
        })
        .map(|(&name, _)| name)
}

/// Every name that one of the tasks' assignments may have. The hash counts letter case, and what
/// counted was the case of the ids in the deployment that made it, or in Azure's answer then.
fn names(facts: &RegistryFacts, written_id: &str) -> BTreeSet<String> {
    let spellings = facts.id.spellings().into_iter();
    let mut names = BTreeSet::new();
    for spelling in spellings.chain(written_id.parse()) {
        for task in TaskName::ALL {
            for role in Role::EVER_USED {
                names.insert(assignment_name(
                    &spelling.task_id_as_written(task.as_str()),
                    &role.definition_id(&spelling.subscription_id),
                ));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::RegistryId;
    use crate::workflow::fixture::{REGISTRY, observed};

    #[test]
    fn an_assignment_is_recognised_however_azure_spelled_the_registry_when_it_was_made() {
        let facts = observed().facts;
        let known = names(&facts, REGISTRY);
        let (start, group) = REGISTRY.split_once("/resourceGroups/").unwrap();
        let group_in_lower_case = format!("{start}/resourcegroups/{group}");
        for spelling in [REGISTRY.to_lowercase(), group_in_lower_case] {
            let subscription = spelling.parse::<RegistryId>().unwrap().subscription_id;
            let role = Role::AcrPush.definition_id(&subscription);
            let name = assignment_name(&format!("{spelling}/tasks/{}", TaskName::Patch), &role);
            assert!(known.contains(&name), "{spelling}");
        }
    }
}
