use proptest::prelude::*;
use regex_lite::Regex;

use super::*;

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

/// Returns the selection as `tag` or `tag <- latest patch`.
fn selected(convention: TagConvention, wanted: &[&str], present: &[&str]) -> Vec<String> {
    select(convention, &set(wanted), &set(present))
        .images
        .iter()
        .map(|image| match &image.latest_patch {
            None => image.tag.clone(),
            Some(patch) => format!("{} <- {patch}", image.tag),
        })
        .collect()
}

const TAGS: [&str; 9] = [
    "3.11",
    "3.11-1",
    "3.11-2",
    "3.11-10",
    "3.11-patched",
    "3.11-0",
    "3.11-1000",
    "latest",
    "3x11",
];

#[test]
fn the_newest_patch_is_the_one_with_the_highest_number() {
    assert_eq!(
        selected(TagConvention::Incremental, &["latest"], &TAGS),
        ["latest"]
    );
    let named = selected(
        TagConvention::Incremental,
        &["3.11"],
        &["3.11", "3.11-2", "3.11-10"],
    );
    assert_eq!(named, ["3.11 <- 3.11-10"]);
    let floating = selected(
        TagConvention::Floating,
        &["3.11"],
        &["3.11", "3.11-2", "3.11-patched"],
    );
    assert_eq!(floating, ["3.11 <- 3.11-patched"]);
}

#[test]
fn every_tag_excludes_patches_of_both_conventions() {
    assert_eq!(
        selected(TagConvention::Incremental, &["*"], &TAGS),
        ["3.11 <- 3.11-10", "3.11-0", "3.11-1000", "3x11", "latest"]
    );
    assert_eq!(
        selected(TagConvention::Floating, &["*"], &TAGS),
        [
            "3.11 <- 3.11-patched",
            "3.11-0",
            "3.11-1000",
            "3x11",
            "latest"
        ]
    );
}

#[test]
fn a_named_tag_excludes_patches_of_the_other_convention() {
    let present = ["3.11", "3-11", "3.11-patched", "3.11-patched7", "3.11-2"];
    assert_eq!(
        selected(TagConvention::Floating, &["3.11"], &present),
        ["3.11 <- 3.11-patched", "3.11-patched7"]
    );
    assert_eq!(
        selected(TagConvention::Incremental, &["3.11"], &present),
        ["3 <- 3-11", "3.11 <- 3.11-2"]
    );
    let selection = select(TagConvention::Floating, &set(&["3.11"]), &set(&present));
    assert_eq!(
        selection.unnamed,
        BTreeMap::from([("3.11-patched7".to_owned(), "3.11".to_owned())])
    );
}

#[test]
fn only_patched_without_a_number_is_a_floating_patch() {
    assert_eq!(
        selected(
            TagConvention::Floating,
            &["*"],
            &["1", "1-patched", "1-patched7", "1-patched-2"]
        ),
        ["1 <- 1-patched", "1-patched7"]
    );
}

#[test]
fn every_tag_among_others_is_a_tag_that_does_not_exist() {
    let selection = select(
        TagConvention::Incremental,
        &set(&["*", "latest"]),
        &set(&TAGS),
    );
    assert_eq!(selection.missing, set(&["*"]));
    assert_eq!(selection.images.len(), 1);
}

#[test]
fn reports_tags_that_match_only_because_of_a_dot() {
    let selection = select(TagConvention::Incremental, &set(&["3.11"]), &set(&TAGS));
    assert_eq!(
        selection.unnamed,
        BTreeMap::from([("3x11".to_owned(), "3.11".to_owned())])
    );
    let both = select(
        TagConvention::Incremental,
        &set(&["3.11", "3x11"]),
        &set(&TAGS),
    );
    assert_eq!(both.unnamed, BTreeMap::new());
    assert_eq!(both.images, selection.images);
}

#[test]
fn a_tag_that_does_not_exist_is_missing() {
    let selection = select(
        TagConvention::Incremental,
        &set(&["3.12", "latest"]),
        &set(&TAGS),
    );
    assert_eq!(selection.missing, set(&["3.12"]));
    assert_eq!(selection.images.len(), 1);
}

#[test]
fn an_invalid_tag_is_missing() {
    let selection = select(TagConvention::Incremental, &set(&["3.11("]), &set(&TAGS));
    assert_eq!(selection.missing, set(&["3.11("]));
    assert_eq!(selection.images.len(), 0);
}

/// Returns the next patch tag, or the reason why no next patch is possible.
fn next(convention: TagConvention, tag: &str, latest: Option<&str>) -> String {
    let image = Image {
        tag: tag.to_owned(),
        latest_patch: latest.map(str::to_owned),
    };
    image
        .next_patch(convention)
        .unwrap_or_else(|none| none.to_string())
}

