//! Findings about the repositories and their images. Pure.

use std::collections::BTreeSet;

use crate::azure::error::Error;
use crate::patching::Policy;
use crate::patching::name_rules::EVERY_TAG;
use crate::patching::selection::{MOST_IMAGES, Selection};
use crate::provider::report;
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Seen;
use crate::provider::workflow::preflight::scope::{Scope, list};
use crate::workflow::registry_selection::mistaken;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::AttributePath;

/// Returns the findings about the repositories that the policy lists.
pub(crate) fn findings(policy: &Policy, seen: &Seen, scope: Scope<'_>) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if seen.selected.total() > MOST_IMAGES {
        let detail = format!("The policy {}", seen.selected.too_many());
        findings.push(
            Diagnostic::error(scope.summary("Too many images"), detail)
                .at(AttributePath::new(names::REPOSITORIES)),
        );
    }
    for (name, selection) in &seen.selected.repositories {
        let here = AttributePath::new(names::REPOSITORIES).key(name);
        match selection {
            None => findings.push(scope.finding(
                &format!("Repository {name} not found"),
                format!(
                    "The registry has no repository {name}. The workflow skips it until it exists."
                ),
                here.clone(),
            )),
            Some(selection) => {
                findings.extend(tag_findings(name, policy, selection, scope, &here));
            }
        }
        if seen.cache_rules.iter().any(|rule| rule.fills(name)) {
            findings.push(scope.finding(
                &format!("Repository {name} is filled by a pull-through cache"),
                format!(
                    "A cache rule of the registry fills {name}, and nothing else can push to it. The \
                     workflow can scan its images, but not patch them. Patch a copy in another \
                     repository."
                ),
                here,
            ));
        }
    }
    if let Some(error) = &seen.unread_rules {
        findings.push(unread_rules(error, scope));
    }
    findings
}

/// The warning if every repository is disabled.
pub(crate) fn all_disabled(policy: &Policy, scope: Scope<'_>) -> Option<Diagnostic> {
    let mut repositories = policy.repositories.values();
    let disabled = repositories.len() > 0 && repositories.all(|repository| !repository.enabled);
    disabled.then(|| {
        Diagnostic::warning(
            scope.summary("All repositories are disabled"),
            "Every repository has `enabled = false`. The workflow then scans and patches nothing.",
        )
        .at(AttributePath::new(names::REPOSITORIES))
    })
}

/// The finding if the data plane is out of reach. By default, the plan continues with a warning.
pub(crate) fn unchecked(error: &Error, scope: Scope<'_>) -> Diagnostic {
    let failure = report::failure("Could not check the images", error);
    scope.finding(
        &failure.summary,
        format!(
            "{}\n\nThe plan has not checked the images that the policy selects. `preflight = \"off\"` \
             skips this check.",
            failure.detail
        ),
        AttributePath::new(names::REPOSITORIES),
    )
}

/// The finding if only the cache rules can't be read.
fn unread_rules(error: &Error, scope: Scope<'_>) -> Diagnostic {
    let failure = report::failure("Could not check the cache rules", error);
    scope.finding(
        &failure.summary,
        format!(
            "{}\n\nThe plan has not checked whether a pull-through cache fills a repository.",
            failure.detail
        ),
        AttributePath::new(names::REPOSITORIES),
    )
}

fn tag_findings(
    name: &str,
    policy: &Policy,
    selection: &Selection,
    scope: Scope<'_>,
    here: &AttributePath,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !selection.missing.is_empty() {
        found.push(scope.finding(
            &format!("Tags of {name} not found"),
            format!(
                "The repository {name} has no {}. The workflow skips missing tags.",
                listed("tag", &selection.missing)
            ),
            here.clone(),
        ));
    }
    let every = policy
        .repositories
        .get(name)
        .is_some_and(|wanted| wanted.tags.contains(EVERY_TAG));
    if selection.images.is_empty() && every {
        found.push(scope.finding(
            &format!("Repository {name} has no tags to patch"),
            format!("The repository {name} has no tag that the workflow patches."),
            here.clone(),
        ));
    }
    if !selection.baseless.is_empty() {
        found.push(scope.finding(
            &format!("Patch tags of {name} without a base tag"),
            format!(
                "The repository {name} has no {}, but it has patch tags of that name (`-1` to `-999`, \
                 `-patched`). The workflow scans them, and they count as images. Patching them fails.",
                listed("tag", &selection.baseless)
            ),
            here.clone(),
        ));
    }
    for (tag, named) in &selection.unnamed {
        found.push(
            Diagnostic::warning(
                scope.summary(&format!("The tag {named} also matches {name}:{tag}")),
                format!(
                    "{} The workflow therefore scans and patches {name}:{tag} too.",
                    matched_because(named, tag)
                ),
            )
            .at(here.clone()),
        );
    }
    for (tag, image) in &selection.mistaken {
        found.push(scope.finding(
            &format!("Image {name}:{tag} is never patched"),
            mistaken(name, tag, image),
            here.clone(),
        ));
    }
    found
}

