//! The attributes and warnings for the images that a policy selects. Pure.

use std::collections::BTreeMap;

use crate::patching::selection::{Image, MOST_IMAGES, NoNextPatch, Selection};
use crate::patching::{Policy, TagConvention};
use crate::provider::workflow::images::schema;
use crate::provider::workflow::names;
use crate::provider::workflow::repositories::write_repositories;
use crate::workflow::registry_selection::{Selected, mistaken};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::{AttributePath, Value};

/// Returns the computed attributes of a dry run of `policy`, and warnings. A run that would fail is a result
/// of the dry run, not an error.
pub(super) fn computed(
    registry: &str,
    policy: &Policy,
    selected: &Selected,
) -> (BTreeMap<String, Value>, Diagnostics) {
    let mut warnings = Diagnostics::new();
    if selected.total() > MOST_IMAGES {
        let detail = format!("The policy {}", selected.too_many());
        warnings.push(warning(&format!("A run would fail in {registry}"), detail));
    }
    for (repository, selection) in &selected.repositories {
        let Some(selection) = selection else {
            continue;
        };
        for (tag, image) in &selection.mistaken {
            let summary = format!("{repository}:{tag} is never patched in {registry}");
            warnings.push(warning(&summary, mistaken(repository, tag, image)));
        }
        for tag in &selection.baseless {
            let detail = format!(
                "The repository {repository} has no tag {tag}, but it has patch tags of that name. The \
                 workflow scans the newest of them. Patching it fails."
            );
            let summary = format!("Patch tags of {repository} without a base tag in {registry}");
            warnings.push(warning(&summary, detail));
        }
    }
    let images: Vec<Value> = selected
        .images()
        .map(|(repository, image)| {
            let next = image.next_patch(policy.convention);
            if let Err(why) = next {
                warnings.push(unpatchable(registry, repository, image, why));
            }
            Value::object([
                (schema::REPOSITORY, repository.into()),
                (schema::TAG, image.tag.clone().into()),
                (schema::LATEST_PATCH_TAG, image.latest_patch.clone().into()),
                (schema::SCAN_TAG, image.scanned().into()),
                (schema::NEXT_PATCH_TAG, next.ok().into()),
            ])
        })
        .collect();
    let attributes = [
        (
            names::REPOSITORIES,
            write_repositories(&policy.repositories),
        ),
        (names::TAG_CONVENTION, policy.convention.as_str().into()),
        (schema::IMAGES, Value::List(images)),
        (schema::NOT_FOUND, Value::List(not_found(selected))),
        (schema::TOTAL, number(selected.total())),
        (schema::LIMIT, number(MOST_IMAGES)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    (attributes.into(), warnings)
}

/// Returns each missing `<repository>`, and each missing `<repository>:<tag>` of an existing repository.
fn not_found(selected: &Selected) -> Vec<Value> {
    let absent = |(name, selection): (&String, &Option<Selection>)| match selection {
        None => vec![name.clone().into()],
        Some(selection) => {
            let missing = selection.missing.iter();
            missing.map(|tag| format!("{name}:{tag}").into()).collect()
        }
    };
    selected.repositories.iter().flat_map(absent).collect()
}

fn unpatchable(registry: &str, repository: &str, image: &Image, why: NoNextPatch) -> Diagnostic {
    let advice = match why {
        NoNextPatch::Number => format!(
            "Select another tag of the repository, or use the tag convention `{}`.",
            TagConvention::Floating
        ),
        NoNextPatch::Length => "Use a shorter tag.".to_owned(),
    };
    warning(
        &format!(
            "{repository}:{} can't be patched again in {registry}",
            image.tag
        ),
        format!(
            "Patching {repository}:{} would fail: {why}. {advice}",
            image.tag
        ),
    )
}

fn warning(summary: &str, detail: String) -> Diagnostic {
    Diagnostic::warning(summary, detail).at(AttributePath::new(names::REPOSITORIES))
}

fn number(count: usize) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tag: &str, latest_patch: Option<&str>) -> Image {
        Image {
            tag: tag.to_owned(),
            latest_patch: latest_patch.map(str::to_owned),
        }
    }

    fn images(images: impl IntoIterator<Item = Image>) -> Selection {
        Selection {
            images: images.into_iter().collect(),
            ..Selection::default()
        }
    }

    /// Formats the images, each as `repository:tag <- latest, scanned -> next`.
    fn lines(attributes: &BTreeMap<String, Value>) -> Vec<String> {
        let images = attributes[schema::IMAGES].as_elements().unwrap();
        let line = |image: &Value| {
            let text = |name| image.get(name).as_str().unwrap_or("null");
            format!(
                "{}:{} <- {}, {} -> {}",
                text(schema::REPOSITORY),
                text(schema::TAG),
                text(schema::LATEST_PATCH_TAG),
                text(schema::SCAN_TAG),
                text(schema::NEXT_PATCH_TAG)
            )
        };
        images.iter().map(line).collect()
    }

    fn rendered(warnings: &Diagnostics) -> String {
        let texts: Vec<String> = warnings
            .iter()
            .map(|it| {
                assert!(!it.is_error(), "{it:?}");
                let path = it.path.clone().unwrap_or_default();
                format!("{path}: {}\n{}", it.summary, it.detail)
            })
            .collect();
        texts.join("\n---\n")
    }

    #[test]
    fn each_image_has_its_scanned_tag_and_its_next_patch_tag() {
        let python = Selection {
            missing: ["3.12".to_owned()].into(),
            ..images([image("3.9", Some("3.9-10")), image("3.11", None)])
        };
        let selected = Selected::from([
            ("python", Some(python)),
            ("absent", None),
            ("node", Some(images([image("22", Some("22-1"))]))),
        ]);
        let (attributes, warnings) = computed("contoso", &Policy::default(), &selected);
        assert_eq!(
            lines(&attributes),
            [
                "node:22 <- 22-1, 22-1 -> 22-2",
                "python:3.11 <- null, 3.11 -> 3.11-1",
                "python:3.9 <- 3.9-10, 3.9-10 -> 3.9-11",
            ]
        );
        assert_eq!(
            attributes[schema::NOT_FOUND],
            Value::List(vec!["absent".into(), "python:3.12".into()])
        );
        assert_eq!(attributes[schema::TOTAL], 3.into());
        assert_eq!(attributes[schema::LIMIT], 100.into());
        assert_eq!(rendered(&warnings), "");
    }

    #[test]
    fn an_image_without_a_next_patch_tag_is_a_warning() {
        let long = "a".repeat(127);
        let python = images([image("3.11", Some("3.11-999")), image(&long, None)]);
        let selected = Selected::from([("python", Some(python))]);
        let (attributes, warnings) = computed("contoso", &Policy::default(), &selected);
        assert_eq!(
            lines(&attributes)[0],
            "python:3.11 <- 3.11-999, 3.11-999 -> null"
        );
        insta::assert_snapshot!(rendered(&warnings).replace(&long, "aaa…"), @"
        repositories: python:3.11 can't be patched again in contoso
        Patching python:3.11 would fail: its patch tags have used every number up to 999. Select another tag of the repository, or use the tag convention `floating`.
        ---
        repositories: python:aaa… can't be patched again in contoso
        Patching python:aaa… would fail: its patch tag would exceed 128 characters. Use a shorter tag.
        ");
    }

    #[test]
    fn patch_tags_without_a_base_tag_are_a_warning() {
        let selection = Selection {
            baseless: ["build".to_owned()].into(),
            ..images([image("build", Some("build-500"))])
        };
        let (attributes, warnings) = computed(
            "contoso",
            &Policy::default(),
            &Selected::from([("app", Some(selection))]),
        );
        assert_eq!(
            lines(&attributes),
            ["app:build <- build-500, build-500 -> build-501"]
        );
        insta::assert_snapshot!(rendered(&warnings), @"
        repositories: Patch tags of app without a base tag in contoso
        The repository app has no tag build, but it has patch tags of that name. The workflow scans the newest of them. Patching it fails.
        ");
    }

    #[test]
    fn an_image_that_the_service_mistakes_for_another_is_a_warning() {
        let selection = Selection {
            mistaken: [("1.0".to_owned(), "app:web-1.0".to_owned())].into(),
            ..Selection::default()
        };
        let selected = Selected::from([("app-web", Some(selection))]);
        let (_, warnings) = computed("contoso", &Policy::default(), &selected);
        insta::assert_snapshot!(rendered(&warnings), @"
        repositories: app-web:1.0 is never patched in contoso
        The service mistakes app-web:1.0 for app:web-1.0. It joins a repository and a tag with a hyphen, which gives the same name for both. A run scans only app:web-1.0. Give one of them another tag or another repository.
        ");
    }

    #[test]
    fn more_than_100_images_are_a_warning_with_counts() {
        let many = |count: usize| {
            let tags = (0..count).map(|tag| image(&format!("v{tag}"), None));
            computed(
                "contoso",
                &Policy::default(),
                &Selected::from([("many", Some(images(tags)))]),
            )
        };
        assert_eq!(rendered(&many(100).1), "");
        let (attributes, warnings) = many(101);
        assert_eq!(attributes[schema::TOTAL], 101.into());
        insta::assert_snapshot!(rendered(&warnings), @"
        repositories: A run would fail in contoso
        The policy selects 101 images, but a run accepts at most 100. With more, the run fails and patches nothing. Select fewer repositories or tags.

            101  many
        ");
    }
}
