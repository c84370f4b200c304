//! The images that a policy selects in a registry.
//!
//! [`Tags`] lists the tags of the repositories, and [`Selected`] computes the selection from them.

use std::collections::btree_map::Entry;
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
        let tags = stream::iter(enabled(repositories))
            .map(|name| async move {
                let tags = data_plane.list_tags(budget, &name).await?;
                Ok::<_, Error>((name, tags.map(BTreeSet::from_iter)))
            })
            .buffer_unordered(LOOKUPS_AT_ONCE)
            .try_collect();
        let mut tags: BTreeMap<_, _> = tags.await?;
        let enabled = repositories.iter().filter(|(_, it)| it.enabled);
        for (name, _) in enabled {
            tags.entry(name.clone()).or_default();
        }
        Ok(Self(tags))
    }
}

/// Returns the names of the enabled repositories that can exist.
pub(crate) fn enabled(repositories: &BTreeMap<String, Repository>) -> Vec<String> {
    let enabled = repositories.iter().filter(|(_, it)| it.enabled);
    let names = enabled.map(|(name, _)| name.clone());
    names.filter(|name| can_exist(name)).collect()
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
        let mut selected = Self {
            repositories: tags.0.iter().filter_map(select).collect(),
        };
        selected.drop_mistaken();
        selected
    }

    /// Drops the images that the service mistakes for images of an earlier repository. A policy lists its
    /// repositories in alphabetical order.
    fn drop_mistaken(&mut self) {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (name, selection) in &mut self.repositories {
            let Some(selection) = selection else {
                continue;
            };
            for image in std::mem::take(&mut selection.images) {
                match taken.entry(image.key(name)) {
                    Entry::Vacant(place) => {
                        place.insert(format!("{name}:{}", image.tag));
                        selection.images.insert(image);
                    }
                    Entry::Occupied(first) => {
                        selection.baseless.remove(&image.tag);
                        selection.unnamed.remove(&image.tag);
                        selection.mistaken.insert(image.tag, first.get().clone());
                    }
                }
            }
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

/// Says that the service mistakes an image for `image`, and how to avoid that.
pub(crate) fn mistaken(repository: &str, tag: &str, image: &str) -> String {
    format!(
        "The service mistakes {repository}:{tag} for {image}. It joins a repository and a tag with a hyphen, \
         which gives the same name for both. A run scans only {image}. Give one of them another tag or \
         another repository."
    )
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
    use serde::Deserialize;

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
    fn an_image_that_the_service_mistakes_for_another_is_not_selected() {
        let repository = |tags: &[&str]| Repository {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            enabled: true,
        };
        let policy = Policy {
            convention: TagConvention::Incremental,
            repositories: [
                ("app".to_owned(), repository(&["*"])),
                ("app-web".to_owned(), repository(&["*"])),
            ]
            .into(),
        };
        let tags = |tags: &[&str]| Some(tags.iter().map(|&tag| tag.to_owned()).collect());
        let of = |web: &[&str]| {
            let app = ("app".to_owned(), tags(&["web-1.0"]));
            let selected = Selected::of(
                &policy,
                &Tags([app, ("app-web".to_owned(), tags(web))].into()),
            );
            let mistaken = selected.repositories["app-web"].as_ref().unwrap();
            (selected.total(), mistaken.mistaken.clone())
        };
        let mistaken = BTreeMap::from([("1.0".to_owned(), "app:web-1.0".to_owned())]);
        assert_eq!(of(&["1.0", "2.0"]), (2, mistaken));
        // The latest patch tag is a part of the name.
        assert_eq!(of(&["1.0", "1.0-1"]), (2, BTreeMap::new()));
    }

    /// A policy, the tags of each repository, and the selection that the service's own program makes.
    #[derive(Debug, Deserialize)]
    struct Recorded {
        policy: serde_json::Value,
        tags: BTreeMap<String, BTreeSet<String>>,
        /// Whether the program rejects the policy, because a tag looks like a patch tag.
        #[serde(default)]
        rejected: bool,
        /// Each `repository,tag,latest patch tag`, with `N/A` for no patch tag.
        images: Vec<String>,
        /// Each `repository,tag`. A missing repository lists all tags of the policy.
        missing: BTreeSet<String>,
    }

    impl Recorded {
        /// Whether this provider selects the same.
        fn agrees(&self) -> bool {
            let Ok(policy) = Policy::parse(self.policy.to_string().as_bytes()) else {
                return self.rejected;
            };
            let enabled = policy.repositories.iter().filter(|(_, it)| it.enabled);
            let tags = enabled.map(|(name, _)| (name.clone(), self.tags.get(name).cloned()));
            let selected = Selected::of(&policy, &Tags(tags.collect()));
            let mut images: Vec<String> = selected
                .images()
                .map(|(name, image)| {
                    let latest = image.latest_patch.as_deref().unwrap_or("N/A");
                    format!("{name},{},{latest}", image.tag)
                })
                .collect();
            images.sort();
            let missing = selected.repositories.iter().flat_map(|(name, selection)| {
                let tags = match selection {
                    Some(selection) => &selection.missing,
                    None => &policy.repositories[name].tags,
                };
                tags.iter().map(move |tag| format!("{name},{tag}"))
            });
            // Next to other tags, `*` is a tag that can't exist. A policy needn't keep it.
            let is_tag = |row: &String| !row.ends_with(",*");
            let missing: BTreeSet<String> = missing.filter(is_tag).collect();
            images == self.images
                && missing
                    .iter()
                    .eq(self.missing.iter().filter(|row| is_tag(row)))
        }
    }

    #[test]
    fn the_selection_is_the_one_of_the_services_own_program() {
        let recorded = include_str!("../../tests/golden/image-selections.json");
        let recorded: Vec<Recorded> = serde_json::from_str(recorded).unwrap();
        assert_eq!(recorded.len(), 500);
        for row in recorded {
            assert!(row.agrees(), "{row:?}");
        }
    }

    #[test]
    fn only_valid_repository_names_are_looked_up() {
        for name in ["", "Python", "a b", "../x", "a?n=1"] {
            assert!(!can_exist(name), "{name}");
        }
        assert!(can_exist("team/api-fw") && can_exist("csscpolicies/patchpolicy"));
    }
}
