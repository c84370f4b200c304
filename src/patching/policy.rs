//! The policy: which repositories and tags are scanned and patched, and how patch tags are formed.
//!
//! The document is the service's; its `version` is always `v1`. We write it in one way for one
//! content (repositories and tags sorted), so that its digest is known before it is pushed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::sha256;

/// The repository that holds the policy itself.
pub const POLICY_REPOSITORY: &str = "csscpolicies/patchpolicy";

/// The only version of the document.
pub(crate) const VERSION: &str = "v1";

/// How patch tags are formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TagConvention {
    /// `-1`, `-2`, …: the history is kept. At most 999 of a tag.
    #[default]
    Incremental,
    /// `-patched`: overwritten each time.
    Floating,
}

/// The content of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// How patch tags are formed.
    pub(crate) convention: TagConvention,
    /// What is patched, by repository.
    pub(crate) repositories: BTreeMap<String, Repository>,
}

/// What a policy says of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Tags, or `*` alone for every one.
    pub(crate) tags: BTreeSet<String>,
    /// Whether it is looked at.
    pub(crate) enabled: bool,
}

/// A document that is no policy.
#[derive(Debug, Error)]
pub(crate) enum PolicyError {
    /// Not JSON, or not of the policy's shape.
    #[error("it is not a policy document: {0}")]
    Shape(#[from] serde_json::Error),
    /// A version that nobody knows.
    #[error("its version is {0:?}; only {VERSION:?} is known")]
    Version(String),
    /// The same repository twice.
    #[error("it lists the repository {0:?} more than once")]
    Repeated(String),
}

/// A word that is no [`TagConvention`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is neither \"incremental\" nor \"floating\"")]
pub(crate) struct TagConventionError(String);

#[derive(Serialize, Deserialize)]
struct Document {
    version: String,
    #[serde(rename = "tag-convention", default)]
    convention: TagConvention,
    repositories: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    repository: String,
    tags: Vec<String>,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl Policy {
    /// The document as we push it: always the same bytes for the same content.
    pub(crate) fn document(&self) -> Vec<u8> {
        let document = Document {
            version: VERSION.to_owned(),
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
        // Strings, booleans and vectors of them can't fail to serialise.
        serde_json::to_vec_pretty(&document).unwrap_or_default()
    }

    /// The digest of [`Policy::document`], `sha256:` and 64 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        sha256(&self.document())
    }

    /// Reads a document as the service does: unknown keys are passed over, `tag-convention` and
    /// `enabled` have defaults, order doesn't matter.
    ///
    /// # Errors
    /// What it isn't.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, PolicyError> {
        let document: Document = serde_json::from_slice(document)?;
        if document.version != VERSION {
            return Err(PolicyError::Version(document.version));
        }
        let mut repositories = BTreeMap::new();
        for entry in document.repositories {
            let repository = Repository {
                tags: entry.tags.into_iter().collect(),
                enabled: entry.enabled,
            };
            if repositories
                .insert(entry.repository.clone(), repository)
                .is_some()
            {
                return Err(PolicyError::Repeated(entry.repository));
            }
        }
        Ok(Self {
            convention: document.convention,
            repositories,
        })
    }
}

impl TagConvention {
    /// Both, the default first.
    pub(crate) const ALL: [Self; 2] = [Self::Incremental, Self::Floating];

    /// The word that the service takes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Floating => "floating",
        }
    }

    /// The longest that a patch tag adds to the tag.
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
    fn the_document_is_sorted_and_leads_back_to_its_content() {
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
    fn another_order_of_the_same_content_has_the_same_digest() {
        let reordered = br#"{"repositories":[{"tags":["*"],"repository":"team/api-fw","enabled":false},{"repository":"python","tags":["latest","3.11"]}],"tag-convention":"floating","version":"v1","more":1}"#;
        assert_eq!(
            Policy::parse(reordered).unwrap().digest(),
            policy().digest()
        );
    }

    #[test]
    fn what_the_service_could_not_read_is_no_policy() {
        let refused = [
            "",
            "[]",
            r#"{"version":"v2","repositories":[]}"#,
            r#"{"version":"v1","tag-convention":"Floating","repositories":[]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a"}]}"#,
            r#"{"version":"v1","repositories":[{"repository":"a","tags":["1"]},{"repository":"a","tags":["2"]}]}"#,
        ];
        let messages: Vec<String> = refused
            .iter()
            .map(|document| Policy::parse(document.as_bytes()).unwrap_err().to_string())
            .collect();
        insta::assert_snapshot!(messages.join("\n"), @r#"
        it is not a policy document: EOF while parsing a value at line 1 column 0
        it is not a policy document: invalid length 0, expected struct Document with 3 elements at line 1 column 2
        its version is "v2"; only "v1" is known
        it is not a policy document: unknown variant `Floating`, expected `incremental` or `floating` at line 1 column 43
        it is not a policy document: missing field `tags` at line 1 column 50
        it lists the repository "a" more than once
        "#);
    }
}
