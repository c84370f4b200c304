//! What is made of what was seen in the repositories. Pure.

use std::collections::BTreeSet;

use crate::azure::error::Error;
use crate::patching::Policy;
use crate::patching::name_rules::EVERY_TAG;
use crate::patching::selection::{MOST_IMAGES, Selection};
use crate::provider::report;
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::preflight::Seen;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::AttributePath;

/// What the repositories have against the policy.
pub(crate) fn findings(policy: &Policy, seen: &Seen, preflight: Preflight) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if seen.selected.total() > MOST_IMAGES {
        let detail = format!("The policy {}", seen.selected.too_many());
        findings.push(
            Diagnostic::error("Too many images", detail)
                .at(AttributePath::new(names::REPOSITORIES)),
        );
    }
    for (name, selection) in &seen.selected.repositories {
        let here = AttributePath::new(names::REPOSITORIES).key(name);
        match selection {
            None => findings.push(noticed(
                preflight,
                &format!("Repository {name} not found"),
                format!(
                    "The registry has no repository {name}. The workflow skips it until there is \
                     one."
                ),
                here.clone(),
            )),
            Some(selection) => {
                findings.extend(tag_findings(name, policy, selection, preflight, &here));
            }
        }
        if seen.cache_rules.iter().any(|rule| rule.fills(name)) {
            findings.push(noticed(
                preflight,
                &format!("Repository {name} is of a pull-through cache"),
                format!(
                    "{name} is filled by a cache rule of the registry, and nothing else can push \
                     to it: its images can be scanned, but not patched. Patch a copy in another \
                     repository."
                ),
                here,
            ));
        }
    }
    findings.extend(windows_findings(seen, preflight));
    findings
}

/// The data plane couldn't be looked at. That is no reason not to plan, unless the user wants it.
pub(crate) fn not_looked(error: &Error, preflight: Preflight) -> Diagnostic {
    let failure = report::failure("Could not look at the registry's images", error);
    let Diagnostic {
        summary, detail, ..
    } = failure;
    let detail = format!(
        "{detail}\n\nWhat the policy selects has not been checked. `preflight = \"off\"` leaves \
         this check out."
    );
    noticed(
        preflight,
        &summary,
        detail,
        AttributePath::new(names::REPOSITORIES),
    )
}

