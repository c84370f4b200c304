//! Validates the names of repositories and tags in a policy.
//!
//! The task scripts put these names on a command line, and ACR puts them into a reference. These rules
//! make both safe. They follow the grammar of the OCI distribution specification.

use thiserror::Error;

use crate::patching::policy::{POLICY_REPOSITORY, TagConvention};

/// Selects every tag of a repository. It must be the only entry.
pub(crate) const EVERY_TAG: &str = "*";

const LONGEST_REFERENCE: usize = 255;
/// The maximum length of a tag.
pub(crate) const LONGEST_TAG: usize = 128;

/// Why a policy can't contain a repository.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RepositoryProblem {
    /// The name is empty.
    #[error("a repository name can't be empty")]
    Empty,
    /// The name violates the grammar.
    #[error(
        "{0:?} is not a valid repository name. It has path components separated by slashes. A \
         component has lowercase letters and digits, separated by single dots, one or two \
         underscores, or any number of hyphens"
    )]
    Grammar(String),
    /// The name with the registry's host exceeds the maximum length of a reference.
    #[error(
        "{name:?} is too long. Including the registry's host, a reference to it has at least \
         {length} characters. The maximum is {LONGEST_REFERENCE}"
    )]
    TooLong {
        /// The repository's name.
        name: String,
        /// Characters of host, slash and name.
        length: usize,
    },
    /// The policy's own repository.
    #[error("{POLICY_REPOSITORY:?} stores the workflow's policy, which is not an image")]
    PolicyRepository,
}

/// Why a policy can't contain a tag.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum TagProblem {
    /// The tag is empty.
    #[error("a tag can't be empty")]
    Empty,
    /// The tag violates the grammar.
    #[error(
        "{0:?} is not a valid tag. A tag has at most {LONGEST_TAG} letters, digits, underscores, \
         dots and hyphens, and begins with a letter, a digit or an underscore"
    )]
    Grammar(String),
    /// The tag looks like a patch tag.
    #[error(
        "{0:?} looks like a patch tag, because it ends in \"-patched\" or in \"-0\" to \"-999\". \
         Name the tag to patch instead"
    )]
    PatchTag(String),
    /// The patch tag would exceed the maximum length of a tag.
    #[error(
        "{tag:?} is too long. Its {convention} patch tag adds up to {added} characters, and a tag \
         has at most {LONGEST_TAG}"
    )]
    NoRoomForPatchTag {
        /// The tag.
        tag: String,
        /// The tag convention.
        convention: TagConvention,
        /// The maximum number of characters that the convention adds.
        added: usize,
    },
    /// `*` together with other tags.
    #[error("\"*\" means every tag and must be the only entry")]
    EveryTagWithOthers,
    /// The list is empty.
    #[error("at least one tag is required. [\"*\"] means every tag")]
    NoTag,
}

/// Checks a repository name. `host` is the registry's login server, if known.
///
/// # Errors
/// The first rule that the name breaks.
pub(crate) fn check_repository(name: &str, host: Option<&str>) -> Result<(), RepositoryProblem> {
    if name.is_empty() {
        return Err(RepositoryProblem::Empty);
    }
    if !name.split('/').all(is_path_component) {
        return Err(RepositoryProblem::Grammar(name.to_owned()));
    }
    if name == POLICY_REPOSITORY {
        return Err(RepositoryProblem::PolicyRepository);
    }
    let length = host.map_or(0, |host| host.len() + 1) + name.len();
    if length > LONGEST_REFERENCE {
        return Err(RepositoryProblem::TooLong {
            name: name.to_owned(),
            length,
        });
    }
    Ok(())
}

/// Checks a single tag. `convention` is the tag convention, if known.
///
/// # Errors
/// The first rule that the tag breaks.
pub(crate) fn check_tag(tag: &str, convention: Option<TagConvention>) -> Result<(), TagProblem> {
    if tag == EVERY_TAG {
        return Ok(());
    }
    check_grammar(tag)?;
    if is_patch_tag(tag) {
        return Err(TagProblem::PatchTag(tag.to_owned()));
    }
    if let Some(convention) = convention {
        let added = convention.longest_suffix().len();
        if tag.len() + added > LONGEST_TAG {
            return Err(TagProblem::NoRoomForPatchTag {
                tag: tag.to_owned(),
                convention,
                added,
            });
        }
    }
    Ok(())
}

/// Checks that a text is a valid tag. A patch tag is valid here.
///
/// # Errors
/// If it is not.
pub(crate) fn check_grammar(tag: &str) -> Result<(), TagProblem> {
    if tag.is_empty() {
        Err(TagProblem::Empty)
    } else if !is_tag(tag) {
        Err(TagProblem::Grammar(tag.to_owned()))
    } else {
        Ok(())
    }
}

/// Checks the tags of one repository as a list.
///
/// # Errors
/// If the list is empty, or contains `*` and other tags.
pub(crate) fn check_tags_together<'a>(
    tags: impl IntoIterator<Item = &'a str>,
) -> Result<(), TagProblem> {
    let (mut count, mut every) = (0, false);
    for tag in tags {
        count += 1;
        every |= tag == EVERY_TAG;
    }
    match (count, every) {
        (0, _) => Err(TagProblem::NoTag),
        (2.., true) => Err(TagProblem::EveryTagWithOthers),
        _ => Ok(()),
    }
}

