//! Selection of images by a policy, with the service's own rules, including its unescaped dot.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

/// The maximum number of images in one run.
pub(crate) const LIMIT: usize = 100;

/// The policy document as the service reads it.
#[derive(Debug, Deserialize)]
pub(crate) struct Policy {
    version: String,
    #[serde(rename = "tag-convention", default)]
    pub(crate) convention: Convention,
    repositories: Vec<Wanted>,
}

/// The tag convention of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Convention {
    #[default]
    Incremental,
    Floating,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    repository: String,
    tags: Vec<String>,
    enabled: Option<bool>,
}

/// The result of applying a policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) images: Vec<Image>,
    /// Each missing `repository,tag`. A missing repository lists all tags of the policy.
    pub(crate) not_found: Vec<String>,
}

/// A base tag with its latest patch tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) latest_patch: Option<String>,
}

impl Policy {
    /// Parses and checks a policy document.
    ///
    /// # Errors
    /// The first problem in the document.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let policy: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if policy.version != "v1" {
            return Err("Version is required in the filter and should be v1".to_owned());
        }
        if policy.repositories.is_empty() {
            return Err("At least one repository is required in the filter".to_owned());
        }
        for wanted in &policy.repositories {
            if wanted.repository.is_empty()
                || wanted.tags.is_empty()
                || wanted.tags.iter().any(String::is_empty)
            {
                return Err("Repository and tags are required in the filter".to_owned());
            }
            if let Some(tag) = wanted.tags.iter().find(|tag| looks_like_patch(tag)) {
                return Err(format!(
                    "Tag {tag} of repository {} looks like a patch tag",
                    wanted.repository
                ));
            }
        }
        Ok(policy)
    }

    /// Applies the policy to the tags of each repository.
    pub(crate) fn select(&self, tags: &BTreeMap<String, Vec<String>>) -> Selection {
        let mut selection = Selection {
            images: Vec::new(),
            not_found: Vec::new(),
        };
        let mut keys = BTreeSet::new();
        let enabled = |wanted: &&Wanted| wanted.enabled.unwrap_or(true);
        for wanted in self.repositories.iter().filter(enabled) {
            let repository = &wanted.repository;
            let missing = |tag| format!("{repository},{tag}");
            let Some(tags) = tags.get(repository) else {
                selection.not_found.extend(wanted.tags.iter().map(missing));
                continue;
            };
            let mut matching: Vec<&str> = Vec::new();
            if wanted.tags == ["*"] {
                matching.extend(tags.iter().map(String::as_str));
            } else {
                for tag in &wanted.tags {
                    if tags.contains(tag) {
                        let there = tags.iter().map(String::as_str);
                        matching.extend(there.filter(|there| self.matches(tag, there)));
                    } else {
                        selection.not_found.push(missing(tag));
                    }
                }
            }
            let images = self.grouped(repository, &matching);
            // The service forgets that the parts of a key may contain hyphens.
            let is_new = |image: &Image| keys.insert(image.row("-"));
            selection.images.extend(images.into_iter().filter(is_new));
        }
        selection
    }

    fn matches(&self, wanted: &str, there: &str) -> bool {
        // The service does not escape the tag, so a dot matches any character.
        let pattern = match self.convention {
            Convention::Incremental => format!(r"^{wanted}(-[1-9]\d{{0,2}})?$"),
            Convention::Floating => format!(r"^{wanted}(-patched\d*)?$"),
        };
        Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(there))
    }

    /// Returns one image per base tag, with its highest patch tag. It ignores the other convention's patch
    /// tags.
    fn grouped(&self, repository: &str, tags: &[&str]) -> Vec<Image> {
        let mut latest: BTreeMap<&str, Option<(u32, &str)>> = BTreeMap::new();
        for tag in tags {
            let (base, number) = self.split(tag);
            if number.is_none() && looks_like_patch(tag) {
                continue;
            }
            let known = latest.entry(base).or_default();
            *known = (*known).max(number.map(|number| (number, *tag)));
        }
        let image = |(base, patch): (&str, Option<(u32, &str)>)| Image {
            repository: repository.to_owned(),
            tag: base.to_owned(),
            latest_patch: patch.map(|(_, tag)| tag.to_owned()),
        };
        latest.into_iter().map(image).collect()
    }

    /// Returns the base tag and, for a patch tag of this convention, the patch number.
    fn split<'tag>(&self, tag: &'tag str) -> (&'tag str, Option<u32>) {
        match self.convention {
            Convention::Incremental => match tag.rsplit_once('-') {
                Some((base, number)) if !base.is_empty() && is_patch_number(number) => {
                    (base, number.parse().ok())
                }
                _ => (tag, None),
            },
            Convention::Floating => match tag.strip_suffix("-patched") {
                Some(base) if !base.is_empty() => (base, Some(0)),
                _ => (tag, None),
            },
        }
    }
}

impl Image {
    /// Returns the repository, the tag, and the latest patch tag or `N/A`, with a separator.
    pub(crate) fn row(&self, separator: &str) -> String {
        let latest = self.latest_patch.as_deref().unwrap_or("N/A");
        [&self.repository, &self.tag, latest].join(separator)
    }
}

