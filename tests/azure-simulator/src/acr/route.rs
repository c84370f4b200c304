//! Routes of the data plane, and the right that each of them requires.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::acr::Scopes;
use crate::wire::Call;

/// A known path of the data plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Base,
    Exchange,
    Token,
    UploadStart {
        repository: String,
    },
    Upload {
        repository: String,
        id: String,
    },
    Blob {
        repository: String,
        digest: String,
    },
    Manifest {
        repository: String,
        reference: String,
    },
    /// `/v2/N/tags/list`
    TagNames {
        repository: String,
    },
    /// `/acr/v1/N/_tags`
    Tags {
        repository: String,
    },
    Tag {
        repository: String,
        tag: String,
    },
    Manifests {
        repository: String,
    },
    Catalog,
    Repository {
        repository: String,
    },
}

/// The right that a request requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// Any valid access token.
    SignedIn,
    /// Listing repositories.
    Catalog,
    /// All of these actions on a repository, in the order of the challenge.
    All {
        repository: String,
        actions: &'static [&'static str],
    },
    /// At least one of these actions on a repository.
    Any {
        repository: String,
        actions: &'static [&'static str],
    },
}

impl Route {
    pub(crate) fn parse(call: &Call) -> Option<Self> {
        let path = call.decoded_path();
        match path.trim_end_matches('/') {
            "/v2" => return Some(Self::Base),
            "/oauth2/exchange" => return Some(Self::Exchange),
            "/oauth2/token" => return Some(Self::Token),
            "/v2/_catalog" | "/acr/v1/_catalog" => return Some(Self::Catalog),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("/v2/") {
            return Self::standard(rest);
        }
        Self::own(path.strip_prefix("/acr/v1/")?.trim_end_matches('/'))
    }

    fn standard(rest: &str) -> Option<Self> {
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            return Some(Self::TagNames {
                repository: repository.to_owned(),
            });
        }
        if let Some((repository, id)) = rest.rsplit_once("/blobs/uploads") {
            let (repository, id) = (repository.to_owned(), id.trim_start_matches('/').to_owned());
            return Some(if id.is_empty() {
                Self::UploadStart { repository }
            } else {
                Self::Upload { repository, id }
            });
        }
        if let Some((repository, digest)) = rest.rsplit_once("/blobs/") {
            return Some(Self::Blob {
                repository: repository.to_owned(),
                digest: digest.to_owned(),
            });
        }
        let (repository, reference) = rest.rsplit_once("/manifests/")?;
        Some(Self::Manifest {
            repository: repository.to_owned(),
            reference: reference.to_owned(),
        })
    }

    fn own(rest: &str) -> Option<Self> {
        if let Some(repository) = rest.strip_suffix("/_tags") {
            return Some(Self::Tags {
                repository: repository.to_owned(),
            });
        }
        if let Some(repository) = rest.strip_suffix("/_manifests") {
            return Some(Self::Manifests {
                repository: repository.to_owned(),
            });
        }
        if let Some((repository, tag)) = rest.rsplit_once("/_tags/") {
            return Some(Self::Tag {
                repository: repository.to_owned(),
                tag: tag.to_owned(),
            });
        }
        (!rest.is_empty()).then(|| Self::Repository {
            repository: rest.to_owned(),
        })
    }

