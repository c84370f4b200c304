//! Diagnostics of the provider itself, apart from Azure's errors.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::ApplyRequest;
use terraform_plugin::value::AttributePath;

use crate::azure::RegistryId;
use crate::azure::error::TASKS_NOT_ALLOWED;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::run_log::printable;
use crate::patching::{Policy, TaskName};
use crate::provider::report;
use crate::provider::workflow::names;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::Owned;
use crate::workflow::run_immediately::Outcome;

/// The wording is azurerm's, because users search for it.
pub(crate) fn already_exists(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Resource already exists",
        format!(
            "A resource with the ID {id:?} already exists - to be managed via Terraform this \
             resource needs to be imported into the State. Please see the resource documentation \
             for \"acr_continuous_patching_workflow\" for more information.\n\nTo import it, add:\n\n  \
             import {{\n    to = acr_continuous_patching_workflow.<name>\n    id = {id:?}\n  }}\n\n\
             A registry has at most one workflow. If another resource of the configuration manages it, \
             remove one of the two."
        ),
    )
}

/// The errors of a create after which the state holds a part of the workflow. Terraform then marks the
/// resource as tainted, which the last error explains.
pub(crate) fn tainted(errors: Diagnostics) -> Diagnostics {
    let mut errors: Vec<Diagnostic> = errors.into_iter().collect();
    if let Some(last) = errors.iter_mut().rfind(|it| it.is_error()) {
        last.detail.push_str(
            "\n\nTerraform marks the resource as tainted because its creation failed. The next apply \
             replaces it. To keep it and complete the workflow instead, run `terraform untaint` with the \
             address of the resource, then apply again.",
        );
    }
    errors.into_iter().collect()
}

/// The warning after a create removed remains of an earlier workflow: role assignments whose identities no
/// longer exist, and another policy than `policy`.
pub(crate) fn leftovers(
    request: &ApplyRequest,
    observed: &Observed,
    owned: &Owned,
    policy: &Policy,
) -> Option<Diagnostic> {
    let replaced = match &observed.policy {
        PolicyState::NotRead | PolicyState::Missing => false,
        PolicyState::Valid(left) => left != policy,
        PolicyState::Invalid { .. } => true,
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
            format!(
                "Removed remains of an earlier workflow in {}",
                observed.facts.id.registry
            ),
            format!(
                "The tasks of an earlier workflow were deleted, but their role assignments or the \
                 policy remained. The provider removed or replaced:\n{}",
                left.join("\n")
            ),
        )
    })
}

/// Azure accepted every change, but its lists don't show all of them yet.
pub(crate) fn not_shown_yet(registry: &RegistryId) -> Diagnostic {
    Diagnostic::warning(
        format!(
            "Azure does not list every change in {} yet",
            registry.registry
        ),
        format!(
            "All planned changes are applied, but Azure's lists of {} still show older data. Until \
             Azure's lists catch up, a plan may show changes that are already applied. Plan again in \
             a few minutes.",
            registry.as_written()
        ),
    )
}

/// The outcome of `run_immediately`, unless Azure queued the run.
pub(crate) fn run_immediately(registry: &RegistryId, outcome: &Outcome) -> Option<Diagnostic> {
    let name = &registry.registry;
    let mut code = None;
    let (summary, what) = match outcome {
        Outcome::Queued => return None,
        Outcome::Unknown(error) => {
            let summary = format!("Could not queue a run in {name}");
            let failure = report::failure(&summary, error);
            code = error.code();
            (failure.summary, failure.detail)
        }
        Outcome::Failed(run) => {
            let message = run.error_message.as_deref().map(printable);
            let message = message.as_deref().unwrap_or("Azure gave no reason");
            (
                format!("The first run in {name} failed"),
                format!(
                    "Run {} ended with status {:?}: {message}.",
                    run.run_id, run.status
                ),
            )
        }
    };
    Some(Diagnostic::warning(
        summary,
        format!("{what}\n\n{}", without_first_run(name, code)),
    ))
}

/// What the workflow does without its first run, and how to run it. `code` is Azure's code if Azure refused
/// to queue the run.
fn without_first_run(registry: &str, code: Option<&str>) -> String {
    if code == Some(TASKS_NOT_ALLOWED) {
        return "All parts of the workflow exist, but Azure runs none of its tasks until the subscription \
                may run ACR Tasks."
            .to_owned();
    }
    format!(
        "The workflow itself is complete. To run it now:\n\n  az acr task run --registry {registry} \
         --name {}",
        TaskName::Trigger
    )
}

/// A warning about a policy that the service can't read either.
pub(crate) fn unreadable_policy(observed: &Observed) -> Option<Diagnostic> {
    let PolicyState::Invalid { problem } = &observed.policy else {
        return None;
    };
    let manifest = observed.policy_manifest.as_deref();
    let unreadable = unreadable(&observed.facts.login_server, manifest, problem);
    let summary = format!("The policy in {} can't be read", observed.facts.id.registry);
    let detail =
        format!("{unreadable} An apply of `acr_continuous_patching_workflow` replaces it.");
    Some(Diagnostic::warning(summary, detail).at(AttributePath::new(names::REPOSITORIES)))
}

/// A sentence about an artifact in the policy's place that is not a policy.
pub(crate) fn unreadable(host: &str, manifest: Option<&str>, problem: &str) -> String {
    let manifest = manifest.unwrap_or("unknown");
    format!(
        "The service can't read the policy {host}/{POLICY_REPOSITORY}:v1 (manifest {manifest}): {problem}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_acr_tasks_no_run_is_promised() {
        let refused = without_first_run("contoso", Some(TASKS_NOT_ALLOWED));
        for promise in ["complete", "az acr task run", "schedule", "role"] {
            assert!(!refused.contains(promise), "{refused}");
        }
        for code in [None, Some("Conflict")] {
            let other = without_first_run("contoso", code);
            assert!(
                other.ends_with("az acr task run --registry contoso --name cssc-trigger-workflow"),
                "{other}"
            );
        }
    }
}