/// Says why the tag `named` matches `tag`, which is no patch of it.
fn matched_because(named: &str, tag: &str) -> &'static str {
    if tag.len() > named.len() {
        "The service also matches a tag with `-patched` and a number, although that is not a patch tag."
    } else {
        "The service reads a dot in a tag as any character."
    }
}

fn listed(what: &str, names: &BTreeSet<String>) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{what}{plural} {}", list(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cache_rule::CacheRule;
    use crate::azure::credential::{Problem, Reported, SignInFailure};
    use crate::patching::selection::Image;
    use crate::patching::{Repository, TagConvention};
    use crate::provider::workflow::preflight::{Preflight, rendered};
    use crate::workflow::registry_selection::Selected;

    fn scope(preflight: Preflight) -> Scope<'static> {
        Scope {
            registry: "contoso",
            preflight,
        }
    }

    fn policy(repositories: &[(&str, &[&str])]) -> Policy {
        let repositories = repositories.iter().map(|(name, tags)| {
            let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
            let repository = Repository {
                tags,
                enabled: true,
            };
            ((*name).to_owned(), repository)
        });
        Policy {
            convention: TagConvention::Incremental,
            repositories: repositories.collect(),
        }
    }

    fn selection(tags: impl IntoIterator<Item = String>) -> Selection {
        let images = tags.into_iter().map(|tag| Image {
            tag,
            latest_patch: None,
        });
        Selection {
            images: images.collect(),
            ..Selection::default()
        }
    }

    #[test]
    fn missing_or_unpatchable_images_are_warnings_or_errors() {
        let policy = policy(&[
            ("absent", &["1"]),
            ("empty", &["*"]),
            ("hub/nginx", &["1.27"]),
            ("python", &["3.11", "3.12", "4"]),
            ("python-slim", &["1.0"]),
        ]);
        let slim = Selection {
            mistaken: [("1.0".to_owned(), "python:slim-1.0".to_owned())].into(),
            ..Selection::default()
        };
        let python = Selection {
            missing: ["3.12".to_owned(), "4".to_owned()].into(),
            unnamed: ["3x11", "3.11-patched7"]
                .map(|tag| (tag.to_owned(), "3.11".to_owned()))
                .into(),
            ..selection(["3.11".to_owned(), "3x11".to_owned()])
        };
        let seen = Seen {
            selected: Selected::from([
                ("absent", None),
                ("empty", Some(Selection::default())),
                ("hub/nginx", Some(selection(["1.27".to_owned()]))),
                ("python", Some(python)),
                ("python-slim", Some(slim)),
            ]),
            cache_rules: vec![CacheRule {
                target_repository: "hub/*".to_owned(),
            }],
            unread_rules: None,
        };
        insta::assert_snapshot!(rendered(&findings(&policy, &seen, scope(Preflight::Warn))), @r#"
        Warning at repositories["absent"]: Repository absent not found in contoso
        The registry has no repository absent. The workflow skips it until it exists.
        ---
        Warning at repositories["empty"]: Repository empty has no tags to patch in contoso
        The repository empty has no tag that the workflow patches.
        ---
        Warning at repositories["hub/nginx"]: Repository hub/nginx is filled by a pull-through cache in contoso
        A cache rule of the registry fills hub/nginx, and nothing else can push to it. The workflow can scan its images, but not patch them. Patch a copy in another repository.
        ---
        Warning at repositories["python"]: Tags of python not found in contoso
        The repository python has no tags 3.12, 4. The workflow skips missing tags.
        ---
        Warning at repositories["python"]: The tag 3.11 also matches python:3.11-patched7 in contoso
        The service also matches a tag with `-patched` and a number, although that is not a patch tag. The workflow therefore scans and patches python:3.11-patched7 too.
        ---
        Warning at repositories["python"]: The tag 3.11 also matches python:3x11 in contoso
        The service reads a dot in a tag as any character. The workflow therefore scans and patches python:3x11 too.
        ---
        Warning at repositories["python-slim"]: Image python-slim:1.0 is never patched in contoso
        The service mistakes python-slim:1.0 for python:slim-1.0. It joins a repository and a tag with a hyphen, which gives the same name for both. A run scans only python:slim-1.0. Give one of them another tag or another repository.
        "#);
        let errors = findings(&policy, &seen, scope(Preflight::Error));
        let warnings: Vec<&Diagnostic> = errors.iter().filter(|it| !it.is_error()).collect();
        assert_eq!(
            warnings.len(),
            2,
            "only a tag that another one matches stays a warning"
        );
        let next = "Correct it, or set `preflight` to \"warn\".";
        let with_next = errors.iter().filter(|it| it.detail.ends_with(next));
        assert_eq!(with_next.count(), errors.iter().count() - 2);
    }

    #[test]
    fn more_than_100_images_are_an_error_with_counts() {
        let many = |count: usize| Seen {
            selected: Selected::from([
                ("few", Some(selection(["1".to_owned()]))),
                (
                    "many",
                    Some(selection((1..count).map(|tag| format!("v{tag}")))),
                ),
            ]),
            ..Seen::default()
        };
        let policy = policy(&[("few", &["1"]), ("many", &["*"])]);
        assert_eq!(
            rendered(&findings(&policy, &many(100), scope(Preflight::Warn))),
            ""
        );
        insta::assert_snapshot!(rendered(&findings(&policy, &many(101), scope(Preflight::Warn))), @"
        Error at repositories: Too many images in contoso
        The policy selects 101 images, but a run accepts at most 100. With more, the run fails and patches nothing. Select fewer repositories or tags.

            100  many
              1  few
        ");
    }

    fn refused() -> Error {
        Error::from(SignInFailure {
            method: "a client secret",
            tenant_id: None,
            client_id: None,
            problem: Problem::Refused(None),
            message: "No.".to_owned(),
            status: None,
            trace_id: None,
            correlation_id: None,
            reported: Reported::default(),
        })
    }

    #[test]
    fn an_unreachable_data_plane_is_a_warning() {
        let error = refused();
        let warning = unchecked(&error, scope(Preflight::Warn));
        insta::assert_snapshot!(rendered(&warning.into()), @r#"
        Warning at repositories: Could not check the images in contoso
        Signing in with a client secret failed: No.

        Check the provider block and the ARM_* environment variables.

        The plan has not checked the images that the policy selects. `preflight = "off"` skips this check.
        "#);
        assert!(unchecked(&error, scope(Preflight::Error)).is_error());
    }

    #[test]
    fn unread_cache_rules_leave_the_other_findings() {
        let seen = Seen {
            selected: Selected::from([("absent", None)]),
            unread_rules: Some(refused()),
            ..Seen::default()
        };
        let policy = policy(&[("absent", &["1"])]);
        insta::assert_snapshot!(rendered(&findings(&policy, &seen, scope(Preflight::Warn))), @r#"
        Warning at repositories["absent"]: Repository absent not found in contoso
        The registry has no repository absent. The workflow skips it until it exists.
        ---
        Warning at repositories: Could not check the cache rules in contoso
        Signing in with a client secret failed: No.

        Check the provider block and the ARM_* environment variables.

        The plan has not checked whether a pull-through cache fills a repository.
        "#);
    }

    #[test]
    fn a_policy_without_an_enabled_repository_is_a_warning() {
        let mut policy = policy(&[("a", &["1"]), ("b", &["*"])]);
        policy.repositories.get_mut("a").unwrap().enabled = false;
        assert!(all_disabled(&policy, scope(Preflight::Error)).is_none());
        policy.repositories.get_mut("b").unwrap().enabled = false;
        let warning = all_disabled(&policy, scope(Preflight::Error)).unwrap();
        insta::assert_snapshot!(rendered(&warning.into()), @"
        Warning at repositories: All repositories are disabled in contoso
        Every repository has `enabled = false`. The workflow then scans and patches nothing.
        ");
        assert!(all_disabled(&Policy::default(), scope(Preflight::Warn)).is_none());
    }
}
