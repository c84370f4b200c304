//! Which policy a dry run tries: what the configuration says, over what the registry has. Pure.

use std::collections::BTreeMap;

use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, Repository, TagConvention};
use crate::provider::workflow::config::Config;
use crate::provider::workflow::{names, notices};
use crate::workflow::observe::PolicyState;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::{AttributePath, Value};

/// What a configuration says of the policy. The rest is the registry's.
#[derive(Clone, Debug)]
pub(super) struct PolicyArguments {
    pub(super) repositories: Option<BTreeMap<String, Repository>>,
    convention: Option<TagConvention>,
}

/// The policy of a registry.
#[derive(Clone, Debug)]
pub(super) struct LivePolicy {
    /// The registry's host.
    pub(super) login_server: String,
    /// What was found in the policy's place.
    pub(super) found: PolicyState,
    /// The digest of its manifest.
    pub(super) manifest: Option<String>,
}

impl PolicyArguments {
    /// Reads a configuration that has passed validation, all of it known.
    pub(super) fn read(config: &Value) -> Self {
        let config = Config::read(config);
        Self {
            repositories: config.repositories.known(),
            convention: config.tag_convention.known(),
        }
    }

    /// Whether it says everything, so that the registry's policy doesn't matter.
    pub(super) fn is_complete(&self) -> bool {
        self.repositories.is_some() && self.convention.is_some()
    }

    /// The policy to try, and what there is to say of it.
    ///
    /// # Errors
    /// Nobody says which repositories are meant.
    pub(super) fn effective(self, live: &LivePolicy) -> Result<(Policy, Diagnostics), Diagnostic> {
        let readable = match &live.found {
            PolicyState::Valid(policy) => Some(policy),
            PolicyState::NotRead | PolicyState::Missing | PolicyState::Invalid { .. } => None,
        };
        let warning = live
            .unreadable()
            .filter(|_| self.convention.is_none())
            .map(|unreadable| presumed_convention(&unreadable));
        let repositories = self
            .repositories
            .or_else(|| readable.map(|policy| policy.repositories.clone()))
            .ok_or_else(|| live.no_repositories())?;
        let convention = self
            .convention
            .or_else(|| readable.map(|policy| policy.convention))
            .unwrap_or_default();
        let policy = Policy {
            convention,
            repositories,
        };
        Ok((policy, warning.into_iter().collect()))
    }
}

impl LivePolicy {
    /// That it can't be read, where that is so.
    fn unreadable(&self) -> Option<String> {
        match &self.found {
            PolicyState::Invalid { problem } => {
                let manifest = self.manifest.as_deref();
                Some(notices::unreadable(&self.login_server, manifest, problem))
            }
            PolicyState::NotRead | PolicyState::Missing | PolicyState::Valid(_) => None,
        }
    }

    /// There are no repositories to look at.
    fn no_repositories(&self) -> Diagnostic {
        let why = self.unreadable().unwrap_or_else(|| {
            format!(
                "{} has no policy ({POLICY_REPOSITORY}:v1), and so no workflow.",
                self.login_server
            )
        });
        Diagnostic::error(
            "Nothing says which images are meant",
            format!(
                "{why} Set `repositories` to see what a workflow with them would patch, or set up \
                 the workflow first."
            ),
        )
        .at(AttributePath::new(names::REPOSITORIES))
    }
}

fn presumed_convention(unreadable: &str) -> Diagnostic {
    let convention = TagConvention::default();
    Diagnostic::warning(
        "The policy can't be read",
        format!(
            "{unreadable} The patch tags are those of the tag convention `{convention}`, which is \
             the default. Set `tag_convention` for those of another."
        ),
    )
    .at(AttributePath::new(names::TAG_CONVENTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repositories(name: &str) -> BTreeMap<String, Repository> {
        let repository = Repository {
            tags: ["1".to_owned()].into(),
            enabled: true,
        };
        [(name.to_owned(), repository)].into()
    }

    fn live(found: PolicyState) -> LivePolicy {
        LivePolicy {
            login_server: "contoso.azurecr.io".to_owned(),
            found,
            manifest: Some("sha256:1".to_owned()),
        }
    }

    fn readable() -> LivePolicy {
        live(PolicyState::Valid(Policy {
            convention: TagConvention::Floating,
            repositories: repositories("live"),
        }))
    }

    fn unreadable() -> LivePolicy {
        let problem = "no JSON".to_owned();
        live(PolicyState::Invalid { problem })
    }

    /// `repositories convention`, and what is said; or the error.
    fn tried(named: bool, convention: Option<TagConvention>, live: &LivePolicy) -> String {
        let arguments = PolicyArguments {
            repositories: named.then(|| repositories("given")),
            convention,
        };
        let rendered = |it: &Diagnostic| {
            let path = it.path.clone().unwrap_or_default();
            let (severity, summary) = (it.severity, &it.summary);
            format!("{severity:?} at {path}: {summary}\n{}", it.detail)
        };
        match arguments.effective(live) {
            Ok((policy, warnings)) => {
                let names: Vec<&String> = policy.repositories.keys().collect();
                let policy = format!("{} {}", names[0], policy.convention);
                let lines = std::iter::once(policy).chain(warnings.iter().map(rendered));
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(error) => rendered(&error),
        }
    }

    #[test]
    fn what_the_configuration_leaves_out_is_the_live_policys() {
        use TagConvention::Incremental;
        let live = readable();
        assert_eq!(tried(false, None, &live), "live floating");
        assert_eq!(tried(true, None, &live), "given floating");
        assert_eq!(tried(false, Some(Incremental), &live), "live incremental");
        assert_eq!(tried(true, Some(Incremental), &live), "given incremental");
    }

    #[test]
    fn without_a_policy_the_repositories_have_to_be_given() {
        let none = live(PolicyState::Missing);
        assert_eq!(tried(true, None, &none), "given incremental");
        insta::assert_snapshot!(tried(false, Some(TagConvention::Floating), &none), @"
        Error at repositories: Nothing says which images are meant
        contoso.azurecr.io has no policy (csscpolicies/patchpolicy:v1), and so no workflow. Set `repositories` to see what a workflow with them would patch, or set up the workflow first.
        ");
    }

    #[test]
    fn a_policy_that_can_not_be_read_is_said_where_it_would_have_counted() {
        assert_eq!(
            tried(true, Some(TagConvention::Floating), &unreadable()),
            "given floating"
        );
        insta::assert_snapshot!(tried(true, None, &unreadable()), @"
        given incremental
        Warning at tag_convention: The policy can't be read
        The service can't read the policy contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:1): no JSON. The patch tags are those of the tag convention `incremental`, which is the default. Set `tag_convention` for those of another.
        ");
        insta::assert_snapshot!(tried(false, None, &unreadable()), @"
        Error at repositories: Nothing says which images are meant
        The service can't read the policy contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:1): no JSON. Set `repositories` to see what a workflow with them would patch, or set up the workflow first.
        ");
    }
}
