//! Selects the images of a run by the service's own rules, including their quirks.
//!
//! It groups the tags of each enabled repository by the tag to patch. A run scans the newest patch of
//! each group, and patches the tag itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

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
pub struct Selection {
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
    /// The tags whose images the service mistakes for images of an earlier repository, each with that
    /// image as `<repository>:<tag>`. No run takes them.
    pub(crate) mistaken: BTreeMap<String, String>,
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

    /// Returns the text by which the service recognises an image that it has already selected. Two
    /// images can have the same text, such as `app:web-1.0` and `app-web:1.0`.
    pub(crate) fn key(&self, repository: &str) -> String {
        let latest = self.latest_patch.as_deref().unwrap_or("N/A");
        format!("{repository}-{}-{latest}", self.tag)
    }

    /// Returns the tag of the next patch, such as `3.11-3` or `3.11-patched`.
    ///
    /// # Errors
    /// If patching would fail.
    pub(crate) fn next_patch(&self, convention: TagConvention) -> Result<String, NoNextPatch> {
        let latest = self.latest_patch.as_deref();
        let number = latest.and_then(|tag| patch_of(convention, tag)?.1);
        let end = match convention {
            TagConvention::Floating => "patched".to_owned(),
            TagConvention::Incremental => match number.map_or(1, |number| number + 1) {
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
///
/// Only a `*` without other tags means every tag. Next to others, it is a tag that can't exist.
#[must_use]
pub fn select(
    convention: TagConvention,
    wanted: &BTreeSet<String>,
    present: &BTreeSet<String>,
) -> Selection {
    let mut selection = Selection::default();
    if wanted.len() == 1 && wanted.contains(EVERY_TAG) {
        selection.images = grouped(convention, present.iter().map(String::as_str));
    } else {
        selection = named(convention, wanted, present);
    }
    let tags = selection.images.iter().map(|image| &image.tag);
    let baseless = tags.filter(|tag| !present.contains(*tag)).cloned();
    selection.baseless = baseless.collect();
    selection
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
        // The tags are sorted. Only those that begin with the name's text before its first dot can match.
        let literal = name.split('.').next().unwrap_or_default();
        let alike = present.range::<str, _>((Bound::Included(literal), Bound::Unbounded));
        for tag in alike.take_while(|tag| tag.starts_with(literal)) {
            if !after_name(name, tag).is_some_and(|rest| is_suffix(convention, rest)) {
                continue;
            }
            let Some(base) = base_of(convention, tag) else {
                continue;
            };
            if base != name && !wanted.contains(base) {
                selection.unnamed.insert(base.to_owned(), name.clone());
            }
            taken.insert(tag.as_str());
        }
    }
    selection.images = grouped(convention, taken);
    selection
}

/// Returns the rest of a tag that begins with a name. The service reads the name as a pattern, in which a dot
/// matches any character except a line break. A tag has no other special character.
fn after_name<'a>(name: &str, tag: &'a str) -> Option<&'a str> {
    let mut rest = tag.chars();
    for wanted in name.chars() {
        let found = rest.next()?;
        if found != wanted && (wanted != '.' || found == '\n') {
            return None;
        }
    }
    Some(rest.as_str())
}

/// Whether a name matches a tag with this rest: a patch's suffix, or none. The service's pattern for a floating
/// suffix also allows a number.
fn is_suffix(convention: TagConvention, rest: &str) -> bool {
    let is_patch = |rest: &str| match convention {
        TagConvention::Incremental => {
            let number = rest.strip_prefix('-').and_then(patch_number);
            number.is_some()
        }
        TagConvention::Floating => rest
            .strip_prefix("-patched")
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())),
    };
    rest.is_empty() || is_patch(rest)
}

/// Groups tags into images. The patch with the highest number is the newest. A patch of the other
/// convention is not an image, whatever selects it.
fn grouped<'a>(
    convention: TagConvention,
    tags: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<Image> {
    let mut latest: BTreeMap<&str, Option<(Option<u32>, &str)>> = BTreeMap::new();
    for tag in tags {
        let Some(base) = base_of(convention, tag) else {
            continue;
        };
        let patch = patch_of(convention, tag).map(|(_, number)| (number, tag));
        let known = latest.entry(base).or_default();
        *known = patch.max(*known);
    }
    let image = |(base, patch): (&str, Option<(Option<u32>, &str)>)| Image {
        tag: base.to_owned(),
        latest_patch: patch.map(|(_, tag)| tag.to_owned()),
    };
    latest.into_iter().map(image).collect()
}

/// Returns the tag to patch: the base of a patch tag, or any other tag itself. [`None`] for a patch tag of
/// the other convention.
fn base_of(convention: TagConvention, tag: &str) -> Option<&str> {
    let is_patch = |convention| patch_of(convention, tag).is_some();
    match patch_of(convention, tag) {
        Some((base, _)) => Some(base),
        None => (!TagConvention::ALL.into_iter().any(is_patch)).then_some(tag),
    }
}

/// Returns the base of a patch tag of this convention, and the patch's number. The service's own patterns
/// are `-1` to `-999`, and `-patched` without a number.
pub(crate) fn patch_of(convention: TagConvention, tag: &str) -> Option<(&str, Option<u32>)> {
    let (base, end) = tag.rsplit_once('-')?;
    let number = match convention {
        TagConvention::Incremental => Some(patch_number(end)?),
        TagConvention::Floating if end == "patched" => None,
        TagConvention::Floating => return None,
    };
    (!base.is_empty()).then_some((base, number))
}

fn patch_number(text: &str) -> Option<u32> {
    let is_plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain)?;
    (number <= LAST_PATCH).then_some(number)
}

#[cfg(test)]
mod tests;
