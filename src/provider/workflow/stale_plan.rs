//! Refuses to apply a plan if Azure has changed since, and reports a change while the apply ran.

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

use crate::azure::id::ids_equal;
use crate::azure::task::Task;
use crate::patching::TaskName;
use crate::provider::workflow::names;
use crate::workflow::observe::Observed;
use crate::workflow::ownership::Owned;

/// Returns an error if the result of an apply would contradict the plan. A plan depends on the registry's
/// permissions mode, which decides the roles of the tasks. It also depends on each identity and role
/// assignment that it keeps.
pub(super) fn refuse_stale_plan(
    planned: &Value,
    observed: &Observed,
    owned: &Owned,
) -> Result<(), Diagnostic> {
    let facts = &observed.facts;
    let planned_roles = planned.get(names::ROLE_ASSIGNMENTS);
    if let Some(roles) = planned_roles.as_map() {
        let now = facts.role_keys();
        if now.len() != roles.len() || now.iter().any(|(key, ..)| !roles.contains_key(key)) {
            return Err(Diagnostic::error(
                "The registry has changed since the plan",
                format!(
                    "The permissions mode of {} has changed since the plan, so the tasks need other \
                     roles. The apply has changed nothing. Plan again.",
                    facts.id.as_written()
                ),
            )
            .at(AttributePath::new(names::ROLE_ASSIGNMENTS)));
        }
    }
    for name in TaskName::ALL {
        let planned = planned.get(names::TASKS).get(name.as_str());
        let now = observed.tasks.get(&name).and_then(Task::principal_id);
        if !is_still(planned.get(names::PRINCIPAL_ID), now) {
            let task = facts.task_id(name);
            return Err(changed_since("The identity of task", &task, names::TASKS));
        }
    }
    for (key, planned) in planned_roles.as_map().into_iter().flatten() {
        let now = owned.held.get(key).map(|assignment| assignment.id.as_str());
        if let Some(id) = planned.as_str()
            && !is_still(planned, now)
        {
            let roles = names::ROLE_ASSIGNMENTS;
            return Err(changed_since("The role assignment", id, roles));
        }
    }
    Ok(())
}

/// Returns an error if the state after an apply has another identity or role assignment than planned. The apply may
/// have seen a task in Azure's list that was already deleted, and created it again.
pub(super) fn replaced_meanwhile(planned: &Value, state: &Value) -> Option<Diagnostic> {
    let of_tasks = TaskName::ALL.into_iter().map(|name| {
        let principal = |of: &Value| {
            let task = of.get(names::TASKS).get(name.as_str());
            task.get(names::PRINCIPAL_ID).clone()
        };
        let what = format!("The identity of task {name}");
        (names::TASKS, what, principal(planned), principal(state))
    });
    let roles = planned.get(names::ROLE_ASSIGNMENTS).as_map();
    let of_roles = roles.into_iter().flatten().map(|(key, planned)| {
        let what = format!("The role assignment {key}");
        let now = state.get(names::ROLE_ASSIGNMENTS).get(key).clone();
        (names::ROLE_ASSIGNMENTS, what, planned.clone(), now)
    });
    let (attribute, what, ..) = of_tasks
        .chain(of_roles)
        .find(|(_, _, planned, now)| !is_still(planned, now.as_str()))?;
    let detail = format!(
        "{what} was replaced while the apply ran, because a part of the workflow was deleted shortly before. \
         The state has everything that exists now. Apply again."
    );
    let summary = "The workflow has changed during the apply";
    Some(Diagnostic::error(summary, detail).at(AttributePath::new(attribute)))
}

/// Whether the planned ID is unknown or equal to the current one.
fn is_still(planned: &Value, now: Option<&str>) -> bool {
    planned
        .as_str()
        .is_none_or(|planned| now.is_some_and(|now| ids_equal(planned, now)))
}

fn changed_since(what: &str, id: &str, attribute: &str) -> Diagnostic {
    Diagnostic::error(
        "The workflow has changed since the plan",
        format!(
            "{what} {id} was deleted or replaced after the plan. The apply has changed nothing. Plan \
             again."
        ),
    )
    .at(AttributePath::new(attribute))
}
