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
    /// The workflow's assignments that another tool has narrowed with a condition, by key. A task can't read
    /// most images with one.
    pub(crate) narrowed: BTreeMap<String, RoleAssignment>,
    /// The assignments that were created for a task but whose principal is no current identity of the
    /// tasks, by key.
    pub(crate) orphans: BTreeMap<String, RoleAssignment>,
    /// The assignments that are orphans or belong to a task that shows no identity yet, by key.
    pub(crate) unclear: BTreeMap<String, RoleAssignment>,
}

impl Owned {
    /// Returns every assignment with its key.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &RoleAssignment)> {
        let shown = self.held.iter().chain(&self.narrowed);
        shown.chain(self.without_identity())
    }

    /// Returns the assignments that no identity of the tasks holds, with their keys.
    pub(crate) fn without_identity(&self) -> impl Iterator<Item = (&String, &RoleAssignment)> {
        self.orphans.iter().chain(&self.unclear)
    }
}

/// Returns the key of an orphan. No identity holds it, so it has no task and no role.
pub(crate) fn orphan_key(name: &str) -> String {
    format!("orphan/{}", name.to_lowercase())
}

/// Finds the workflow's assignments by name or by the record.
///
/// While a task shows no identity, no assignment is an orphan, because it may belong to that task.
pub(crate) fn find_owned(observed: &Observed, recorded: &Recorded) -> Owned {
    let names = names(&observed.facts, &recorded.registry_id);
    let every_identity_shows = observed
        .tasks
        .values()
        .all(|it| it.principal_id().is_some());
    let mut owned = Owned::default();
    for assignment in &observed.assignments {
        let Some(role) = Role::from_definition_id(&assignment.role_definition_id) else {
            continue;
        };
        let made_by_us = names.contains(&assignment.name.to_lowercase())
            || recorded.has_assignment(&assignment.id);
        let holders = match holder(observed, assignment) {
            Some(task) if made_by_us && assignment.condition.is_some() => {
                Some((&mut owned.narrowed, role_key(task, role)))
            }
            Some(task) if made_by_us => Some((&mut owned.held, role_key(task, role))),
            Some(task) if assignment.condition.is_none() => {
                let needed = needed(task, observed.facts.permissions).contains(&role);
                needed.then(|| (&mut owned.held, role_key(task, role)))
            }
            None if made_by_us && assignment.principal_id.is_some() => {
                let is_orphan = every_identity_shows && !recorded.has_current(assignment);
                let kind = match is_orphan {
                    true => &mut owned.orphans,
                    false => &mut owned.unclear,
                };
                Some((kind, orphan_key(&assignment.name)))
            }
            Some(_) | None => None,
        };
        if let Some((kind, key)) = holders {
            kind.insert(key, assignment.clone());
        }
    }
    owned
}

/// Returns the task whose identity has the role.
fn holder(observed: &Observed, assignment: &RoleAssignment) -> Option<TaskName> {
    let mut tasks = observed.tasks.iter();
    tasks
        .find(|(_, task)| task.principal_id().is_some_and(|id| assignment.is_of(id)))
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
    use crate::workflow::fixture::{REGISTRY, observed, principal, recorded};

    #[test]
    fn a_conditional_role_assignment_is_not_held() {
        let mut narrowed = observed();
        narrowed.assignments[0].condition = Some("@Resource[x] StringEquals 'y'".to_owned());
        let owned = find_owned(&narrowed, &recorded());
        assert_eq!((owned.held.len(), owned.narrowed.len()), (4, 1));
    }

    #[test]
    fn a_conditional_role_assignment_of_another_tool_is_foreign() {
        let mut foreign = observed();
        foreign.assignments[0].condition = Some("@Resource[x] StringEquals 'y'".to_owned());
        foreign.assignments[0].name = "11111111-0000-0000-0000-000000000000".to_owned();
        let owned = find_owned(&foreign, &recorded());
        assert_eq!((owned.held.len(), owned.narrowed.len()), (4, 0));
    }

    #[test]
    fn no_assignment_is_an_orphan_while_a_task_shows_no_identity() {
        let mut late = observed();
        let patch = late.tasks.get_mut(&TaskName::Patch).unwrap();
        patch.identity.as_mut().unwrap().principal_id = None;
        let owned = find_owned(&late, &recorded());
        assert_eq!((owned.held.len(), owned.orphans.len()), (4, 0));
        assert_eq!(owned.unclear.len(), 1);
    }

    #[test]
    fn an_assignment_to_an_identity_that_a_late_list_does_not_show_is_not_an_orphan() {
        let mut late = observed();
        let patch = late.tasks.get_mut(&TaskName::Patch).unwrap();
        patch.identity.as_mut().unwrap().principal_id = Some("old".to_owned());
        let mut recorded = recorded();
        assert_eq!(find_owned(&late, &recorded).orphans.len(), 1);
        recorded.current_principals = [principal(TaskName::Patch)].into();
        assert_eq!(find_owned(&late, &recorded).orphans.len(), 0);
    }

    #[test]
    fn a_role_assignment_without_a_principal_is_not_an_orphan() {
        let mut observed = observed();
        observed.assignments[0].principal_id = None;
        assert_eq!(find_owned(&observed, &recorded()).all().count(), 4);
    }

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