    /// Returns the repository in the path.
    pub(crate) fn repository(&self) -> Option<&str> {
        match self {
            Self::Base | Self::Exchange | Self::Token | Self::Catalog => None,
            Self::UploadStart { repository }
            | Self::Upload { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Manifest { repository, .. }
            | Self::TagNames { repository }
            | Self::Tags { repository }
            | Self::Tag { repository, .. }
            | Self::Manifests { repository }
            | Self::Repository { repository } => Some(repository),
        }
    }

    /// Returns the operation name for the log, such as `manifests/read`.
    pub(crate) fn operation(&self, method: &Method) -> String {
        let kind = match self {
            Self::Base => return "acr/ping".to_owned(),
            Self::Exchange => return "acr/exchange".to_owned(),
            Self::Token => return "acr/token".to_owned(),
            Self::UploadStart { .. } => return "blobs/start".to_owned(),
            Self::Upload { .. } | Self::Blob { .. } => "blobs",
            Self::Manifest { .. } | Self::Manifests { .. } => "manifests",
            Self::TagNames { .. } | Self::Tags { .. } | Self::Tag { .. } => "tags",
            Self::Catalog | Self::Repository { .. } => "repositories",
        };
        let verb = match *method {
            Method::GET | Method::HEAD => "read",
            Method::DELETE => "delete",
            _ => "write",
        };
        format!("{kind}/{verb}")
    }

    /// Returns whether the method on this path is a write.
    pub(crate) fn changes(&self, method: &Method) -> bool {
        !matches!(self, Self::Exchange | Self::Token)
            && *method != Method::GET
            && *method != Method::HEAD
    }

    /// Returns the right that the method on this path requires.
    pub(crate) fn need(&self, method: &Method) -> Need {
        let all = |repository: &str, actions| Need::All {
            repository: repository.to_owned(),
            actions,
        };
        let deletes = *method == Method::DELETE;
        let reads = *method == Method::GET || *method == Method::HEAD;
        match self {
            Self::Base | Self::Exchange | Self::Token => Need::SignedIn,
            Self::Catalog => Need::Catalog,
            Self::UploadStart { repository } | Self::Upload { repository, .. } => {
                all(repository, &["push", "pull"])
            }
            Self::Blob { repository, .. } | Self::Manifest { repository, .. } => {
                match (reads, deletes) {
                    (true, _) => all(repository, &["pull"]),
                    (_, true) => all(repository, &["delete"]),
                    _ => all(repository, &["push", "pull"]),
                }
            }
            Self::TagNames { repository } => Need::Any {
                repository: repository.clone(),
                actions: &["metadata_read", "pull"],
            },
            Self::Tag { repository, .. } | Self::Repository { repository } if deletes => {
                all(repository, &["delete"])
            }
            Self::Tags { repository }
            | Self::Tag { repository, .. }
            | Self::Manifests { repository }
            | Self::Repository { repository } => all(repository, &["metadata_read"]),
        }
    }
}

impl Need {
    /// Returns whether these scopes grant the right.
    pub(crate) fn is_met(&self, scopes: &Scopes) -> bool {
        let has = |repository: &str, action: &str| {
            scopes.contains(&format!("repository:{repository}:{action}"))
        };
        match self {
            Self::SignedIn => true,
            Self::Catalog => scopes.contains("registry:catalog:*"),
            Self::All {
                repository,
                actions,
            } => actions.iter().all(|action| has(repository, action)),
            Self::Any {
                repository,
                actions,
            } => actions.iter().any(|action| has(repository, action)),
        }
    }

    /// Returns the scope in the challenge.
    pub(crate) fn scope(&self) -> Option<String> {
        match self {
            Self::SignedIn => None,
            Self::Catalog => Some("registry:catalog:*".to_owned()),
            Self::All {
                repository,
                actions,
            } => Some(format!("repository:{repository}:{}", actions.join(","))),
            Self::Any {
                repository,
                actions,
            } => Some(format!("repository:{repository}:{}", actions[0])),
        }
    }

    /// Returns the `detail` of the error: one row per action, in alphabetical order.
    pub(crate) fn detail(&self) -> Value {
        match self {
            Self::SignedIn => Value::Null,
            Self::Catalog => json!([{"Type": "registry", "Name": "catalog", "Action": "*"}]),
            Self::All {
                repository,
                actions,
            }
            | Self::Any {
                repository,
                actions,
            } => {
                let sorted: BTreeSet<&str> = actions.iter().copied().collect();
                sorted.iter().map(|action| json!({"Type": "repository", "Name": repository, "Action": action})).collect()
            }
        }
    }
}
