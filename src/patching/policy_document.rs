//! Reads a policy's document as the service does: the task's program reads it with Go's `encoding/json`,
//! and then checks it.
//!
//! The service reads a repository that is listed twice as two entries. A [`Policy`] has one entry, which
//! selects the same images.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry as Place};

use serde::de::MapAccess;
use thiserror::Error;

use crate::patching::go_json::{self, Record, skip, value};
use crate::patching::name_rules::{EVERY_TAG, is_patch_tag};
use crate::patching::policy::{Policy, Repository, TagConvention, TagConventionError, VERSION};

/// Why a document is not a policy.
#[derive(Debug, Error)]
pub(crate) enum PolicyError {
    /// It is not JSON, or has another shape.
    #[error("it is not a policy document: {0}")]
    Shape(#[from] serde_json::Error),
    /// The version is not supported.
    #[error("its version is {0:?}, but only {VERSION:?} is supported")]
    Version(String),
    /// The tag convention is unknown.
    #[error("its tag convention {0}")]
    Convention(#[from] TagConventionError),
    /// It lists no repository.
    #[error("it lists no repository")]
    NoRepository,
    /// An entry has no name.
    #[error("it lists a repository without a name")]
    NoName,
    /// A repository has no tags.
    #[error("the repository {0:?} has no tags")]
    NoTags(String),
    /// A tag is empty.
    #[error("the repository {0:?} has an empty tag")]
    EmptyTag(String),
    /// A tag looks like a patch tag.
    #[error("the tag {tag:?} of the repository {repository:?} looks like a patch tag")]
    PatchTag {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// The service reads the list, but selects nothing with it. No attribute can express that.
    #[error(
        "the repository {0:?} lists \"*\" more than once. The service then selects nothing, which \
         `repositories` can't express"
    )]
    OnlyEveryTag(String),
}

/// The document as Go reads it. A missing value is empty.
#[derive(Debug, Default)]
struct Document {
    version: String,
    convention: String,
    repositories: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    repository: String,
    tags: Vec<String>,
    enabled: Option<bool>,
}

impl Record for Document {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: &str, from: &mut M) -> Result<(), M::Error> {
        match key {
            "version" => value(from, &mut self.version),
            "tag-convention" => value(from, &mut self.convention),
            "repositories" => value(from, &mut self.repositories),
            _ => skip(from),
        }
    }
}

impl Record for Entry {
    fn read<'de, M: MapAccess<'de>>(&mut self, key: &str, from: &mut M) -> Result<(), M::Error> {
        match key {
            "repository" => value(from, &mut self.repository),
            "tags" => value(from, &mut self.tags),
            "enabled" => value(from, &mut self.enabled),
            _ => skip(from),
        }
    }
}

impl Policy {
    /// Parses a document as the service does.
    ///
    /// # Errors
    /// The service rejects the document, or a policy can't express it.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, PolicyError> {
        let document: Document = go_json::parse(document)?;
        if document.version != VERSION {
            return Err(PolicyError::Version(document.version));
        }
        if document.repositories.is_empty() {
            return Err(PolicyError::NoRepository);
        }
        let convention = match document.convention.as_str() {
            "" => TagConvention::default(),
            word => word.parse()?,
        };
        let mut repositories: BTreeMap<String, Repository> = BTreeMap::new();
        for entry in document.repositories {
            entry.check()?;
            let (name, repository) = entry.into_repository();
            match repositories.entry(name) {
                Place::Vacant(place) => {
                    place.insert(repository);
                }
                Place::Occupied(mut first) => first.get_mut().merge(repository),
            }
        }
        let mut named = repositories.iter();
        match named.find(|(_, repository)| repository.tags.is_empty()) {
            Some((name, _)) => Err(PolicyError::OnlyEveryTag(name.clone())),
            None => Ok(Self {
                convention,
                repositories,
            }),
        }
    }
}

impl Entry {
    /// Checks what the service checks.
    fn check(&self) -> Result<(), PolicyError> {
        let repository = || self.repository.clone();
        if self.repository.is_empty() {
            return Err(PolicyError::NoName);
        }
        if self.tags.is_empty() {
            return Err(PolicyError::NoTags(repository()));
        }
        for tag in &self.tags {
            if tag.is_empty() {
                return Err(PolicyError::EmptyTag(repository()));
            }
            if is_reserved(tag) {
                return Err(PolicyError::PatchTag {
                    repository: repository(),
                    tag: tag.clone(),
                });
            }
        }
        Ok(())
    }

    /// Returns the name and the tags that select something. `*` means every tag only if it is alone. In a
    /// longer list it is a tag of that name, which can't exist.
    fn into_repository(self) -> (String, Repository) {
        let enabled = self.enabled.unwrap_or(true);
        let alone = self.tags.len() == 1;
        let selects = |tag: &String| alone || tag != EVERY_TAG;
        let mut tags: BTreeSet<String> = self.tags.into_iter().filter(selects).collect();
        if tags.is_empty() && !enabled {
            tags.insert(EVERY_TAG.to_owned());
        }
        (self.repository, Repository { tags, enabled })
    }
}

impl Repository {
    /// Adds another entry of the same repository. A disabled entry selects nothing, so it only counts if
    /// no entry is enabled.
    fn merge(&mut self, other: Self) {
        if self.enabled == other.enabled {
            self.tags.extend(other.tags);
            if self.tags.contains(EVERY_TAG) {
                self.tags.retain(|tag| tag == EVERY_TAG);
            }
        } else if other.enabled {
            *self = other;
        }
    }
}

impl PolicyError {
    /// Whether the service accepts the document, and only this provider can't express it.
    pub(crate) const fn is_own_limit(&self) -> bool {
        matches!(self, Self::OnlyEveryTag(_))
    }
}

