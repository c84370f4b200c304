//! The trigger task: which scans it queues for a listing, and when it fails.

use std::fmt::Write;

use crate::task_definitions::engine::{Run, Task};
use crate::task_definitions::{ALWAYS, assert_each_call_is_retried};

const HEADER: &str = "Repo,Tag,LatestPatchTag";

/// The output of the dry run, as acr-cli prints it.
fn listing_of(convention: &str, rows: &[&str]) -> String {
    let mut listing = format!(
        "DRY RUN mode enabled...\nReading filter from filter policy...\nValidating filter...\n\
         Configured Tag Convention:  {convention}\n\
         Artifacts specified in the filter that do not exist:\nRepo,Tag\nnode,20\nNot found: 1\n"
    );
    if rows.is_empty() {
        listing += "No matching repository and tag found!\n";
    } else {
        let title = "Listing repositories and tags matching the filter with corresponding latest";
        let rows = rows.join("\n");
        let _ = write!(
            listing,
            "{title} patch tag (if present):\n{HEADER}\n{rows}\n"
        );
    }
    listing + &format!("Matches found: {}\n", rows.len())
}

fn listing(rows: &[&str]) -> String {
    listing_of("incremental", rows)
}

/// A listing with this many images.
fn listing_with(images: usize) -> String {
    let rows: Vec<_> = (0..images).map(|n| format!("team/api,v{n},N/A")).collect();
    listing(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn run_with(listing: &str, fails: (&str, usize)) -> Run {
    let task = Task {
        listing,
        fails,
        ..trigger()
    };
    let run = task.run();
    assert!(!run.log.contains("Queued 0 of 0"), "{}", run.log);
    assert!(!run.log.contains("command not found"), "{}", run.log);
    run
}

fn run(listing: &str) -> Run {
    run_with(listing, ("", 0))
}

fn trigger() -> Task<'static> {
    Task {
        yaml: include_str!("../../../src/patching/task_definitions/trigger.yaml"),
        login_server: "contoso.azurecr.io",
        values: &[],
        listing: "",
        vulnerabilities: "",
        eosl: "",
        fails: ("", 0),
    }
}

/// The queued scans as `repository:scanned tag > original tag-patch`.
fn scans(run: &Run) -> Vec<String> {
    let scan = |call: &&str| {
        let value = |name: &str| {
            let values = call.split(" --set ").skip(1);
            let found = values
                .filter_map(|set| set.split_once('='))
                .find(|it| it.0 == name);
            found.unwrap().1
        };
        let patch = value("SOURCE_IMAGE_NEWPATCH_TAG");
        let (scanned, original) = (
            value("SOURCE_IMAGE_TAG"),
            value("SOURCE_IMAGE_ORIGINAL_TAG"),
        );
        format!(
            "{}:{scanned} > {original}-{patch}",
            value("SOURCE_REPOSITORY")
        )
    };
    run.calls_of("az acr task run").iter().map(scan).collect()
}

#[test]
fn one_listing_serves_count_and_list() {
    let run = run(&listing(&["python,3.11,3.11-1"]));
    assert_eq!(
        run.succeeded().calls,
        [
            "cssc acr cssc patch --filter-policy csscpolicies/patchpolicy:v1 --dry-run --show-patch-tags",
            "az login --identity --allow-no-subscriptions",
            "az acr task run --no-wait --registry contoso --name cssc-scan-image \
             --set SOURCE_REPOSITORY=python --set SOURCE_IMAGE_TAG=3.11-1 \
             --set SOURCE_IMAGE_ORIGINAL_TAG=3.11 --set SOURCE_IMAGE_NEWPATCH_TAG=2",
        ]
    );
    assert!(run.log.contains("\nMatches found: 1\n"), "{}", run.log);
    assert!(run.log.ends_with("\nQueued 1 of 1 scans.\n"), "{}", run.log);
}

#[test]
fn every_image_is_scanned_with_a_pause_after_every_tenth() {
    for (images, pauses) in [(25, 2), (100, 10)] {
        let run = run(&listing_with(images));
        let expected: Vec<_> = (0..images)
            .map(|n| format!("team/api:v{n} > v{n}-1"))
            .collect();
        assert_eq!(scans(run.succeeded()), expected);
        assert_eq!(run.calls_of("sleep 30").len(), pauses);
        let summary = format!("Queued {images} of {images} scans.\n");
        assert!(run.log.ends_with(&summary), "{}", run.log);
    }
}

#[test]
fn no_image_is_no_failure() {
    let run = run(&listing(&[]));
    assert_eq!(scans(run.succeeded()), [""; 0]);
    let reason = "No image matches the policy, so there is nothing to scan.\n";
    assert!(run.log.ends_with(reason), "{}", run.log);
}

#[test]
fn more_than_100_images_are_not_scanned() {
    let run = run(&listing_with(101));
    let reason =
        "ERROR: 101 images match the policy, but a run accepts at most 100. Nothing is scanned.";
    run.failed("select", reason);
    assert_eq!(run.calls_of("az"), [""; 0]);
}

#[test]
fn each_image_gets_the_next_patch_of_the_convention() {
    let run_of = |convention, rows: &[&str]| run(&listing_of(convention, rows));
    let rows = [
        "a,1,N/A",
        "a,1-slim,1-slim-9",
        "a,2,2-08",
        "b/c_d.e,V_1.0,V_1.0-999",
    ];
    let expected = ["a:1 > 1-1", "a:1-slim-9 > 1-slim-10", "a:2-08 > 2-9"];
    let scanned = scans(run_of("incremental", &rows).succeeded());
    assert_eq!(scanned[..3], expected);
    assert_eq!(scanned[3], "b/c_d.e:V_1.0-999 > V_1.0-1000");
    // A policy without a convention.
    assert_eq!(scans(run_of("", &rows).succeeded()), scanned);
    let floating = run_of("floating", &["a,1,N/A", "a,2,2-patched"]);
    let expected = ["a:1 > 1-patched", "a:2-patched > 2-patched"];
    assert_eq!(scans(floating.succeeded()), expected);
}

#[test]
fn blanks_and_other_headers_change_nothing() {
    let rows = ["python,3.11,3.11-2", "python,3.12,N/A", "team/api,7,N/A"];
    let plain = listing(&rows);
    let expected = [
        "python:3.11-2 > 3.11-3",
        "python:3.12 > 3.12-1",
        "team/api:7 > 7-1",
    ];
    for odd in [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\n\n"),
        plain.replace('\n', "  \t\n"),
        plain.replace('\n', "\n  "),
        plain.replace(',', ", "),
        plain.replace(HEADER, "repository,tag,latest"),
        plain.replace(HEADER, "REPO TAG LATEST"),
        plain.replace("Matches found: 3\n", "Matches found:3"),
        format!("{plain}python,3.13,N/A\n"),
    ] {
        assert_eq!(scans(run(&odd).succeeded()), expected, "{odd}");
    }
}

#[test]
fn a_count_that_differs_from_the_list_fails_the_run() {
    let plain = listing(&["python,3.11,N/A", "python,3.12,3.12-1"]);
    let changed = |from: &str, to: &str| {
        let changed = plain.replace(from, to);
        assert_ne!(changed, plain);
        changed
    };
    let differs = "ERROR: the number of images that match the policy is 2, but the listing names";
    let missing = "ERROR: the listing does not say how many images match the policy.";
    for (listing, reason) in [
        (changed("python,3.11,N/A\n", ""), differs),
        (changed("Matches", "team/api,7,N/A\nMatches"), differs),
        (changed("Repo,Tag,LatestPatchTag\n", ""), differs),
        (changed("Listing", "Images:"), differs),
        (changed("3.11,N/A", "3.11"), differs),
        (changed("3.11,N/A", "3.11,"), differs),
        (changed("3.12-1", "3.12-x"), differs),
        (changed("3.12-1", "3.11-1"), differs),
        (changed("python,3.11", "python,$(az)"), differs),
        (changed("python,3.11", "python,`az`"), differs),
        (changed("python,3.11", "python;az,3.11"), differs),
        (changed("python,3.11", "python,*"), differs),
        (
            changed("found: 2", "found: 0"),
            "policy is 0, but the listing names 2.",
        ),
        (changed("found: 2", "found: two"), missing),
        (changed("found: 2", "found:"), missing),
        (changed("Matches found: 2\n", ""), missing),
        (String::new(), missing),
    ] {
        let run = run(&listing);
        run.failed("select", reason)
            .failed("select", "Nothing is scanned.");
        assert_eq!(run.calls_of("az"), [""; 0], "{listing}");
    }
}

#[test]
fn listing_signing_in_and_queueing_are_retried() {
    let one = listing_with(1);
    assert_each_call_is_retried(
        &[
            ("cssc acr", "list", 4),
            ("az login", "login", 4),
            ("az acr task run", "queue", 3),
        ],
        |call, times| run_with(&one, (call, times)),
        |_| {},
    );
}

#[test]
fn an_image_that_is_not_queued_is_tried_again_after_the_others() {
    let three = listing_with(3);
    let second = "az acr task run*SOURCE_IMAGE_TAG=v1 *";
    let each = [
        "team/api:v0 > v0-1",
        "team/api:v1 > v1-1",
        "team/api:v2 > v2-1",
    ];
    let once = run_with(&three, (second, 1));
    assert_eq!(
        scans(once.succeeded()),
        [each[0], each[1], each[2], each[1]]
    );
    assert_eq!(once.calls_of("sleep"), ["sleep 30"]);
    assert!(
        once.log.ends_with("\nQueued 3 of 3 scans.\n"),
        "{}",
        once.log
    );

    let never = run_with(&three, (second, ALWAYS));
    never.failed(
        "queue",
        "ERROR: the scan of team/api:v1 could not be queued.",
    );
    assert_eq!(scans(&never), [each[0], each[1], each[2], each[1], each[1]]);
    assert!(
        never.log.ends_with("\nQueued 2 of 3 scans.\n"),
        "{}",
        never.log
    );
}

#[test]
fn a_domain_name_label_is_not_part_of_the_registry_name() {
    let one = listing_with(1);
    let task = Task {
        login_server: "contoso-d7g2h1.azurecr.io",
        listing: &one,
        ..trigger()
    };
    let run = task.run();
    let queued = run.succeeded().calls_of("az acr task run");
    assert!(
        queued[0].contains(" --registry contoso --name "),
        "{queued:?}"
    );
}
