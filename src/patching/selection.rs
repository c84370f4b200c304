//! Which images a run of the workflow takes: the service's own rules, its quirks included.
//!
//! For each enabled repository the tags are grouped under the tag that is to be patched. Of each
//! group the newest patch is scanned, and the tag itself is patched.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use thiserror::Error;

use crate::patching::name_rules::{EVERY_TAG, LONGEST_TAG};
use crate::patching::policy::TagConvention;

/// The most images that a run takes; with more it fails, and nothing is patched.
pub(crate) const MOST_IMAGES: usize = 100;

/// The highest number of a patch; a patch run that is to pass it fails.
const LAST_PATCH: u32 = 999;

/// An image that a run takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Image {
    /// The tag that is patched.
    pub(crate) tag: String,
    /// Its newest patch, which is scanned instead of it.
    pub(crate) latest_patch: Option<String>,
}

/// What a run makes of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The images.
    pub(crate) images: BTreeSet<Image>,
    /// Tags that the policy names and the repository doesn't have.
    pub(crate) missing: BTreeSet<String>,
    /// Tags of the images that are not there themselves, but only patches of theirs, or what looks like
    /// patches: a run scans those, and can't patch.
    pub(crate) baseless: BTreeSet<String>,
    /// Tags that nobody has named, but that a name matches all the same, with that name: the
    /// service takes a name for a pattern in which a dot is any character.
    pub(crate) unnamed: BTreeMap<String, String>,
}

/// Why an image can't be patched any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoNextPatch {
    /// Its patches have had all the numbers.
    #[error("its patches have had every number up to {LAST_PATCH}")]
    Number,
    /// With what a patch adds to it, its tag is no tag.
    #[error("its patch tag would be longer than the {LONGEST_TAG} characters of a tag")]
    Length,
}

impl Image {
    /// The tag that is scanned.
    pub(crate) fn scanned(&self) -> &str {
        self.latest_patch.as_deref().unwrap_or(&self.tag)
    }

    /// The tag that the next patch gets, `3.11-3` or `3.11-patched`.
    ///
    /// # Errors
    /// Patching it would fail.
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

/// What a run takes of a repository that has the tags `present`, where the policy names `wanted`.
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

/// Every tag that doesn't look like a patch of either convention, and the patches of the
/// configured one.
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
        // A tag's grammar has one character that a pattern takes otherwise, the dot, and so
        // always makes a valid pattern. What is none comes from a policy of somebody else.
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

/// One image for each tag that is patched, with the one of its patches that has the highest number.
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

/// The tag that is patched: of a patch tag the one that it patches, of any other itself.
fn base_of(convention: TagConvention, tag: &str) -> &str {
    patch_of(convention, tag).map_or(tag, |(base, _)| base)
}

/// The tag that a patch tag of this convention patches, and the patch's number; 0 where it has
/// none. The service's own pattern: `-1` to `-999`, or `-patched` and any number.
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

    /// What is selected: `tag` or `tag <- latest patch`.
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
    fn every_tag_means_every_one_that_is_no_patch_of_either_convention() {
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
    fn a_dot_in_a_name_stands_for_any_character_and_that_is_told() {
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
    fn a_tag_that_is_not_there_is_missing() {
        let selection = select(
            TagConvention::Incremental,
            &set(&["3.12", "latest"]),
            &set(&TAGS),
        );
        assert_eq!(selection.missing, set(&["3.12"]));
        assert_eq!(selection.images.len(), 1);
    }

    #[test]
    fn a_name_that_is_no_tag_is_missing() {
        let selection = select(TagConvention::Incremental, &set(&["3.11("]), &set(&TAGS));
        assert_eq!(selection.missing, set(&["3.11("]));
        assert_eq!(selection.images.len(), 0);
    }

    /// What the next patch of a tag with this latest one is.
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
    fn a_patch_has_the_number_after_the_latest_and_a_floating_one_has_none() {
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
    fn what_can_not_be_patched_any_more_has_no_next_patch() {
        insta::assert_snapshot!(next(TagConvention::Incremental, "3.11", Some("3.11-999")), @"its patches have had every number up to 999");
        let long = "a".repeat(121);
        insta::assert_snapshot!(next(TagConvention::Floating, &long, None), @"its patch tag would be longer than the 128 characters of a tag");
        assert_eq!(
            next(TagConvention::Floating, &long[1..], None).len(),
            LONGEST_TAG
        );
    }

    #[test]
    fn what_nobody_has_named_is_patched_under_its_own_tag() {
        let present = set(&["3x11", "3x11-4"]);
        let select = |wanted: &[&str], present: &BTreeSet<String>| {
            select(TagConvention::Incremental, &set(wanted), present)
        };
        // A name that isn't there selects nothing.
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
    fn patches_of_a_tag_that_is_gone_or_never_was_are_an_image_all_the_same() {
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
        // A dot matches a hyphen, and what is behind it is a number then.
        let named = of(&["3.11"]);
        assert_eq!(named.baseless, set(&["3"]));
        let three = named.images.iter().find(|image| image.tag == "3").unwrap();
        assert_eq!(three.latest_patch.as_deref(), Some("3-11"));
        assert_eq!(named.unnamed["3"], "3.11");
    }
}