/// Whether the service refuses the tag: it ends in `-1` to `-999` or in `-patched`. The Azure CLI also
/// refuses `-0` and numbers with leading zeros.
fn is_reserved(tag: &str) -> bool {
    let zero = tag
        .rsplit_once('-')
        .is_some_and(|(_, end)| end.starts_with('0'));
    is_patch_tag(tag) && !zero
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns each repository on a line: `name: tags`, or `name off: tags`.
    fn read(document: &str) -> String {
        let policy = match Policy::parse(document.as_bytes()) {
            Ok(policy) => policy,
            Err(error) => return format!("own limit: {}: {error}", error.is_own_limit()),
        };
        let line = |(name, repository): (&String, &Repository)| {
            let off = if repository.enabled { "" } else { " off" };
            let tags: Vec<&str> = repository.tags.iter().map(String::as_str).collect();
            format!("{name}{off}: {}", tags.join(" "))
        };
        let lines = policy.repositories.iter().map(line);
        let lines: Vec<String> = std::iter::once(policy.convention.to_string())
            .chain(lines)
            .collect();
        lines.join("\n")
    }

    fn entries(entries: &str) -> String {
        read(&format!(r#"{{"version":"v1","repositories":[{entries}]}}"#))
    }

    #[test]
    fn keys_have_no_letter_case_and_empty_values_are_defaults() {
        let documents = [
            r#"{"VERSION":"v1","Tag-Convention":"floating","more":1,"Repositories":[{"Repository":"a","TAGS":["1"],"Enabled":false,"owner":"me"}]}"#,
            r#"{"version":"v1","tag-convention":"","repositories":[{"repository":"a","tags":["1"],"enabled":null}]}"#,
            r#"{"version":"v1","tag-convention":null,"repositories":[{"repository":"a","tags":["1","1"]}]}"#,
            r#"{"version":"v0","Version":"v1","repositories":[{"repository":"a","tags":["1-0","1-1000","1-01"]}]}"#,
        ];
        insta::assert_snapshot!(documents.map(read).join("\n\n"), @"
        floating
        a off: 1

        incremental
        a: 1

        incremental
        a: 1

        incremental
        a: 1-0 1-01 1-1000
        ");
    }

    #[test]
    fn the_entries_of_a_repository_are_merged() {
        let repeated = [
            r#"{"repository":"a","tags":["1"]},{"repository":"b","tags":["9"]},{"repository":"a","tags":["2","1"]}"#,
            r#"{"repository":"a","tags":["1"]},{"repository":"a","tags":["2"],"enabled":false}"#,
            r#"{"repository":"a","tags":["1"],"enabled":false},{"repository":"a","tags":["2"]}"#,
            r#"{"repository":"a","tags":["1"],"enabled":false},{"repository":"a","tags":["2"],"enabled":false}"#,
            r#"{"repository":"a","tags":["1"]},{"repository":"a","tags":["*"]},{"repository":"a","tags":["2"]}"#,
            r#"{"repository":"a","tags":["*"],"enabled":false},{"repository":"a","tags":["2"]}"#,
        ];
        insta::assert_snapshot!(repeated.map(entries).join("\n\n"), @"
        incremental
        a: 1 2
        b: 9

        incremental
        a: 1

        incremental
        a: 2

        incremental
        a off: 1 2

        incremental
        a: *

        incremental
        a: 2
        ");
    }

    #[test]
    fn an_asterisk_in_a_longer_list_selects_nothing() {
        let lists = [
            r#"{"repository":"a","tags":["*","1"]}"#,
            r#"{"repository":"a","tags":["*","*"]},{"repository":"a","tags":["1"]}"#,
            r#"{"repository":"a","tags":["*","*"],"enabled":false}"#,
            r#"{"repository":"a","tags":["*","*"]}"#,
        ];
        insta::assert_snapshot!(lists.map(entries).join("\n\n"), @r#"
        incremental
        a: 1

        incremental
        a: 1

        incremental
        a off: *

        own limit: true: the repository "a" lists "*" more than once. The service then selects nothing, which `repositories` can't express
        "#);
    }

    #[test]
    fn a_document_that_the_service_rejects_is_an_error() {
        let refused = [
            "",
            "[]",
            "null",
            r#"{"version":1}"#,
            r#"{"version":"v2","repositories":[]}"#,
            r#"{"version":"v1","tag-convention":"Floating","repositories":[{"repository":"a","tags":["1"]}]}"#,
            r#"{"version":"v1","repositories":[]}"#,
            r#"{"version":"v1","repositories":[null]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a"}]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a","tags":["1",null]}]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a","tags":["1-1"],"enabled":false}]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a","tags":["1-patched"]}]}"#,
        ];
        insta::assert_snapshot!(refused.map(read).join("\n"), @r#"
        own limit: false: it is not a policy document: EOF while parsing a value at line 1 column 0
        own limit: false: it is not a policy document: invalid type: sequence, expected an object at line 1 column 0
        own limit: false: its version is "", but only "v1" is supported
        own limit: false: it is not a policy document: invalid type: integer `1`, expected a string at line 1 column 12
        own limit: false: its version is "v2", but only "v1" is supported
        own limit: false: its tag convention "Floating" is neither "incremental" nor "floating"
        own limit: false: it lists no repository
        own limit: false: it lists a repository without a name
        own limit: false: the repository "a" has no tags
        own limit: false: the repository "a" has an empty tag
        own limit: false: the tag "1-1" of the repository "a" looks like a patch tag
        own limit: false: the tag "1-patched" of the repository "a" looks like a patch tag
        "#);
    }
}
