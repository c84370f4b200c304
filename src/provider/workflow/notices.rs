//! Diagnostics of the provider itself, apart from Azure's errors.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::ApplyRequest;
use terraform_plugin::value::AttributePath;

use crate::azure::RegistryId;
use crate::http::Stopped;
use crate::patching::Policy;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::provider::report;
use crate::provider::workflow::names;
use crate::workflow::converge::Settled;
use crate::workflow::observe::{Observed, PolicyState, Reader};
use crate::workflow::ownership::Owned;

/// The wording is azurerm's, because users search for it.
pub(crate) fn already_exists(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Resource already exists",
        format!(
            "A resource with the ID {id:?} already exists - to be managed via Terraform this \
             resource needs to be imported into the State. Please see the resource documentation \
             for \"acr_continuous_patching_workflow\" for more information.\n\n{}\n\n\
             To take it over without an import, set `adopt_existing = true`. \
             A registry has at most one workflow. If another resource of the configuration manages it, \
             remove one of the two.\n\n\
             If this apply replaces the resource with `create_before_destroy`, remove that setting. If the \
             resource is tainted, run `terraform untaint` with its address instead.",
            how_to_import(id)
        ),
    )
}

/// The block that imports the workflow of this registry.
pub(crate) fn how_to_import(id: &str) -> String {
    format!(
        "To import it, add:\n\n  import {{\n    to = acr_continuous_patching_workflow.<name>\n    \
         id = {id:?}\n  }}"
    )
}

/// The error if a create finds a workflow that a resource in the state manages.
pub(crate) fn already_managed(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Resource already managed",
        format!(
            "A resource in the state already manages the workflow of {id}. A registry has at most one \
             workflow.\n\nIf this plan replaces that resource with `create_before_destroy`, the new \
             workflow can't exist next to the old one. If the resource is tainted, run `terraform \
             untaint` with its address. Otherwise remove `create_before_destroy`.\n\n\
             If the configuration has two resources for this registry, remove one of them. If the \
             resource got another name, add a `moved` block."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}

/// The warning if two resources in the state, or two imports, have the same workflow.
pub(crate) fn managed_twice(id: &str) -> Diagnostic {
    let name = id.rsplit('/').next().unwrap_or(id);
    Diagnostic::warning(
        format!("Two resources manage the workflow of {name}"),
        format!(
            "Another resource of the configuration also manages the workflow of {id}. A registry has at \
             most one workflow. So each apply of one resource changes the other, and the destroy of one \
             deletes the workflow.\n\nIf this plan imports the resource, remove its `import` block and its \
             `resource` block. If the state has both already, remove one with `terraform state rm`, then \
             remove its `resource` block."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}

/// The error of a create that another apply has taken over in the meantime.
pub(crate) fn taken_over(id: &str) -> Diagnostic {
    Diagnostic::error(
        "Another apply creates the workflow",
        format!(
            "Another apply started to create the workflow of {id} at the same time, and has taken it \
             over. Everything that exists belongs to that apply.\n\nOnly one state can contain the \
             workflow of a registry. Remove the resource from one of the two configurations."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}

/// The warning about tasks of the service's private preview.
pub(crate) fn preview_tasks(observed: &Observed) -> Option<Diagnostic> {
    let registry = &observed.facts.id;
    let names = observed.preview_tasks.join(", ");
    (!names.is_empty()).then(|| {
        Diagnostic::warning(
            format!(
                "Tasks of the private preview also scan {}",
                registry.registry
            ),
            format!(
                "{} has tasks from the private preview of Continuous Patching: {names}. They scan the \
                 images a second time. Delete them, for example with `az acr task delete`.",
                registry.as_written()
            ),
        )
    })
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
        .values()
        .map(|orphan| orphan.id.clone())
        .chain(replaced.then(|| format!("{host}/{POLICY_REPOSITORY}:v1 (manifest {manifest})")))
        .collect();
    let is_create = request.prior.is_null() && observed.tasks.is_empty();
    (is_create && !left.is_empty()).then(|| {
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

/// The warning if Azure doesn't show every change that it has accepted.
pub(crate) fn not_settled(registry: &RegistryId, settled: &Settled) -> Option<Diagnostic> {
    let because = match settled {
        Settled::Shown => return None,
        Settled::NotYet => "Azure's lists still show older data.".to_owned(),
        Settled::Stopped(Stopped::Deadline) => {
            "The operation timed out before Azure's lists showed every change.".to_owned()
        }
        Settled::Stopped(Stopped::Cancelled) => {
            "The operation was interrupted before Azure's lists showed every change.".to_owned()
        }
        Settled::Unreadable(error) => {
            let happened = report::happened(error);
            format!("The provider could not read the result. {happened}")
        }
    };
    Some(Diagnostic::warning(
        format!(
            "Azure does not show every change in {} yet",
            registry.registry
        ),
        format!(
            "Azure has accepted all planned changes to {}. {because}\n\nThe state contains the accepted \
             changes. Until Azure's lists catch up, a plan may show them again. Plan again in a few \
             minutes.",
            registry.as_written()
        ),
    ))
}

/// A warning about a policy that can't be read.
pub(crate) fn unreadable_policy(observed: &Observed) -> Option<Diagnostic> {
    let manifest = observed.policy_manifest.as_deref();
    let unreadable = unreadable(&observed.facts.login_server, manifest, &observed.policy)?;
    let summary = format!("The policy in {} can't be read", observed.facts.id.registry);
    let detail =
        format!("{unreadable} An apply of `acr_continuous_patching_workflow` replaces it.");
    Some(Diagnostic::warning(summary, detail).at(AttributePath::new(names::REPOSITORIES)))
}

/// A sentence about a policy that can't be read. It names whether the service or only this provider can't.
pub(crate) fn unreadable(
    host: &str,
    manifest: Option<&str>,
    policy: &PolicyState,
) -> Option<String> {
    let PolicyState::Invalid { reader, problem } = policy else {
        return None;
    };
    let reader = match reader {
        Reader::Service => "The service can't read",
        Reader::Provider => "This provider can't represent",
    };
    let manifest = manifest.unwrap_or("unknown");
    Some(format!(
        "{reader} the policy {host}/{POLICY_REPOSITORY}:v1 (manifest {manifest}): {problem}."
    ))
}
