//! The preflight check: what a plan reads from the registry before an apply changes anything.
//!
//! [`inspect`] reads. `registry`, `findings` and `contents` turn the result into diagnostics.

mod contents;
mod findings;
mod mode;
mod registry;
mod scope;

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};

use crate::azure::acr::{AcrClient, Content};
use crate::azure::cache_rule::CacheRule;
use crate::azure::registry::Registry;
use crate::azure::{Error, RegistryClient};
use crate::http::{Budget, LOOKUPS_AT_ONCE};
use crate::patching::selection::MOST_IMAGES;
use crate::patching::{Policy, TimeOfDay};
use crate::workflow::registry_facts::RegistryFacts;
use crate::workflow::registry_selection::{Selected, Tags, enabled};

use contents::{Contents, is_attached};
pub(crate) use mode::Preflight;
use scope::Scope;

/// The end of every preflight error. A destroy first makes an ordinary plan, which such an error stops.
const WAY_OUT: &str = "To destroy the workflow despite this error, run `terraform destroy \
                       -refresh=false`, or set `preflight = \"off\"`.";

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
#[derive(Debug, Default)]
struct Seen {
    /// The images that the policy selects.
    selected: Selected,
    /// The registry's cache rules.
    cache_rules: Vec<CacheRule>,
    /// Why the cache rules can't be read.
    unread_rules: Option<Error>,
}

impl Inspected {
    /// Adds the way to a destroy to every error.
    pub(super) fn with_way_out(self) -> Self {
        let end = |mut finding: Diagnostic| {
            if finding.is_error() {
                finding.detail = format!("{}\n\n{WAY_OUT}", finding.detail);
            }
            finding
        };
        Self {
            findings: self.findings.into_iter().map(end).collect(),
            ..self
        }
    }
}

impl From<Diagnostic> for Inspected {
    fn from(finding: Diagnostic) -> Self {
        Self {
            findings: finding.into(),
            ..Self::default()
        }
    }
}

/// What is known about a registry before the preflight check.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    /// The registry, if the refresh of the same process has just read it.
    pub(super) registry: Option<Registry>,
    /// Its login server.
    pub(super) login_server: Option<&'a str>,
}

/// Reads the registry, and the images that `policy` selects if it is known.
///
/// # Errors
/// Azure does not return the registry.
pub(super) async fn inspect(
    registry: &RegistryClient,
    known: Known<'_>,
    policy: Option<&Policy>,
    preflight: Preflight,
) -> Result<Inspected, Error> {
    let (found, signed_in) = match (known.registry, policy) {
        (Some(found), _) => (found, Ok(())),
        (None, None) => (registry.get().await?, Ok(())),
        (None, Some(_)) => {
            let (found, signed_in) = registry.get_and_sign_in(known.login_server).await;
            (found?, signed_in)
        }
    };
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
        inspected
            .findings
            .extend(findings::all_disabled(policy, scope));
        let seen = async {
            signed_in?;
            look(registry, &found.login_server, policy).await
        };
        match seen.await {
            Ok((seen, contents)) => {
                let of_images = findings::findings(policy, &seen, scope);
                inspected.findings.extend(of_images);
                inspected
                    .findings
                    .extend(contents::findings(&contents, scope));
            }
            Err(error) => inspected.findings.push(findings::unchecked(&error, scope)),
        }
    }
    Ok(inspected)
}

async fn look(
    registry: &RegistryClient,
    login_server: &str,
    policy: &Policy,
) -> Result<(Seen, Contents), Error> {
    let (data_plane, budget) = (&registry.data_plane(login_server), registry.budget());
    let (tags, described, cache_rules) = futures::join!(
        Tags::list(data_plane, budget, &policy.repositories),
        describe(data_plane, budget, policy),
        registry.list_cache_rules(),
    );
    let selected = Selected::of(policy, &tags?);
    // Too many images are an error of their own, so their contents don't matter.
    let contents = if selected.total() <= MOST_IMAGES {
        read_contents(data_plane, budget, &selected, described).await?
    } else {
        Contents::default()
    };
    let (cache_rules, unread_rules) = match cache_rules {
        Ok(rules) => (rules, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let seen = Seen {
        selected,
        cache_rules,
        unread_rules,
    };
    Ok((seen, contents))
}

/// Returns what the registry describes of the enabled repositories, by `<repository>:<tag>`. One request per
/// repository spares two per image.
async fn describe(
    data_plane: &AcrClient,
    budget: &Budget,
    policy: &Policy,
) -> BTreeMap<String, Content> {
    stream::iter(enabled(&policy.repositories))
        .map(|name| async move {
            let contents = data_plane.described_contents(budget, &name).await;
            let named = contents.into_iter();
            stream::iter(named.map(move |(tag, content)| (format!("{name}:{tag}"), content)))
        })
        .buffer_unordered(LOOKUPS_AT_ONCE)
        .flatten()
        .collect()
        .await
}

/// Reads what the selected tags hold, unless the registry has `described` it. The tag alone identifies a
/// signature.
async fn read_contents(
    data_plane: &AcrClient,
    budget: &Budget,
    selected: &Selected,
    mut described: BTreeMap<String, Content>,
) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    let mut images = Vec::new();
    for (name, image) in selected.images() {
        let tag = image.scanned();
        if is_attached(tag) {
            contents.attached.insert(format!("{name}:{tag}"));
        } else if let Some((image, content)) = described.remove_entry(&format!("{name}:{tag}")) {
            contents.read.insert(image, content);
        } else {
            images.push((name.to_owned(), tag.to_owned()));
        }
    }
    let read: BTreeMap<String, Content> = stream::iter(images)
        .map(|(name, tag)| async move {
            let content = data_plane.content(budget, &name, &tag).await?;
            Ok::<_, Error>((format!("{name}:{tag}"), content))
        })
        .buffer_unordered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    contents.read.extend(read);
    Ok(contents)
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
