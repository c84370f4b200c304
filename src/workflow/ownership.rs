//! Finds the role assignments of a workflow without Terraform state.
//!
//! The name of a role assignment is a hash of the task's ID and the role definition's ID (see
//! [`crate::patching::role::assignment_name`]). So assignments by the Azure CLI or this provider are
//! recognised by name, even after the task and its identity are gone.
//!
//! Other assignments are foreign, with one exception. If one gives a task's identity a role that the task
//! needs, Azure allows no second one, so the workflow uses it.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::role_assignment::RoleAssignment;
use crate::patching::TaskName;
use crate::patching::role::{Role, assignment_name, needed};
use crate::workflow::observe::Observed;
use crate::workflow::recorded::Recorded;
use crate::workflow::registry_facts::{RegistryFacts, role_key};

/// The role assignments of the workflow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Owned {
    /// The assignments that the tasks' current identities hold, by key.
    pub(crate) held: BTreeMap<String, RoleAssignment>,
    /// The assignments that were created for a task but whose principal is no current identity of the
    /// tasks.
    pub(crate) orphans: Vec<RoleAssignment>,
}

/// Finds the workflow's assignments by name or by the record.
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

/// Returns the task with this identity.
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

/// Returns every possible name of the tasks' role assignments. The hash is case-sensitive, and depends on
/// the case of the IDs in the deployment or in Azure's answer at that time.
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
    fn recognises_assignments_for_every_spelling_of_the_registry_id() {
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
