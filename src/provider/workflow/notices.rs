//! What the provider itself has to say of a workflow, beside what Azure says.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::ApplyRequest;
use terraform_plugin::value::AttributePath;

use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::run_log::printable;
use crate::patching::{Policy, TaskName};
use crate::provider::report;
use crate::provider::workflow::names;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::Owned;
use crate::workflow::run_immediately::Outcome;

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

/// What a create has cleaned up after a workflow that somebody deleted only in part: role
/// assignments whose identities are gone, and a policy other than `policy`.
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
pub(crate) fn run_immediately(outcome: &Outcome) -> Option<Diagnostic> {
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
    let PolicyState::Invalid { problem } = &observed.policy else {
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