fn tag_findings(
    name: &str,
    policy: &Policy,
    selection: &Selection,
    preflight: Preflight,
    here: &AttributePath,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !selection.missing.is_empty() {
        found.push(noticed(
            preflight,
            &format!("Tags of {name} not found"),
            format!(
                "The repository {name} has no {}. The workflow skips what isn't there.",
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
        found.push(noticed(
            preflight,
            &format!("No images in {name}"),
            format!("The repository {name} has no tag to patch."),
            here.clone(),
        ));
    }
    if !selection.baseless.is_empty() {
        found.push(noticed(
            preflight,
            &format!("Patches of no image in {name}"),
            format!(
                "The repository {name} has no {}, but tags that look like patches of it (`-1` to \
                 `-999`, `-patched`). They are scanned, and count; patching them fails.",
                listed("tag", &selection.baseless)
            ),
            here.clone(),
        ));
    }
    for (tag, named) in &selection.unnamed {
        found.push(
            Diagnostic::warning(
                format!("{name}:{tag} is selected, and nobody has named it"),
                format!(
                    "{named:?} also selects {name}:{tag}: to the service, a dot in a tag stands \
                     for any character. It will be scanned and patched too."
                ),
            )
            .at(here.clone()),
        );
    }
    found
}

fn windows_findings(seen: &Seen, preflight: Preflight) -> Option<Diagnostic> {
    (!seen.windows.is_empty()).then(|| {
        noticed(
            preflight,
            "Windows images",
            format!(
                "Continuous Patching patches Linux images only. These run on Windows, and their \
                 scans will fail: {}.",
                list(&seen.windows)
            ),
            AttributePath::new(names::REPOSITORIES),
        )
    })
}

/// A finding, as the user wants to have it. Hosts show one of several warnings with the same summary, so
/// that has to name what it is about.
fn noticed(preflight: Preflight, summary: &str, detail: String, path: AttributePath) -> Diagnostic {
    match preflight {
        Preflight::Error => Diagnostic::error(
            summary,
            format!(
                "{detail}\n\nIt is an error because of `preflight = \"error\"`. Correct it, or set \
                 `preflight` to \"warn\"."
            ),
        ),
        Preflight::Warn | Preflight::Off => Diagnostic::warning(summary, detail),
    }
    .at(path)
}

fn listed(what: &str, names: &BTreeSet<String>) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{what}{plural} {}", list(names))
}

/// The first ten, and how many more there are.
fn list(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cache_rule::CacheRule;
    use crate::azure::credential::{Problem, Reported, SignInFailure};
    use crate::patching::selection::Image;
    use crate::patching::{Repository, TagConvention};
    use crate::provider::workflow::preflight::told;
    use crate::workflow::registry_selection::Selected;

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
    fn what_is_missing_or_can_not_be_patched_is_a_warning_or_an_error() {
        let policy = policy(&[
            ("absent", &["1"]),
            ("empty", &["*"]),
            ("hub/nginx", &["1.27"]),
            ("python", &["3.11", "3.12", "4"]),
        ]);
        let python = Selection {
            missing: ["3.12".to_owned(), "4".to_owned()].into(),
            unnamed: [("3x11".to_owned(), "3.11".to_owned())].into(),
            ..selection(["3.11".to_owned(), "3x11".to_owned()])
        };
        let seen = Seen {
            selected: Selected::from([
                ("absent", None),
                ("empty", Some(Selection::default())),
                ("hub/nginx", Some(selection(["1.27".to_owned()]))),
                ("python", Some(python)),
            ]),
            windows: ["python:3x11".to_owned()].into(),
            cache_rules: vec![CacheRule {
                target_repository: "hub/*".to_owned(),
            }],
        };
        insta::assert_snapshot!(told(&findings(&policy, &seen, Preflight::Warn)), @r#"
        Warning at repositories["absent"]: Repository absent not found
        The registry has no repository absent. The workflow skips it until there is one.
        ---
        Warning at repositories["empty"]: No images in empty
        The repository empty has no tag to patch.
        ---
        Warning at repositories["hub/nginx"]: Repository hub/nginx is of a pull-through cache
        hub/nginx is filled by a cache rule of the registry, and nothing else can push to it: its images can be scanned, but not patched. Patch a copy in another repository.
        ---
        Warning at repositories["python"]: Tags of python not found
        The repository python has no tags 3.12, 4. The workflow skips what isn't there.
        ---
        Warning at repositories["python"]: python:3x11 is selected, and nobody has named it
        "3.11" also selects python:3x11: to the service, a dot in a tag stands for any character. It will be scanned and patched too.
        ---
        Warning at repositories: Windows images
        Continuous Patching patches Linux images only. These run on Windows, and their scans will fail: python:3x11.
        "#);
        let errors = findings(&policy, &seen, Preflight::Error);
        let warnings: Vec<&Diagnostic> = errors.iter().filter(|it| !it.is_error()).collect();
        assert_eq!(
            warnings.len(),
            1,
            "only the quirk of the dot stays a warning"
        );
        let next = "Correct it, or set `preflight` to \"warn\".";
        let with_next = errors.iter().filter(|it| it.detail.ends_with(next));
        assert_eq!(with_next.count(), errors.iter().count() - 1);
    }

    #[test]
    fn a_hundred_images_pass_and_one_more_is_an_error_with_the_counts() {
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
        assert_eq!(told(&findings(&policy, &many(100), Preflight::Warn)), "");
        insta::assert_snapshot!(told(&findings(&policy, &many(101), Preflight::Warn)), @"
        Error at repositories: Too many images
        The policy selects 101 images, but a run accepts at most 100. With more, the run fails and patches nothing. Name fewer repositories or tags.

            100  many
              1  few
        ");
    }

    #[test]
    fn a_data_plane_out_of_reach_is_a_warning_that_says_so() {
        let error = Error::from(SignInFailure {
            method: "a client secret",
            tenant_id: None,
            client_id: None,
            problem: Problem::Refused(None),
            message: "No.".to_owned(),
            status: None,
            trace_id: None,
            correlation_id: None,
            reported: Reported::default(),
        });
        let warning = not_looked(&error, Preflight::Warn);
        insta::assert_snapshot!(told(&warning.into()), @r#"
        Warning at repositories: Could not look at the registry's images
        Signing in with a client secret failed: No.

        Check the provider block and the ARM_* environment variables.

        What the policy selects has not been checked. `preflight = "off"` leaves this check out.
        "#);
        assert!(not_looked(&error, Preflight::Error).is_error());
    }
}
