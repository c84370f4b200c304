//! Selects the images of a run by the service's own rules, including their quirks.
//!
//! It groups the tags of each enabled repository by the tag to patch. A run scans the newest patch of
//! each group, and patches the tag itself.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use thiserror::Error;

use crate::patching::name_rules::{EVERY_TAG, LONGEST_TAG};
use crate::patching::policy::TagConvention;

/// The maximum number of images of a run. With more, the run fails and patches nothing.
pub(crate) const MOST_IMAGES: usize = 100;

/// The highest patch number. A patch run that would exceed it fails.
const LAST_PATCH: u32 = 999;

/// A selected image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Image {
    /// The tag to patch.
    pub(crate) tag: String,
    /// The newest patch of the tag, which is scanned instead of the tag.
    pub(crate) latest_patch: Option<String>,
}

/// The selection in one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The selected images.
    pub(crate) images: BTreeSet<Image>,
    /// The tags that the policy names but the repository doesn't have.
    pub(crate) missing: BTreeSet<String>,
    /// The tags to patch that don't exist, although patches of them, or tags that look like patches,
    /// exist. A run scans those tags but can't patch.
    pub(crate) baseless: BTreeSet<String>,
    /// The tags that the policy doesn't name but a name still matches, each with that name. The service
    /// reads a name as a pattern in which a dot matches any character.
    pub(crate) unnamed: BTreeMap<String, String>,
}

/// Why an image can't be patched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoNextPatch {
    /// The patch numbers are used up.
    #[error("its patch tags have used every number up to {LAST_PATCH}")]
    Number,
    /// The patch tag would exceed the maximum length of a tag.
    #[error("its patch tag would exceed {LONGEST_TAG} characters")]
    Length,
}

impl Image {
    /// Returns the tag to scan.
    pub(crate) fn scanned(&self) -> &str {
        self.latest_patch.as_deref().unwrap_or(&self.tag)
    }

    /// Returns the tag of the next patch, such as `3.11-3` or `3.11-patched`.
    ///
    /// # Errors
    /// If patching would fail.
    pub(crate) fn next_patch(&self, convention: TagConvention) -> Result<String, NoNextPatch> {
        let latest = self.latest_patch.as_deref();
        let latest = latest.and_then(|tag| patch_of(convention, tag));
        let end = match convention {
            TagConvention::Floating => "patched".to_owned(),
            TagConvention::Incremental => match latest.map_or(1, |(_, number)| number + 1) {
                number if number > LAST_PATCH => return Err(NoNextPatch::Number),
                number => number.to_string(),
            },
        };
        let tag = format!("{}-{end}", self.tag);
        (tag.len() <= LONGEST_TAG)
            .then_some(tag)
            .ok_or(NoNextPatch::Length)
    }
}

/// Selects from a repository with the tags `present`, for a policy that names the tags `wanted`.
pub(crate) fn select(
    convention: TagConvention,
    wanted: &BTreeSet<String>,
    present: &BTreeSet<String>,
) -> Selection {
    if wanted.contains(EVERY_TAG) {
        every(convention, present)
    } else {
        named(convention, wanted, present)
    }
}

/// Selects every tag that doesn't look like a patch of either convention, and the patches of the
/// configured convention.
fn every(convention: TagConvention, present: &BTreeSet<String>) -> Selection {
    let is_taken =
        |tag: &&str| patched_by_any(tag).is_none() || patch_of(convention, tag).is_some();
    let taken = present.iter().map(String::as_str).filter(is_taken);
    let images = grouped(convention, taken);
    Selection {
        baseless: baseless(&images, present),
        images,
        ..Selection::default()
    }
}

fn named(
    convention: TagConvention,
    wanted: &BTreeSet<String>,
    present: &BTreeSet<String>,
) -> Selection {
    let mut selection = Selection::default();
    let mut taken = BTreeSet::new();
    for name in wanted {
        if !present.contains(name) {
            selection.missing.insert(name.clone());
            continue;
        }
        let suffix = match convention {
            TagConvention::Incremental => r"(-[1-9]\d{0,2})?",
            TagConvention::Floating => r"(-patched\d*)?",
        };
        // A valid tag has only one special character, the dot, so it is always a valid pattern. An
        // invalid pattern comes from a policy that another tool wrote.
        let Ok(pattern) = Regex::new(&format!("^{name}{suffix}$")) else {
            continue;
        };
        for tag in present.iter().filter(|tag| pattern.is_match(tag)) {
            let base = base_of(convention, tag);
            if base != name && !wanted.contains(base) {
                selection.unnamed.insert(base.to_owned(), name.clone());
            }
            taken.insert(tag.as_str());
        }
    }
    selection.images = grouped(convention, taken);
    selection.baseless = baseless(&selection.images, present);
    selection
}

