//! Refuses to apply a plan if Azure has changed since.

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
