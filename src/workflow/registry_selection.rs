//! The images that a policy selects in a registry.
//!
//! [`Tags`] lists the tags of the repositories, and [`Selected`] computes the selection from them.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::azure::Error;
use crate::azure::acr::AcrClient;
use crate::http::{Budget, LOOKUPS_AT_ONCE};
use crate::patching::name_rules::{RepositoryProblem, check_repository};
use crate::patching::selection::{Image, MOST_IMAGES, Selection, select};
use crate::patching::{Policy, Repository};

/// The tags of a registry's repositories. [`None`] if the repository doesn't exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags(BTreeMap<String, Option<BTreeSet<String>>>);

/// The selection of a policy in the enabled repositories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selected {
    /// The selection by repository. [`None`] if the repository doesn't exist.
    pub(crate) repositories: BTreeMap<String, Option<Selection>>,
}

impl Tags {
    /// Lists the tags of the enabled repositories.
    ///
    /// # Errors
    /// The first repository whose tags can't be listed.
    pub(crate) async fn list(
        data_plane: &AcrClient,
        budget: &Budget,
        repositories: &BTreeMap<String, Repository>,
    ) -> Result<Self, Error> {
        let enabled: Vec<String> = repositories
            .iter()
            .filter(|(_, repository)| repository.enabled)
            .map(|(name, _)| name.clone())
            .collect();
        let tags = stream::iter(enabled)
            .map(|name| async move {
                let tags = if can_exist(&name) {
                    data_plane.list_tags(budget, &name).await?
                } else {
                    None
                };
                Ok::<_, Error>((name, tags.map(BTreeSet::from_iter)))
            })
            .buffer_unordered(LOOKUPS_AT_ONCE)
            .try_collect();
        tags.await.map(Self)
    }
}

/// A policy that another tool wrote may contain invalid names. A registry rejects even a lookup of such a
/// name.
fn can_exist(name: &str) -> bool {
    !matches!(
        check_repository(name, None),
        Err(RepositoryProblem::Empty | RepositoryProblem::Grammar(_))
    )
}

impl Selected {
    /// Returns the selection of `policy` from these tags.
    pub(crate) fn of(policy: &Policy, tags: &Tags) -> Self {
        let select = |(name, tags): (&String, &Option<BTreeSet<String>>)| {
            let wanted = &policy.repositories.get(name)?.tags;
            let present = tags.as_ref();
            let selection = present.map(|present| select(policy.convention, wanted, present));
            Some((name.clone(), selection))
        };
        Self {
            repositories: tags.0.iter().filter_map(select).collect(),
        }
    }

    /// Returns every image with its repository, in alphabetical order.
    pub(crate) fn images(&self) -> impl Iterator<Item = (&str, &Image)> {
        self.repositories.iter().flat_map(|(name, selection)| {
            let images = selection.iter().flat_map(|selection| &selection.images);
            images.map(move |image| (name.as_str(), image))
        })
    }

    /// Returns the number of images.
    pub(crate) fn total(&self) -> usize {
        self.images().count()
    }

    /// Says that a run doesn't accept this many images. It continues a sentence: `selects 120 images, but
    /// …`.
    pub(crate) fn too_many(&self) -> String {
        let mut counts: Vec<(usize, &String)> = self
            .repositories
            .iter()
            .filter_map(|(name, selection)| Some((selection.as_ref()?.images.len(), name)))
            .filter(|(count, _)| *count > 0)
            .collect();
        counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let rows: Vec<String> = counts
            .iter()
            .map(|(count, name)| format!("  {count:>5}  {name}"))
            .collect();
        format!(
            "selects {} images, but a run accepts at most {MOST_IMAGES}. With more, the run fails \
             and patches nothing. Select fewer repositories or tags.\n\n{}",
            self.total(),
            rows.join("\n")
        )
    }
}

/// A selection for tests.
#[cfg(test)]
impl<const N: usize> From<[(&str, Option<Selection>); N]> for Selected {
    fn from(repositories: [(&str, Option<Selection>); N]) -> Self {
        let named = repositories.map(|(name, selection)| (name.to_owned(), selection));
        Self {
            repositories: named.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patching::TagConvention;

    #[test]
    fn images_are_sorted_and_a_missing_repository_is_none() {
        let repository = |tags: &[&str]| Repository {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            enabled: true,
        };
        let policy = Policy {
            convention: TagConvention::Incremental,
            repositories: [
                ("python".to_owned(), repository(&["*"])),
                ("absent".to_owned(), repository(&["1"])),
                ("node".to_owned(), repository(&["22"])),
            ]
            .into(),
        };
        let tags = |tags: &[&str]| Some(tags.iter().map(|&tag| tag.to_owned()).collect());
        let tags = Tags(
            [
                ("absent".to_owned(), None),
                ("node".to_owned(), tags(&["22", "22-1"])),
                ("python".to_owned(), tags(&["3.12", "3.11"])),
            ]
            .into(),
        );
        let selected = Selected::of(&policy, &tags);
        let images: Vec<String> = selected
            .images()
            .map(|(name, image)| format!("{name}:{}", image.scanned()))
            .collect();
        assert_eq!(images, ["node:22-1", "python:3.11", "python:3.12"]);
        assert_eq!(selected.repositories["absent"], None);
    }

    #[test]
    fn only_valid_repository_names_are_looked_up() {
        for name in ["", "Python", "a b", "../x", "a?n=1"] {
            assert!(!can_exist(name), "{name}");
        }
        assert!(can_exist("team/api-fw") && can_exist("csscpolicies/patchpolicy"));
    }
}
