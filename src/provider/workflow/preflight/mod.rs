//! What a plan looks up in the registry before anything is changed.
//!
//! [`inspect`] asks, and changes nothing; `findings` and `registry` judge what it has seen.

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
use crate::patching::Policy;
use crate::patching::selection::MOST_IMAGES;
use crate::workflow::registry_facts::RegistryFacts;
use crate::workflow::registry_selection::{Selected, Tags};

pub(crate) use mode::Preflight;

/// What a look at a registry has brought.
#[derive(Debug, Default)]
pub(crate) struct Inspected {
    /// What planning has to know of it.
    pub(crate) facts: Option<RegistryFacts>,
    /// What there is to say.
    pub(crate) findings: Diagnostics,
}

/// What was seen of the repositories that a policy names and enables.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// What the policy selects.
    selected: Selected,
    /// Images that run on Windows alone, as `<repository>:<tag>`.
    windows: BTreeSet<String>,
    /// The registry's cache rules.
    cache_rules: Vec<CacheRule>,
}

impl From<Diagnostic> for Inspected {
    fn from(finding: Diagnostic) -> Self {
        Self {
            facts: None,
            findings: finding.into(),
        }
    }
}

/// Looks at the registry, and at what `policy`, where it is known, selects there.
///
/// # Errors
/// The registry itself can't be read, or says what makes no sense.
pub(super) async fn inspect(
    registry: &RegistryClient,
    policy: Option<&Policy>,
    preflight: Preflight,
) -> Result<Inspected, Error> {
    let found = registry.get().await?;
    let mut inspected = Inspected {
        facts: Some(RegistryFacts::from(&found)),
        findings: registry::findings(&found),
    };
    if let Some(policy) = policy
        && !inspected.findings.has_error()
    {
        match look(registry, &found.login_server, policy).await {
            Ok(seen) => inspected
                .findings
                .extend(findings::findings(policy, &seen, preflight)),
            Err(error) => inspected
                .findings
                .push(findings::not_looked(&error, preflight)),
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
    // More than a run takes is an error by itself; there is no need to look at each of them.
    if seen.selected.total() <= MOST_IMAGES {
        seen.windows = windows(data_plane, budget, &seen.selected).await?;
    }
    Ok(seen)
}

/// Those of the images that run on Windows alone.
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

/// Findings as a test shows them.
#[cfg(test)]
fn told(findings: &Diagnostics) -> String {
    let told: Vec<String> = findings
        .iter()
        .map(|finding| {
            let path = finding.path.clone().unwrap_or_default();
            let (severity, summary) = (finding.severity, &finding.summary);
            format!("{severity:?} at {path}: {summary}\n{}", finding.detail)
        })
        .collect();
    told.join("\n---\n")
}