/// Whether the Azure CLI treats the tag as a patch tag: it ends in `-patched`, or in a hyphen and one to
/// three digits.
pub(crate) fn is_patch_tag(tag: &str) -> bool {
    tag.rsplit_once('-').is_some_and(|(_, end)| {
        end == "patched"
            || ((1..=3).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let letter = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let separators = component
        .split(letter)
        .filter(|between| !between.is_empty());
    component.starts_with(letter)
        && component.ends_with(letter)
        && separators.into_iter().all(|between| {
            matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag_findings(tags: &[&str], convention: TagConvention) -> String {
        tags.iter()
            .map(|tag| match check_tag(tag, Some(convention)) {
                Ok(()) => format!("{tag}: fine"),
                Err(problem) => problem.to_string(),
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn tags_that_look_like_patch_tags_are_errors() {
        let tags = [
            "1.0",
            "1.0-0",
            "1.0-1",
            "1.0-999",
            "1.0-1000",
            "x-patched",
            "patched",
            "1-",
            "*",
        ];
        insta::assert_snapshot!(tag_findings(&tags, TagConvention::Incremental), @r#"
        1.0: fine
        "1.0-0" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        "1.0-1" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        "1.0-999" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        1.0-1000: fine
        "x-patched" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        patched: fine
        1-: fine
        *: fine
        "#);
    }

    #[test]
    fn tags_that_violate_the_grammar_are_errors() {
        insta::assert_snapshot!(tag_findings(&["", ".1", "-1", "a b", "a/b", "latest;reboot", "_x.Y-z"], TagConvention::Incremental), @r#"
        a tag can't be empty
        ".1" is not a valid tag. A tag has at most 128 letters, digits, underscores, dots and hyphens, and begins with a letter, a digit or an underscore
        "-1" is not a valid tag. A tag has at most 128 letters, digits, underscores, dots and hyphens, and begins with a letter, a digit or an underscore
        "a b" is not a valid tag. A tag has at most 128 letters, digits, underscores, dots and hyphens, and begins with a letter, a digit or an underscore
        "a/b" is not a valid tag. A tag has at most 128 letters, digits, underscores, dots and hyphens, and begins with a letter, a digit or an underscore
        "latest;reboot" is not a valid tag. A tag has at most 128 letters, digits, underscores, dots and hyphens, and begins with a letter, a digit or an underscore
        _x.Y-z: fine
        "#);
    }

    #[test]
    fn a_tag_leaves_room_for_its_patch_tag() {
        let of =
            |length: usize, convention| check_tag(&"a".repeat(length), Some(convention)).is_ok();
        assert!(of(124, TagConvention::Incremental) && !of(125, TagConvention::Incremental));
        assert!(of(120, TagConvention::Floating) && !of(121, TagConvention::Floating));
        assert_eq!(check_tag(&"a".repeat(128), None), Ok(()));
        insta::assert_snapshot!(check_tag(&"a".repeat(121), Some(TagConvention::Floating)).unwrap_err().to_string().replace(&"a".repeat(121), "aaa…"), @r#""aaa…" is too long. Its floating patch tag adds up to 8 characters, and a tag has at most 128"#);
    }

    #[test]
    fn every_tag_must_be_the_only_entry() {
        assert_eq!(check_tags_together([]), Err(TagProblem::NoTag));
        assert_eq!(check_tags_together(["*"]), Ok(()));
        assert_eq!(check_tags_together(["a", "b"]), Ok(()));
        assert_eq!(
            check_tags_together(["*", "b"]),
            Err(TagProblem::EveryTagWithOthers)
        );
    }

    #[test]
    fn repositories_follow_the_oci_grammar() {
        for name in ["python", "team/api-fw", "a/b/c", "a.b_c__d---e", "0"] {
            assert_eq!(check_repository(name, None), Ok(()), "{name}");
        }
        for name in [
            "Python", "a//b", "/a", "a/", "a..b", "a___b", "-a", "a-", "a b", "a:b", "a._b", "é",
        ] {
            assert!(
                matches!(
                    check_repository(name, None),
                    Err(RepositoryProblem::Grammar(_))
                ),
                "{name}"
            );
        }
        assert_eq!(check_repository("", None), Err(RepositoryProblem::Empty));
        assert_eq!(
            check_repository(POLICY_REPOSITORY, None),
            Err(RepositoryProblem::PolicyRepository)
        );
    }

    #[test]
    fn a_repository_and_its_host_must_fit_into_a_reference() {
        let name = "a".repeat(255 - "contoso.azurecr.io/".len());
        assert_eq!(check_repository(&name, Some("contoso.azurecr.io")), Ok(()));
        assert!(matches!(
            check_repository(&format!("{name}a"), Some("contoso.azurecr.io")),
            Err(RepositoryProblem::TooLong { length: 256, .. })
        ));
    }

    proptest! {
        #[test]
        fn valid_names_are_safe_on_a_command_line(text in "\\PC{0,20}") {
            let safe = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
            prop_assert!(check_repository(&text, None).is_err() || safe(&text));
            prop_assert!(text == EVERY_TAG || check_tag(&text, None).is_err() || safe(&text));
        }
    }
}
