//! What the resource itself has to say to the user, beside what Azure says.

use std::fmt::Display;

use crate::azure::id::ids_equal;
use crate::azure::task::Task;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::run_log::printable;
use crate::patching::{Policy, TaskName};
use crate::provider::report;
use crate::provider::workflow::names;
use crate::workflow::observe::{Found, Observed};
use crate::workflow::ownership::Owned;
use crate::workflow::run_immediately::Outcome;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::ApplyRequest;
use terraform_plugin::value::{AttributePath, Value};

/// An id of no registry.
pub(crate) fn invalid_registry(problem: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "Invalid registry ID",
        format!("{problem}. Use the `id` of an `azurerm_container_registry`."),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}

/// No registry of that id.
pub(crate) fn no_such_registry(id: &str) -> Diagnostic {
    Diagnostic::error(
        "The registry does not exist",
        format!(
            "There is no container registry {id}, or whoever is signed in can't see it. Check the \
             ID and the subscription's tenant; a registry that is created in the same \
             configuration has to be referred to by its `id` attribute."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}

/// azurerm's sentence, which users search for.
pub(crate) fn already_exists(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Resource already exists",
        format!(
            "A resource with the ID {id:?} already exists - to be managed via Terraform this \
             resource needs to be imported into the State. Please see the resource documentation \
             for \"acr_continuous_patching_workflow\" for more information.\n\nTo import it, add:\n\n  \
             import {{\n    to = acr_continuous_patching_workflow.<name>\n    id = {id:?}\n  }}\n\n\
             A registry has one workflow at most: where another resource of the configuration manages it, \
             remove one of the two."
        ),
    )
}

/// A plan relies on what was there: on the registry's permissions mode, which says what roles the
/// tasks need, and on the identities and assignments that it says will stay. Where one of them has
/// changed since, the outcome would contradict the plan.
pub(crate) fn still_as_planned(
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
                    "The permissions mode of {} is another than when this was planned, and so the \
                     tasks need other roles. Nothing has been changed. Plan again.",
                    facts.id
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

/// Whether what was planned, if it was known, is what there is now.
fn is_still(planned: &Value, now: Option<&str>) -> bool {
    planned
        .as_str()
        .is_none_or(|planned| now.is_some_and(|now| ids_equal(planned, now)))
}

fn changed_since(what: &str, id: &str, attribute: &str) -> Diagnostic {
    Diagnostic::error(
        "The workflow has changed since the plan",
        format!(
            "{what} {id} is gone, or another than when this was planned. Nothing has been \
             changed. Plan again."
        ),
    )
    .at(AttributePath::new(attribute))
}

/// What a create has cleaned up after a workflow that somebody deleted only in part: role
/// assignments whose identities are gone, and a policy other than `policy`.
pub(crate) fn leftovers(
    request: &ApplyRequest,
    observed: &Observed,
    owned: &Owned,
    policy: &Policy,
) -> Option<Diagnostic> {
    let replaced = match &observed.policy {
        Found::Unseen | Found::Nothing => false,
        Found::Readable(left) => left != policy,
        Found::Unreadable { .. } => true,
    };
    let manifest = observed.policy_manifest.as_deref().unwrap_or("unknown");
    let host = &observed.facts.login_server;
    let left: Vec<String> = owned
        .orphans
        .iter()
        .map(|orphan| orphan.id.clone())
        .chain(replaced.then(|| format!("{host}/{POLICY_REPOSITORY}:v1 (manifest {manifest})")))
        .collect();
    (request.prior.is_null() && !left.is_empty()).then(|| {
        Diagnostic::warning(
            "Removed the leftovers of an earlier workflow",
            format!(
                "The tasks of an earlier workflow on this registry had been deleted without what \
                 belonged to them: role assignments, whose identities no longer exist, or the \
                 policy. This has been removed or replaced:\n{}",
                left.join("\n")
            ),
        )
    })
}

/// Everything has been done, but Azure's lists don't show all of it.
pub(crate) fn not_shown_yet(registry: &str) -> Diagnostic {
    Diagnostic::warning(
        "Azure does not show everything yet",
        format!(
            "Everything has been changed as planned, but what Azure lists of {registry} is still \
             older. Until it shows, a plan may propose what has been done already; plan again in \
             a few minutes."
        ),
    )
}

/// What became of the run of `run_immediately`, where that is worth a word.
pub(crate) fn first_run(outcome: &Outcome) -> Option<Diagnostic> {
    let (summary, what) = match outcome {
        Outcome::Queued => return None,
        Outcome::Unknown(error) => {
            let failure = report::failure("Could not queue a run", error);
            (failure.summary, failure.detail)
        }
        Outcome::Failed(run) => {
            let message = run.error_message.as_deref().map(printable);
            let message = message.as_deref().unwrap_or("no reason was given");
            (
                "The first run has failed".to_owned(),
                format!("Run {} ended as {:?}: {message}.", run.run_id, run.status),
            )
        }
    };
    Some(Diagnostic::warning(
        summary,
        format!(
            "{what}\n\nThe workflow is set up and will run on its schedule. To run it now: az acr \
             task run --registry <registry> --name {}",
            TaskName::Trigger
        ),
    ))
}

/// The service can't do anything with such a policy either.
pub(crate) fn unreadable_policy(observed: &Observed) -> Option<Diagnostic> {
    let Found::Unreadable { problem } = &observed.policy else {
        return None;
    };
    let manifest = observed.policy_manifest.as_deref();
    let unreadable = unreadable(&observed.facts.login_server, manifest, problem);
    let detail = format!("{unreadable} Applying `acr_continuous_patching_workflow` replaces it.");
    Some(
        Diagnostic::warning("The policy can't be read", detail)
            .at(AttributePath::new(names::REPOSITORIES)),
    )
}

/// That what stands in a policy's place is none.
pub(crate) fn unreadable(host: &str, manifest: Option<&str>, problem: &str) -> String {
    let manifest = manifest.unwrap_or("unknown");
    format!(
        "{host}/{POLICY_REPOSITORY}:v1 (manifest {manifest}) holds something that the service can't \
         read: {problem}."
    )
}
