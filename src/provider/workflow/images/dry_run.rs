//! What is said of the images that a policy selects. Pure.

use std::collections::BTreeMap;

use crate::patching::selection::{Image, MOST_IMAGES, NoNextPatch, Selection};
use crate::patching::{Policy, TagConvention};
use crate::provider::workflow::images::schema;
use crate::provider::workflow::names;
use crate::provider::workflow::repositories::write_repositories;
use crate::workflow::registry_selection::Selected;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::{AttributePath, Value};

/// The attributes that a dry run of `policy` fills in, and warnings. That a run would fail is what
/// users want to know of a dry run: it is no failure of the look.
pub(super) fn computed(
    policy: &Policy,
    selected: &Selected,
) -> (BTreeMap<String, Value>, Diagnostics) {
    let mut warnings = Diagnostics::new();
    if selected.total() > MOST_IMAGES {
        let detail = format!("The policy {}", selected.too_many());
        warnings.push(warning("A run would fail", detail));
    }
    for (repository, selection) in &selected.repositories {
        let baseless = selection.iter().flat_map(|selection| &selection.baseless);
        for tag in baseless {
            let detail = format!(
                "The repository {repository} has no tag {tag}, but tags that look like patches of it. The \
                 newest of them is scanned; patching fails."
            );
            let summary = format!("Patches of no image in {repository}");
            warnings.push(warning(&summary, detail));
        }
    }
    let images: Vec<Value> = selected
        .images()
        .map(|(repository, image)| {
            let next = image.next_patch(policy.convention);
            if let Err(why) = next {
                warnings.push(not_any_more(repository, image, why));
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

/// `<repository>`, or `<repository>:<tag>` of a repository that is there.
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

fn not_any_more(repository: &str, image: &Image, why: NoNextPatch) -> Diagnostic {
    let advice = match why {
        NoNextPatch::Number => format!(
            "Have another tag of it patched, or use the tag convention `{}`.",
            TagConvention::Floating
        ),
        NoNextPatch::Length => "Give it a shorter tag.".to_owned(),
    };
    warning(
        &format!("{repository}:{} can't be patched any more", image.tag),
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

    /// The images, `repository:tag <- latest, scanned -> next` each.
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
    fn each_image_has_what_is_scanned_and_what_a_patch_would_be_called() {
        let python = Selection {
            missing: ["3.12".to_owned()].into(),
            ..images([image("3.9", Some("3.9-10")), image("3.11", None)])
        };
        let selected = Selected::from([
            ("python", Some(python)),
            ("absent", None),
            ("node", Some(images([image("22", Some("22-1"))]))),
        ]);
        let (attributes, warnings) = computed(&Policy::default(), &selected);
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
    fn what_can_not_be_patched_any_more_is_a_warning_with_its_name() {
        let long = "a".repeat(127);
        let python = images([image("3.11", Some("3.11-999")), image(&long, None)]);
        let selected = Selected::from([("python", Some(python))]);
        let (attributes, warnings) = computed(&Policy::default(), &selected);
        assert_eq!(
            lines(&attributes)[0],
            "python:3.11 <- 3.11-999, 3.11-999 -> null"
        );
        insta::assert_snapshot!(rendered(&warnings).replace(&long, "aaa…"), @"
        repositories: python:3.11 can't be patched any more
        Patching python:3.11 would fail: its patch tags have used every number up to 999. Have another tag of it patched, or use the tag convention `floating`.
        ---
        repositories: python:aaa… can't be patched any more
        Patching python:aaa… would fail: its patch tag would exceed 128 characters. Give it a shorter tag.
        ");
    }

    #[test]
    fn patches_without_their_image_are_told() {
        let selection = Selection {
            baseless: ["build".to_owned()].into(),
            ..images([image("build", Some("build-500"))])
        };
        let (attributes, warnings) = computed(
            &Policy::default(),
            &Selected::from([("app", Some(selection))]),
        );
        assert_eq!(
            lines(&attributes),
            ["app:build <- build-500, build-500 -> build-501"]
        );
        insta::assert_snapshot!(rendered(&warnings), @"
        repositories: Patches of no image in app
        The repository app has no tag build, but tags that look like patches of it. The newest of them is scanned; patching fails.
        ");
    }

    #[test]
    fn a_hundred_images_are_fine_and_one_more_is_a_warning_with_the_counts() {
        let many = |count: usize| {
            let tags = (0..count).map(|tag| image(&format!("v{tag}"), None));
            computed(
                &Policy::default(),
                &Selected::from([("many", Some(images(tags)))]),
            )
        };
        assert_eq!(rendered(&many(100).1), "");
        let (attributes, warnings) = many(101);
        assert_eq!(attributes[schema::TOTAL], 101.into());
        insta::assert_snapshot!(rendered(&warnings), @"
        repositories: A run would fail
        The policy selects 101 images, but a run accepts at most 100. With more, the run fails and patches nothing. Name fewer repositories or tags.

            101  many
        ");
    }
}
