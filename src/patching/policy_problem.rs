//! The problems in a policy file, each with its path.

use std::fmt;

use thiserror::Error;

use crate::patching::name_rules::{RepositoryProblem, TagProblem};
use crate::patching::policy::{TagConventionError, VERSION};

/// The maximum size of a document in bytes.
pub(crate) const LARGEST: usize = 10 << 20;

/// A problem in a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The location as a JSON path, such as `$.repositories[0].tags[1]`.
    pub(crate) path: String,
    /// The problem.
    pub(crate) problem: Problem,
}

/// The kinds of problems in a document.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    /// The document exceeds [`LARGEST`].
    #[error("it has {0} bytes, and the maximum is {LARGEST}")]
    TooLarge(usize),
    /// The document is not JSON. The text says where.
    #[error("it is not valid JSON: {0}")]
    NotJson(String),
    /// A required part is missing.
    #[error("it is required, but missing")]
    Missing,
    /// A part has the wrong JSON type.
    #[error("{expected} is required, found {found}")]
    WrongKind {
        /// The required type.
        expected: &'static str,
        /// The type in the document.
        found: &'static str,
    },
    /// The version is not supported.
    #[error("only {VERSION:?} is supported, found {0:?}")]
    Version(String),
    /// The text is not a tag convention.
    #[error(transparent)]
    Convention(#[from] TagConventionError),
    /// The list of repositories is empty.
    #[error("at least one repository is required")]
    NoRepository,
    /// A repository is listed twice.
    #[error("the repository {0:?} is listed more than once")]
    RepeatedRepository(String),
    /// A policy can't contain this repository.
    #[error(transparent)]
    Repository(#[from] RepositoryProblem),
    /// A tag is listed twice.
    #[error("the tag {0:?} is listed more than once")]
    RepeatedTag(String),
    /// A policy can't contain this tag or list of tags.
    #[error(transparent)]
    Tag(#[from] TagProblem),
    /// The document has no other problem, but it can't be read, for this reason.
    #[error("{0}")]
    Rejected(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}