/// Groups tags into images. The patch with the highest number is the newest.
fn grouped<'a>(
    convention: TagConvention,
    tags: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<Image> {
    let mut latest: BTreeMap<&str, Option<(u32, &str)>> = BTreeMap::new();
    for tag in tags {
        let patch = patch_of(convention, tag).map(|(_, number)| (number, tag));
        let known = latest.entry(base_of(convention, tag)).or_default();
        *known = patch.max(*known);
    }
    let image = |(base, patch): (&str, Option<(u32, &str)>)| Image {
        tag: base.to_owned(),
        latest_patch: patch.map(|(_, tag)| tag.to_owned()),
    };
    latest.into_iter().map(image).collect()
}

fn baseless(images: &BTreeSet<Image>, present: &BTreeSet<String>) -> BTreeSet<String> {
    let tags = images.iter().map(|image| &image.tag);
    tags.filter(|tag| !present.contains(*tag))
        .cloned()
        .collect()
}

/// Returns the tag to patch: the base of a patch tag, or any other tag itself.
fn base_of(convention: TagConvention, tag: &str) -> &str {
    patch_of(convention, tag).map_or(tag, |(base, _)| base)
}

/// Returns the base of a patch tag of this convention, and the patch's number, or 0 without a number. The
/// service's own pattern is `-1` to `-999`, or `-patched` with an optional number.
pub(crate) fn patch_of(convention: TagConvention, tag: &str) -> Option<(&str, u32)> {
    let (base, end) = tag.rsplit_once('-')?;
    let number = match convention {
        TagConvention::Incremental => {
            let plain = (1..=3).contains(&end.len()) && !end.starts_with('0');
            digits(end).filter(|_| plain)?
        }
        TagConvention::Floating => {
            let number = end.strip_prefix("patched")?;
            if number.is_empty() {
                0
            } else {
                digits(number)?
            }
        }
    };
    (!base.is_empty()).then_some((base, number))
}

