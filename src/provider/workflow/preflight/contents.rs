//! Findings about what the selected tags hold. Pure.

use std::collections::{BTreeMap, BTreeSet};

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

use crate::azure::acr::{Content, Platform};
use crate::patching::selection::MOST_IMAGES;
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::scope::{Scope, list};

/// What the selected tags hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// The tags of signatures and similar artifacts, as `<repository>:<tag>`.
    pub(super) attached: BTreeSet<String>,
    /// The content of every other tag, by `<repository>:<tag>`.
    pub(super) read: BTreeMap<String, Content>,
}

/// Whether a tag belongs to the signature, attestation or SBOM of an image. Tools store them under the digest of
/// the image: `sha256-<digest>`, with or without an extension.
pub(super) fn is_attached(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("sha256-") else {
        return false;
    };
    let (digest, extension) = rest.split_once('.').unwrap_or((rest, ""));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digest.len() == 64
        && digest.bytes().all(is_hex)
        && matches!(extension, "" | "sig" | "att" | "sbom")
}

/// Returns the findings about `contents`.
pub(super) fn findings(contents: &Contents, scope: Scope<'_>) -> Vec<Diagnostic> {
    let finding = |summary: &str, found: Vec<String>, detail: &dyn Fn(&str) -> String| {
        (!found.is_empty()).then(|| {
            let here = AttributePath::new(names::REPOSITORIES);
            scope.finding(summary, detail(&list(found)), here)
        })
    };
    let windows = finding("Windows images", windows(contents), &|images| {
        format!(
            "Continuous Patching patches Linux images only. The scans of these Windows images fail: \
             {images}."
        )
    });
    let several = finding(
        "Multi-arch images",
        several_platforms(contents),
        &|images| {
            format!(
                "Continuous Patching does not support multi-arch images. These tags are indexes of several \
             platforms: {images}. Select tags with a single platform instead."
            )
        },
    );
    let foreign = finding("Images without linux/amd64", foreign(contents), &|images| {
        format!(
            "The tasks run on linux/amd64. The scans of these indexes fail, because they have no image of \
             that platform: {images}."
        )
    });
    let others = finding(
        "Artifacts that are not images",
        others(contents),
        &|artifacts| {
            format!(
                "The policy selects artifacts that are not images: {artifacts}. The workflow can't patch them, \
             but they count towards the {MOST_IMAGES} images of a run. Name the tags of the images instead \
             of `*`, or move these artifacts to another repository."
            )
        },
    );
    [windows, several, foreign, others]
        .into_iter()
        .flatten()
        .collect()
}

fn windows(contents: &Contents) -> Vec<String> {
    let read = contents.read.iter();
    read.filter(|(_, content)| is_windows(content))
        .map(|(image, _)| image.clone())
        .collect()
}

fn is_windows(content: &Content) -> bool {
    match content {
        Content::Image { os } => os == "windows",
        Content::Index(platforms) => {
            let mut platforms = platforms.iter();
            platforms.len() > 0 && platforms.all(|platform| platform.os == "windows")
        }
        Content::Unknown | Content::Chart | Content::BuildCache => false,
    }
}

/// Returns the indexes with several platforms. An index of Windows images is only a Windows image here.
fn several_platforms(contents: &Contents) -> Vec<String> {
    indexes(contents)
        .filter(|(_, platforms)| platforms.len() > 1)
        .map(with_platforms)
        .collect()
}

/// Returns the indexes without an image that the tasks can run.
fn foreign(contents: &Contents) -> Vec<String> {
    let runs = |it: &Platform| it.os == "linux" && it.architecture == "amd64";
    indexes(contents)
        .filter(|(_, platforms)| !platforms.is_empty() && !platforms.iter().any(runs))
        .map(with_platforms)
        .collect()
}

fn indexes(contents: &Contents) -> impl Iterator<Item = (&String, &BTreeSet<Platform>)> {
    let read = contents.read.iter();
    read.filter(|(_, content)| !is_windows(content))
        .filter_map(|(image, content)| match content {
            Content::Index(platforms) => Some((image, platforms)),
            _ => None,
        })
}

fn with_platforms((image, platforms): (&String, &BTreeSet<Platform>)) -> String {
    let platforms: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    format!("{image} ({})", platforms.join(", "))
}

