//! What a plan looks up in the registry before anything is changed.
//!
//! [`Site`] asks, and changes nothing; [`findings`] judges what it has seen.

mod findings;
mod registry;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::azure::acr::AcrClient;
use crate::azure::cache_rule::CacheRule;
use crate::azure::id::RegistryId;
use crate::azure::registry::Registry;
use crate::azure::{Azure, Error};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::http::Budget;
use crate::patching::Policy;
use crate::patching::selection::{MOST_IMAGES, Selection, select};
use crate::resource::continuous_patching_workflow::facts::Facts;
use crate::resource::continuous_patching_workflow::model::Preflight;

/// How many repositories, or images, are looked at at once.
const AT_ONCE: usize = 8;

/// Where is looked, with what, and how much is made of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) azure: &'a Azure,
    pub(super) budget: &'a Budget,
    pub(super) registry: &'a RegistryId,
    pub(super) preflight: Preflight,
}

/// What a look at a registry has brought.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// What planning has to know of it.
    pub(super) facts: Option<Facts>,
    /// What there is to say.
    pub(super) findings: Diagnostics,
}

/// What was seen of the repositories that a policy names and enables.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// By repository; [`None`] where there is no such repository.
    repositories: BTreeMap<String, Option<Selection>>,
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

impl Site<'_> {
    /// Looks at the registry, and at what `policy`, where it is known, selects there.
    ///
    /// # Errors
    /// The registry itself can't be read.
    pub(super) async fn inspect(self, policy: Option<&Policy>) -> Result<Inspected, Error> {
        let registry = self.azure.get_registry(self.budget, self.registry).await?;
        let mut inspected = Inspected {
            facts: Some(Facts::from(&registry)),
            findings: registry::findings(&registry),
        };
        if let Some(policy) = policy
            && !inspected.findings.has_error()
        {
            match self.look(&registry, policy).await {
                Ok(seen) => {
                    inspected
                        .findings
                        .extend(findings::findings(policy, &seen, self.preflight))
                }
                Err(error) => inspected
                    .findings
                    .push(findings::not_looked(&error, self.preflight)),
            }
        }
        Ok(inspected)
    }

    async fn look(self, registry: &Registry, policy: &Policy) -> Result<Seen, Error> {
        let data_plane = &self.azure.acr(&registry.login_server);
        let convention = policy.convention;
        let enabled: Vec<(String, BTreeSet<String>)> = policy
            .repositories
            .iter()
            .filter(|(_, repository)| repository.enabled)
            .map(|(name, repository)| (name.clone(), repository.tags.clone()))
            .collect();
        let repositories = stream::iter(enabled)
            .map(|(name, wanted)| async move {
                let tags = data_plane.list_tags(self.budget, &name).await?;
                let selected = tags.map(|tags| {
                    let present = tags.into_iter().collect();
                    select(convention, &wanted, &present)
                });
                Ok::<_, Error>((name, selected))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<BTreeMap<_, _>>();
        let rules = self.azure.list_cache_rules(self.budget, self.registry);
        let (repositories, cache_rules) = futures::try_join!(repositories, rules)?;
        let mut seen = Seen {
            repositories,
            cache_rules,
            ..Seen::default()
        };
        // More than a run takes is an error by itself; there is no need to look at each of them.
        if seen.total() <= MOST_IMAGES {
            seen.windows = windows(data_plane, self.budget, seen.images()).await?;
        }
        Ok(seen)
    }
}

/// Those of the images that run on Windows alone.
async fn windows(
    data_plane: &AcrClient,
    budget: &Budget,
    images: Vec<(String, String)>,
) -> Result<BTreeSet<String>, Error> {
    stream::iter(images)
        .map(|(name, tag)| async move {
            let systems = data_plane.operating_systems(budget, &name, &tag).await?;
            let only_windows = !systems.is_empty() && systems.iter().all(|os| os == "windows");
            Ok(only_windows.then(|| format!("{name}:{tag}")))
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|image| async move { Ok(image) })
        .try_collect()
        .await
}

impl Seen {
    /// Every image that is taken: its repository and its tag.
    fn images(&self) -> Vec<(String, String)> {
        let mut images = Vec::new();
        for (name, selection) in &self.repositories {
            for image in selection.iter().flat_map(|selection| &selection.images) {
                images.push((name.clone(), image.tag.clone()));
            }
        }
        images
    }

    fn total(&self) -> usize {
        let selections = self.repositories.values().flatten();
        selections.map(|selection| selection.images.len()).sum()
    }
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