fn patched_by_any(tag: &str) -> Option<(&str, u32)> {
    TagConvention::ALL
        .into_iter()
        .find_map(|convention| patch_of(convention, tag))
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(tags: &[&str]) -> BTreeSet<String> {
        tags.iter().map(|&tag| tag.to_owned()).collect()
    }

    /// Returns the selection as `tag` or `tag <- latest patch`.
    fn selected(convention: TagConvention, wanted: &[&str], present: &[&str]) -> Vec<String> {
        select(convention, &set(wanted), &set(present))
            .images
            .iter()
            .map(|image| match &image.latest_patch {
                None => image.tag.clone(),
                Some(patch) => format!("{} <- {patch}", image.tag),
            })
            .collect()
    }

    const TAGS: [&str; 9] = [
        "3.11",
        "3.11-1",
        "3.11-2",
        "3.11-10",
        "3.11-patched",
        "3.11-0",
        "3.11-1000",
        "latest",
        "3x11",
    ];

    #[test]
    fn the_newest_patch_is_the_one_with_the_highest_number() {
        assert_eq!(
            selected(TagConvention::Incremental, &["latest"], &TAGS),
            ["latest"]
        );
        let named = selected(
            TagConvention::Incremental,
            &["3.11"],
            &["3.11", "3.11-2", "3.11-10"],
        );
        assert_eq!(named, ["3.11 <- 3.11-10"]);
        let floating = selected(
            TagConvention::Floating,
            &["3.11"],
            &["3.11", "3.11-2", "3.11-patched"],
        );
        assert_eq!(floating, ["3.11 <- 3.11-patched"]);
    }

    #[test]
    fn every_tag_excludes_patches_of_both_conventions() {
        assert_eq!(
            selected(TagConvention::Incremental, &["*"], &TAGS),
            ["3.11 <- 3.11-10", "3.11-0", "3.11-1000", "3x11", "latest"]
        );
        assert_eq!(
            selected(TagConvention::Floating, &["*"], &TAGS),
            [
                "3.11 <- 3.11-patched",
                "3.11-0",
                "3.11-1000",
                "3x11",
                "latest"
            ]
        );
    }

    #[test]
    fn reports_tags_that_match_only_because_of_a_dot() {
        let selection = select(TagConvention::Incremental, &set(&["3.11"]), &set(&TAGS));
        assert_eq!(
            selection.unnamed,
            BTreeMap::from([("3x11".to_owned(), "3.11".to_owned())])
        );
        let both = select(
            TagConvention::Incremental,
            &set(&["3.11", "3x11"]),
            &set(&TAGS),
        );
        assert_eq!(both.unnamed, BTreeMap::new());
        assert_eq!(both.images, selection.images);
    }

    #[test]
    fn a_tag_that_does_not_exist_is_missing() {
        let selection = select(
            TagConvention::Incremental,
            &set(&["3.12", "latest"]),
            &set(&TAGS),
        );
        assert_eq!(selection.missing, set(&["3.12"]));
        assert_eq!(selection.images.len(), 1);
    }

    #[test]
    fn an_invalid_tag_is_missing() {
        let selection = select(TagConvention::Incremental, &set(&["3.11("]), &set(&TAGS));
        assert_eq!(selection.missing, set(&["3.11("]));
        assert_eq!(selection.images.len(), 0);
    }

    /// Returns the next patch tag, or the reason why no next patch is possible.
    fn next(convention: TagConvention, tag: &str, latest: Option<&str>) -> String {
        let image = Image {
            tag: tag.to_owned(),
            latest_patch: latest.map(str::to_owned),
        };
        image
            .next_patch(convention)
            .unwrap_or_else(|none| none.to_string())
    }

    #[test]
    fn the_next_patch_has_the_next_number_or_is_floating() {
        for (latest, incremental) in [
            (None, "3.11-1"),
            (Some("3.11-1"), "3.11-2"),
            (Some("3.11-10"), "3.11-11"),
            (Some("3.11-998"), "3.11-999"),
        ] {
            let tag = next(TagConvention::Incremental, "3.11", latest);
            assert_eq!(tag, incremental);
        }
        for latest in [None, Some("3.11-patched"), Some("3.11-patched7")] {
            let tag = next(TagConvention::Floating, "3.11", latest);
            assert_eq!(tag, "3.11-patched");
        }
        let ordinary = next(TagConvention::Incremental, "3.11-1000", None);
        assert_eq!(ordinary, "3.11-1000-1");
    }

    #[test]
    fn an_image_without_a_valid_next_tag_has_no_next_patch() {
        insta::assert_snapshot!(next(TagConvention::Incremental, "3.11", Some("3.11-999")), @"its patch tags have used every number up to 999");
        let long = "a".repeat(121);
        insta::assert_snapshot!(next(TagConvention::Floating, &long, None), @"its patch tag would exceed 128 characters");
        assert_eq!(
            next(TagConvention::Floating, &long[1..], None).len(),
            LONGEST_TAG
        );
    }

    #[test]
    fn an_unnamed_match_is_patched_under_its_own_tag() {
        let present = set(&["3x11", "3x11-4"]);
        let select = |wanted: &[&str], present: &BTreeSet<String>| {
            select(TagConvention::Incremental, &set(wanted), present)
        };
        // A name that doesn't exist selects nothing.
        assert_eq!(
            select(&["3.11"], &present),
            Selection {
                missing: set(&["3.11"]),
                ..Selection::default()
            }
        );
        let mut selection = select(&["3.11"], &set(&["3.11", "3x11", "3x11-4"]));
        selection.images.retain(|image| image.tag != "3.11");
        let next: Vec<_> = selection
            .images
            .iter()
            .map(|image| image.next_patch(TagConvention::Incremental))
            .collect();
        assert_eq!(next, [Ok("3x11-5".to_owned())]);
    }

    #[test]
    fn patches_without_a_base_tag_are_still_selected() {
        let present = set(&["build-9", "build-10", "3.11", "3-11", "3-20"]);
        let of = |wanted: &[&str]| select(TagConvention::Incremental, &set(wanted), &present);
        assert_eq!(
            selected(
                TagConvention::Incremental,
                &["*"],
                &["build-9", "build-10", "1-patched"]
            ),
            ["build <- build-10"]
        );
        assert_eq!(of(&["*"]).baseless, set(&["3", "build"]));
        // A dot matches a hyphen, and the digits after the hyphen then look like a patch number.
        let named = of(&["3.11"]);
        assert_eq!(named.baseless, set(&["3"]));
        let three = named.images.iter().find(|image| image.tag == "3").unwrap();
        assert_eq!(three.latest_patch.as_deref(), Some("3-11"));
        assert_eq!(named.unnamed["3"], "3.11");
    }
}