/// Returns each artifact with its kind, in alphabetical order.
fn others(contents: &Contents) -> Vec<String> {
    let read = contents.read.iter();
    let read = read.filter_map(|(tag, content)| match content {
        Content::Chart => Some(format!("{tag} (Helm chart)")),
        Content::BuildCache => Some(format!("{tag} (build cache)")),
        Content::Unknown | Content::Image { .. } | Content::Index(_) => None,
    });
    let attached = contents.attached.iter();
    let attached = attached.map(|tag| format!("{tag} (signature, attestation or SBOM)"));
    let artifacts: BTreeSet<String> = read.chain(attached).collect();
    artifacts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::preflight::{Preflight, rendered};

    fn index(platforms: &[&str]) -> Content {
        let platform = |text: &&str| {
            let mut parts = text.split('/').map(str::to_owned);
            Platform {
                os: parts.next().unwrap(),
                architecture: parts.next().unwrap(),
                variant: parts.next(),
            }
        };
        Content::Index(platforms.iter().map(platform).collect())
    }

    fn image(os: &str) -> Content {
        Content::Image { os: os.to_owned() }
    }

    fn found(attached: &[&str], read: &[(&str, Content)]) -> String {
        let contents = Contents {
            attached: attached.iter().map(|&tag| tag.to_owned()).collect(),
            read: read
                .iter()
                .map(|(tag, content)| ((*tag).to_owned(), content.clone()))
                .collect(),
        };
        let scope = Scope {
            registry: "contoso",
            preflight: Preflight::Warn,
        };
        rendered(&findings(&contents, scope).into_iter().collect())
    }

    #[test]
    fn images_of_one_linux_platform_have_no_findings() {
        let read = [
            ("a:1", image("linux")),
            ("a:2", index(&["linux/amd64"])),
            ("a:3", index(&[])),
            ("a:4", Content::Unknown),
        ];
        assert_eq!(found(&[], &read), "");
    }

    #[test]
    fn windows_images_and_indexes_of_other_platforms_are_findings() {
        let read = [
            ("a:1", image("windows")),
            ("a:2", index(&["windows/amd64", "windows/arm64"])),
            ("a:3", index(&["linux/amd64", "windows/amd64"])),
            (
                "a:4",
                index(&["linux/amd64", "linux/arm/v6", "linux/arm/v7"]),
            ),
            ("a:5", index(&["linux/arm64"])),
            ("a:6", index(&["linux/arm64", "windows/amd64"])),
        ];
        insta::assert_snapshot!(found(&[], &read), @"
        Warning at repositories: Windows images in contoso
        Continuous Patching patches Linux images only. The scans of these Windows images fail: a:1, a:2.
        ---
        Warning at repositories: Multi-arch images in contoso
        Continuous Patching does not support multi-arch images. These tags are indexes of several platforms: a:3 (linux/amd64, windows/amd64), a:4 (linux/amd64, linux/arm/v6, linux/arm/v7), a:6 (linux/arm64, windows/amd64). Select tags with a single platform instead.
        ---
        Warning at repositories: Images without linux/amd64 in contoso
        The tasks run on linux/amd64. The scans of these indexes fail, because they have no image of that platform: a:5 (linux/arm64), a:6 (linux/arm64, windows/amd64).
        ");
    }

    #[test]
    fn artifacts_that_are_not_images_are_one_finding() {
        let read = [
            ("charts/app:1.0.0", Content::Chart),
            ("app:cache", Content::BuildCache),
        ];
        let signature = format!("app:sha256-{}.sig", "0".repeat(64));
        insta::assert_snapshot!(found(&[&signature], &read), @"
        Warning at repositories: Artifacts that are not images in contoso
        The policy selects artifacts that are not images: app:cache (build cache), app:sha256-0000000000000000000000000000000000000000000000000000000000000000.sig (signature, attestation or SBOM), charts/app:1.0.0 (Helm chart). The workflow can't patch them, but they count towards the 100 images of a run. Name the tags of the images instead of `*`, or move these artifacts to another repository.
        ");
    }

    #[test]
    fn tags_under_a_digest_belong_to_signatures_attestations_and_sboms() {
        let digest = "0123456789abcdef".repeat(4);
        for extension in ["", ".sig", ".att", ".sbom"] {
            assert!(is_attached(&format!("sha256-{digest}{extension}")));
        }
        let images = [
            "latest".to_owned(),
            "sha256-1.sig".to_owned(),
            format!("sha256-{digest}.1"),
            format!("sha256-{}", digest.to_uppercase()),
            format!("v1-{digest}"),
        ];
        for image in images {
            assert!(!is_attached(&image), "{image}");
        }
    }
}
