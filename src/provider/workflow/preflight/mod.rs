//! The preflight check: what a plan reads from the registry before an apply changes anything.
//!
//! [`inspect`] reads. `findings` and `registry` turn the result into diagnostics.

mod findings;
mod mode;
mod registry;

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};

use crate::azure::acr::AcrClient;
use crate::azure::cache_rule::CacheRule;
use crate::azure::{Error, RegistryClient};
use crate::http::{Budget, LOOKUPS_AT_ONCE};
use crate::patching::selection::MOST_IMAGES;
use crate::patching::{Policy, TimeOfDay};
use crate::workflow::registry_facts::RegistryFacts;
use crate::workflow::registry_selection::{Selected, Tags};

use findings::Scope;
pub(crate) use mode::Preflight;

/// The result of the preflight check.
#[derive(Debug, Default)]
pub(crate) struct Inspected {
    /// The facts of the registry that the plan needs.
    pub(crate) facts: Option<RegistryFacts>,
    /// The diagnostics.
    pub(crate) findings: Diagnostics,
    /// The time of day of the workflow that a create takes over.
    pub(crate) start_time: Option<TimeOfDay>,
    /// Whether a resource in the state manages the workflow of the registry.
    pub(crate) is_claimed: bool,
}

/// The repositories that a policy lists and enables, as they are in the registry.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The images that the policy selects.
    selected: Selected,
    /// Images for Windows only, as `<repository>:<tag>`.
    windows: BTreeSet<String>,
    /// The registry's cache rules.
    cache_rules: Vec<CacheRule>,
}

impl From<Diagnostic> for Inspected {
    fn from(finding: Diagnostic) -> Self {
        Self {
            findings: finding.into(),
            ..Self::default()
        }
    }
}

/// Reads the registry, and the images that `policy` selects if it is known.
///
/// # Errors
/// Azure does not return the registry.
pub(super) async fn inspect(
    registry: &RegistryClient,
    policy: Option<&Policy>,
    preflight: Preflight,
) -> Result<Inspected, Error> {
    let found = registry.get().await?;
    let mut inspected = Inspected {
        facts: Some(RegistryFacts::from(&found)),
        findings: registry::findings(&found),
        ..Inspected::default()
    };
    if let Some(policy) = policy
        && !inspected.findings.has_error()
    {
        let scope = Scope {
            registry: &found.id.registry,
            preflight,
        };
        match look(registry, &found.login_server, policy).await {
            Ok(seen) => inspected
                .findings
                .extend(findings::findings(policy, &seen, scope)),
            Err(error) => inspected.findings.push(findings::unchecked(&error, scope)),
        }
    }
    Ok(inspected)
}

async fn look(
    registry: &RegistryClient,
    login_server: &str,
    policy: &Policy,
) -> Result<Seen, Error> {
    let (data_plane, budget) = (&registry.data_plane(login_server), registry.budget());
    let tags = Tags::list(data_plane, budget, &policy.repositories);
    let (tags, cache_rules) = futures::try_join!(tags, registry.list_cache_rules())?;
    let mut seen = Seen {
        selected: Selected::of(policy, &tags),
        cache_rules,
        ..Seen::default()
    };
    // Too many images are an error of their own, so the operating systems don't matter.
    if seen.selected.total() <= MOST_IMAGES {
        seen.windows = windows(data_plane, budget, &seen.selected).await?;
    }
    Ok(seen)
}

/// Returns the images for Windows only.
async fn windows(
    data_plane: &AcrClient,
    budget: &Budget,
    selected: &Selected,
) -> Result<BTreeSet<String>, Error> {
    let images = selected.images();
    let images: Vec<(String, String)> = images
        .map(|(name, image)| (name.to_owned(), image.scanned().to_owned()))
        .collect();
    stream::iter(images)
        .map(|(name, tag)| async move {
            let systems = data_plane.operating_systems(budget, &name, &tag).await?;
            let only_windows = !systems.is_empty() && systems.iter().all(|os| os == "windows");
            Ok(only_windows.then(|| format!("{name}:{tag}")))
        })
        .buffer_unordered(LOOKUPS_AT_ONCE)
        .try_filter_map(|image| async move { Ok(image) })
        .try_collect()
        .await
}

/// Formats findings for snapshots.
#[cfg(test)]
pub(super) fn rendered(findings: &Diagnostics) -> String {
    let rendered: Vec<String> = findings
        .iter()
        .map(|finding| {
            let path = finding.path.clone().unwrap_or_default();
            let (severity, summary) = (finding.severity, &finding.summary);
            format!("{severity:?} at {path}: {summary}\n{}", finding.detail)
        })
        .collect();
    rendered.join("\n---\n")
}
