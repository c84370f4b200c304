//! The policy of a dry run: the configuration takes precedence over the registry's policy. Pure.

use std::collections::BTreeMap;

use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, Repository, TagConvention};
use crate::provider::workflow::config::Config;
use crate::provider::workflow::{names, notices};
use crate::workflow::observe::PolicyState;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::{AttributePath, Value};

/// The policy arguments of a configuration. The registry's policy supplies the others.
#[derive(Clone, Debug)]
pub(super) struct PolicyArguments {
    pub(super) repositories: Option<BTreeMap<String, Repository>>,
    convention: Option<TagConvention>,
}

/// The policy of a registry.
#[derive(Clone, Debug)]
pub(super) struct LivePolicy {
    /// The login server.
    pub(super) login_server: String,
    /// The policy that was read.
    pub(super) found: PolicyState,
    /// The digest of the policy's manifest.
    pub(super) manifest: Option<String>,
}

impl PolicyArguments {
    /// Reads a valid configuration without unknown values.
    pub(super) fn read(config: &Value) -> Self {
        let config = Config::read(config);
        Self {
            repositories: config.repositories.known(),
            convention: config.tag_convention.known(),
        }
    }

    /// Whether the configuration sets everything, so that the registry's policy is not needed.
    pub(super) fn is_complete(&self) -> bool {
        self.repositories.is_some() && self.convention.is_some()
    }

    /// Returns the policy of the dry run, and warnings.
    ///
    /// # Errors
    /// Neither the configuration nor the registry's policy has repositories.
    pub(super) fn effective(self, live: &LivePolicy) -> Result<(Policy, Diagnostics), Diagnostic> {
        let readable = match &live.found {
            PolicyState::Valid(policy) => Some(policy),
            PolicyState::NotRead | PolicyState::Missing | PolicyState::Invalid { .. } => None,
        };
        let warning = live
            .unreadable()
            .filter(|_| self.convention.is_none())
            .map(|unreadable| presumed_convention(&live.login_server, &unreadable));
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
    /// Returns a sentence about a policy that can't be read.
    fn unreadable(&self) -> Option<String> {
        let manifest = self.manifest.as_deref();
        notices::unreadable(&self.login_server, manifest, &self.found)
    }

    /// The error if no repositories are known.
    fn no_repositories(&self) -> Diagnostic {
        let why = self.unreadable().unwrap_or_else(|| {
            format!(
                "{} has no policy ({POLICY_REPOSITORY}:v1), and therefore no workflow.",
                self.login_server
            )
        });
        Diagnostic::error(
            "No repositories to evaluate",
            format!(
                "{why} Set `repositories` to evaluate a new policy, or create the workflow first."
            ),
        )
        .at(AttributePath::new(names::REPOSITORIES))
    }
}

fn presumed_convention(login_server: &str, unreadable: &str) -> Diagnostic {
    let convention = TagConvention::default();
    Diagnostic::warning(
        format!("The policy in {login_server} can't be read"),
        format!(
            "{unreadable} The patch tags follow the default tag convention `{convention}`. Set \
             `tag_convention` to use another one."
        ),
    )
    .at(AttributePath::new(names::TAG_CONVENTION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::observe::Reader;

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
        live(PolicyState::Invalid {
            reader: Reader::Service,
            problem: "no JSON".to_owned(),
        })
    }

    /// Formats `repositories convention` and the diagnostics, or the error.
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
    fn omitted_arguments_default_to_the_registrys_policy() {
        use TagConvention::Incremental;
        let live = readable();
        assert_eq!(tried(false, None, &live), "live floating");
        assert_eq!(tried(true, None, &live), "given floating");
        assert_eq!(tried(false, Some(Incremental), &live), "live incremental");
        assert_eq!(tried(true, Some(Incremental), &live), "given incremental");
    }

    #[test]
    fn without_a_policy_repositories_are_required() {
        let none = live(PolicyState::Missing);
        assert_eq!(tried(true, None, &none), "given incremental");
        insta::assert_snapshot!(tried(false, Some(TagConvention::Floating), &none), @"
        Error at repositories: No repositories to evaluate
        contoso.azurecr.io has no policy (csscpolicies/patchpolicy:v1), and therefore no workflow. Set `repositories` to evaluate a new policy, or create the workflow first.
        ");
    }

    #[test]
    fn a_limit_of_the_provider_is_not_the_services() {
        let own = live(PolicyState::Invalid {
            reader: Reader::Provider,
            problem: "its layer exceeds 10 MiB".to_owned(),
        });
        assert_eq!(
            own.unreadable().as_deref(),
            Some(
                "This provider can't represent the policy \
                 contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:1): its layer exceeds 10 \
                 MiB."
            )
        );
    }

    #[test]
    fn an_unreadable_policy_is_reported_if_it_is_needed() {
        assert_eq!(
            tried(true, Some(TagConvention::Floating), &unreadable()),
            "given floating"
        );
        insta::assert_snapshot!(tried(true, None, &unreadable()), @"
        given incremental
        Warning at tag_convention: The policy in contoso.azurecr.io can't be read
        The service can't read the policy contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:1): no JSON. The patch tags follow the default tag convention `incremental`. Set `tag_convention` to use another one.
        ");
        insta::assert_snapshot!(tried(false, None, &unreadable()), @"
        Error at repositories: No repositories to evaluate
        The service can't read the policy contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:1): no JSON. Set `repositories` to evaluate a new policy, or create the workflow first.
        ");
    }
}