#[test]
fn the_next_patch_has_the_next_number_or_is_floating() {
    for (latest, incremental) in [
        (None, "3.11-1"),
        (Some("3.11-1"), "3.11-2"),
        (Some("3.11-10"), "3.11-11"),
        (Some("3.11-998"), "3.11-999"),
    ] {
        let tag = next(TagConvention::Incremental, "3.11", latest);
        assert_eq!(tag, incremental);
    }
    for latest in [None, Some("3.11-patched")] {
        let tag = next(TagConvention::Floating, "3.11", latest);
        assert_eq!(tag, "3.11-patched");
    }
    let ordinary = next(TagConvention::Incremental, "3.11-1000", None);
    assert_eq!(ordinary, "3.11-1000-1");
}

#[test]
fn an_image_without_a_valid_next_tag_has_no_next_patch() {
    insta::assert_snapshot!(next(TagConvention::Incremental, "3.11", Some("3.11-999")), @"its patch tags have used every number up to 999");
    let long = "a".repeat(121);
    insta::assert_snapshot!(next(TagConvention::Floating, &long, None), @"its patch tag would exceed 128 characters");
    assert_eq!(
        next(TagConvention::Floating, &long[1..], None).len(),
        LONGEST_TAG
    );
}

#[test]
fn an_unnamed_match_is_patched_under_its_own_tag() {
    let present = set(&["3x11", "3x11-4"]);
    let select = |wanted: &[&str], present: &BTreeSet<String>| {
        select(TagConvention::Incremental, &set(wanted), present)
    };
    // A name that doesn't exist selects nothing.
    assert_eq!(
        select(&["3.11"], &present),
        Selection {
            missing: set(&["3.11"]),
            ..Selection::default()
        }
    );
    let mut selection = select(&["3.11"], &set(&["3.11", "3x11", "3x11-4"]));
    selection.images.retain(|image| image.tag != "3.11");
    let next: Vec<_> = selection
        .images
        .iter()
        .map(|image| image.next_patch(TagConvention::Incremental))
        .collect();
    assert_eq!(next, [Ok("3x11-5".to_owned())]);
}

#[test]
fn patches_without_a_base_tag_are_still_selected() {
    let present = set(&["build-9", "build-10", "3.11", "3-11", "3-20"]);
    let of = |wanted: &[&str]| select(TagConvention::Incremental, &set(wanted), &present);
    assert_eq!(
        selected(
            TagConvention::Incremental,
            &["*"],
            &["build-9", "build-10", "1-patched"]
        ),
        ["build <- build-10"]
    );
    assert_eq!(of(&["*"]).baseless, set(&["3", "build"]));
    // A dot matches a hyphen, and the digits after the hyphen then look like a patch number.
    let named = of(&["3.11"]);
    assert_eq!(named.baseless, set(&["3"]));
    let three = named.images.iter().find(|image| image.tag == "3").unwrap();
    assert_eq!(three.latest_patch.as_deref(), Some("3-11"));
    assert_eq!(named.unnamed["3"], "3.11");
}

proptest! {
    #[test]
    fn arbitrary_tags_belong_to_at_most_one_convention(tag in corpus::changed_text("tags")) {
        let conventions = TagConvention::ALL.into_iter();
        prop_assert!(conventions.filter(|convention| patch_of(*convention, &tag).is_some()).count() <= 1);
    }

    #[test]
    fn a_patch_tag_belongs_to_one_convention_and_is_its_base_and_its_end(
        tag in "[a-z0-9][a-z0-9.]{0,3}(-(patched|patched[0-9]|[0-9]{1,4})){0,3}"
    ) {
        let patches: Vec<_> = TagConvention::ALL
            .into_iter()
            .filter_map(|convention| Some((convention, patch_of(convention, &tag)?)))
            .collect();
        prop_assert!(patches.len() <= 1);
        for (convention, (base, number)) in patches {
            let end = number.map_or("patched".to_owned(), |number| number.to_string());
            prop_assert_eq!(&tag, &format!("{base}-{end}"));
            let image = Image { tag: base.to_owned(), latest_patch: Some(tag.clone()) };
            if let Ok(next) = image.next_patch(convention) {
                let next = patch_of(convention, &next);
                prop_assert_eq!(next, Some((base, number.map(|number| number + 1))));
            }
        }
    }

    #[test]
    fn a_name_matches_the_same_tags_as_the_pattern_of_the_service(
        name in "[ab1][ab1.-]{0,4}",
        tag in "[ab1é\n][ab1é\n.-]{0,4}(-(patched[0-9]{0,2}|[0-9]{0,5}))?",
    ) {
        for (convention, suffix) in [
            (TagConvention::Incremental, r"(-[1-9]\d{0,2})?"),
            (TagConvention::Floating, r"(-patched\d*)?"),
        ] {
            let pattern = Regex::new(&format!("^{name}{suffix}$")).unwrap();
            let matches = after_name(&name, &tag).is_some_and(|rest| is_suffix(convention, rest));
            prop_assert_eq!(matches, pattern.is_match(&tag));
        }
    }
}