impl Convention {
    /// Returns the convention in the policy document's spelling.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Floating => "floating",
        }
    }

    /// Returns the suffix of the next patch tag.
    pub(crate) fn next(self, image: &Image) -> String {
        match self {
            Self::Floating => "patched".to_owned(),
            Self::Incremental => {
                let latest = image
                    .latest_patch
                    .as_deref()
                    .and_then(|tag| tag.rsplit_once('-'));
                let number: u32 = latest
                    .and_then(|(_, number)| number.parse().ok())
                    .unwrap_or(0);
                (number + 1).to_string()
            }
        }
    }
}

/// Returns whether a tag looks like a patch tag of either convention: `-1` to `-999`, or `-patched`.
fn looks_like_patch(tag: &str) -> bool {
    tag.ends_with("-patched")
        || tag
            .rsplit_once('-')
            .is_some_and(|(_, number)| is_patch_number(number))
}

fn is_patch_number(text: &str) -> bool {
    (1..=3).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(policy: &str, tags: &[&str]) -> Vec<String> {
        let tags = BTreeMap::from([(
            "python".to_owned(),
            tags.iter().map(|tag| (*tag).to_owned()).collect(),
        )]);
        let selection = Policy::parse(policy.as_bytes()).unwrap().select(&tags);
        let image = |image: Image| {
            format!(
                "{},{}",
                image.tag,
                image.latest_patch.unwrap_or_else(|| "N/A".into())
            )
        };
        selection
            .images
            .into_iter()
            .map(image)
            .chain(selection.not_found)
            .collect()
    }

    fn policy(convention: &str, tags: &str) -> String {
        format!(
            r#"{{"version":"v1","tag-convention":"{convention}","repositories":[{{"repository":"python","tags":{tags}}}]}}"#
        )
    }

    /// A policy, the tags of each repository, and what acr-cli answers.
    #[derive(Debug, Deserialize)]
    struct Recorded {
        policy: serde_json::Value,
        tags: BTreeMap<String, Vec<String>>,
        /// Whether acr-cli rejects the policy before it lists tags.
        #[serde(default)]
        rejected: bool,
        images: Vec<String>,
        missing: BTreeSet<String>,
    }

    impl Recorded {
        fn agrees(&self) -> bool {
            let Ok(policy) = Policy::parse(self.policy.to_string().as_bytes()) else {
                return self.rejected;
            };
            let selection = policy.select(&self.tags);
            let mut images: Vec<String> = selection
                .images
                .iter()
                .map(|image| image.row(","))
                .collect();
            images.sort();
            let missing = selection.not_found.into_iter();
            !self.rejected
                && images == self.images
                && missing.collect::<BTreeSet<_>>() == self.missing
        }
    }

    #[test]
    fn the_selection_is_the_one_of_acr_cli() {
        let recorded = include_str!("../../golden/image-selections.json");
        let recorded: Vec<Recorded> = serde_json::from_str(recorded).unwrap();
        assert_eq!(recorded.len(), 500);
        for row in recorded {
            assert!(row.agrees(), "{row:?}");
        }
    }

    #[test]
    fn the_latest_patch_has_the_highest_number() {
        let found = select(
            &policy("incremental", r#"["3.11"]"#),
            &["3.11", "3.11-2", "3.11-10", "3.12"],
        );
        assert_eq!(found, ["3.11,3.11-10"]);
    }

    #[test]
    fn a_dot_matches_any_character_as_in_the_service() {
        let found = select(
            &policy("incremental", r#"["3.11"]"#),
            &["3.11", "3x11", "3x11-1"],
        );
        assert_eq!(found, ["3.11,N/A", "3x11,3x11-1"]);
    }

    #[test]
    fn a_star_selects_base_tags_and_patches_of_its_convention() {
        let tags = ["1", "1-1", "1-patched", "2-1000"];
        assert_eq!(
            select(&policy("incremental", r#"["*"]"#), &tags),
            ["1,1-1", "2-1000,N/A"]
        );
        assert_eq!(
            select(&policy("floating", r#"["*"]"#), &tags),
            ["1,1-patched", "2-1000,N/A"]
        );
    }

    #[test]
    fn a_missing_tag_is_reported_and_skipped() {
        assert_eq!(
            select(&policy("incremental", r#"["1","9"]"#), &["1"]),
            ["1,N/A", "python,9"]
        );
    }

    #[test]
    fn a_star_among_others_is_a_missing_tag() {
        let found = select(&policy("incremental", r#"["*","1"]"#), &["1", "2"]);
        assert_eq!(found, ["1,N/A", "python,*"]);
    }

    #[test]
    fn the_other_conventions_patches_are_no_images() {
        let tags = ["3.11", "3-11", "3.11-patched", "3.11-patched7"];
        assert_eq!(
            select(&policy("floating", r#"["3.11"]"#), &tags),
            ["3.11,3.11-patched", "3.11-patched7,N/A"]
        );
        assert_eq!(
            select(&policy("incremental", r#"["3.11"]"#), &tags),
            ["3,3-11", "3.11,N/A"]
        );
    }

    #[test]
    fn an_invalid_policy_is_rejected() {
        assert!(Policy::parse(policy("incremental", r#"["1-1"]"#).as_bytes()).is_err());
        assert!(Policy::parse(policy("Incremental", r#"["1"]"#).as_bytes()).is_err());
    }
}
