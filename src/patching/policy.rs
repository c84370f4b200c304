//! The policy: the repositories and tags to scan and patch, and the tag convention.
//!
//! The service defines the document, and its `version` is always `v1`. This module writes the same
//! content always in the same form, with sorted repositories and tags. So the digest is known before the
//! push.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

use crate::digest::sha256;

/// The repository that stores the policy.
pub const POLICY_REPOSITORY: &str = "csscpolicies/patchpolicy";

/// The only version of the document.
pub(crate) const VERSION: &str = "v1";

/// The tag convention, which defines the form of patch tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TagConvention {
    /// `-1`, `-2` and so on. It keeps every patch, up to 999 of a tag.
    #[default]
    Incremental,
    /// `-patched`. Each patch overwrites the last one.
    Floating,
}

/// The content of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The tag convention.
    pub convention: TagConvention,
    /// The repositories to patch, by name.
    pub repositories: BTreeMap<String, Repository>,
}

/// The policy's settings for one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The tags, or only `*` for every tag.
    pub tags: BTreeSet<String>,
    /// Whether the repository is scanned and patched.
    pub enabled: bool,
}

/// The error for a text that is not a [`TagConvention`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is neither \"incremental\" nor \"floating\"")]
pub struct TagConventionError(String);

#[derive(Serialize)]
struct Document {
    version: &'static str,
    #[serde(rename = "tag-convention")]
    convention: TagConvention,
    repositories: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    repository: String,
    tags: Vec<String>,
    enabled: bool,
}

impl Policy {
    /// Returns the document that is pushed. The same content always has the same bytes.
    pub(crate) fn document(&self) -> Vec<u8> {
        let document = Document {
            version: VERSION,
            convention: self.convention,
            repositories: self
                .repositories
                .iter()
                .map(|(name, repository)| Entry {
                    repository: name.clone(),
                    tags: repository.tags.iter().cloned().collect(),
                    enabled: repository.enabled,
                })
                .collect(),
        };
        // Serialising strings, booleans and vectors of them can't fail.
        serde_json::to_vec_pretty(&document).unwrap_or_default()
    }

    /// Returns the digest of the document, `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&self.document())
    }
}

impl TagConvention {
    /// Both conventions, the default first.
    pub(crate) const ALL: [Self; 2] = [Self::Incremental, Self::Floating];

    /// Returns the name that the service uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Floating => "floating",
        }
    }

    /// Returns the longest suffix that a patch tag adds.
    pub(crate) const fn longest_suffix(self) -> &'static str {
        match self {
            Self::Incremental => "-999",
            Self::Floating => "-patched",
        }
    }
}

impl FromStr for TagConvention {
    type Err = TagConventionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|convention| convention.as_str() == text)
            .ok_or_else(|| TagConventionError(text.to_owned()))
    }
}

impl fmt::Display for TagConvention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let repository = |tags: &[&str], enabled| Repository {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            enabled,
        };
        Policy {
            convention: TagConvention::Floating,
            repositories: [
                ("team/api-fw".to_owned(), repository(&["*"], false)),
                ("python".to_owned(), repository(&["latest", "3.11"], true)),
            ]
            .into(),
        }
    }

    #[test]
    fn the_document_is_sorted_and_parses_to_the_same_policy() {
        let document = policy().document();
        insta::assert_snapshot!(String::from_utf8(document.clone()).unwrap(), @r#"
        {
          "version": "v1",
          "tag-convention": "floating",
          "repositories": [
            {
              "repository": "python",
              "tags": [
                "3.11",
                "latest"
              ],
              "enabled": true
            },
            {
              "repository": "team/api-fw",
              "tags": [
                "*"
              ],
              "enabled": false
            }
          ]
        }
        "#);
        assert_eq!(Policy::parse(&document).unwrap(), policy());
    }

    #[test]
    fn the_order_of_a_document_does_not_change_the_digest() {
        let reordered = br#"{"repositories":[{"tags":["*"],"repository":"team/api-fw","enabled":false},{"repository":"python","tags":["latest","3.11"]}],"tag-convention":"floating","version":"v1","more":1}"#;
        assert_eq!(
            Policy::parse(reordered).unwrap().digest(),
            policy().digest()
        );
    }
}
