//! The scan task: when it queues a patch, and the log lines that others parse.

use crate::task_definitions::assert_each_call_is_retried;
use crate::task_definitions::engine::{Run, Task, lines};

const VALUES: [(&str, &str); 4] = [
    ("SOURCE_REPOSITORY", "team/api"),
    ("SOURCE_IMAGE_TAG", "2-1"),
    ("SOURCE_IMAGE_ORIGINAL_TAG", "2"),
    ("SOURCE_IMAGE_NEWPATCH_TAG", "2"),
];
const SCANNING: [&str; 2] = [
    "Scanning image for vulnerability team/api:2-1 for tag 2",
    "Scanning repo: team/api, Tag:2-1, OriginalTag:2",
];

fn scan() -> Task<'static> {
    Task {
        yaml: include_str!("../../../src/patching/task_definitions/scan.yaml"),
        login_server: "contoso.azurecr.io",
        values: &VALUES,
        listing: "",
        vulnerabilities: "3\n",
        eosl: "false\n",
        fails: ("", 0),
    }
}

fn run(vulnerabilities: &str, eosl: &str) -> Run {
    let task = Task {
        vulnerabilities,
        eosl,
        ..scan()
    };
    task.run()
}

#[test]
fn a_vulnerable_image_is_patched() {
    let run = scan().run();
    insta::assert_snapshot!(run.succeeded().calls.join("\n"), @"
    cssc trivy image contoso.azurecr.io/team/api:2-1 --pkg-types os --ignore-unfixed --format json --timeout 30m --scanners vuln --db-repository ghcr.io/aquasecurity/trivy-db:2,public.ecr.aws/aquasecurity/trivy-db --output /workspace/report.json
    cssc jq [.Results[]? | .Vulnerabilities // [] | length] | add // 0 /workspace/report.json
    cssc jq .Metadata.OS.EOSL // false /workspace/report.json
    az login --identity --allow-no-subscriptions
    az acr task run --no-wait --registry contoso --name cssc-patch-image --set SOURCE_REPOSITORY=team/api --set SOURCE_IMAGE_TAG=2 --set SOURCE_IMAGE_NEWPATCH_TAG=2
    ");
    let queued = "WARNING: Queued a run with ID: cf5";
    let found = "Total OS vulnerabilities found -> 3";
    let scheduled = "PATCHING task scheduled for image team/api:2-1, new patch tag will be 2-2";
    let expected = [SCANNING[0], SCANNING[1], found, queued, scheduled];
    assert_eq!(lines(&run.log), expected);
}

#[test]
fn an_image_with_nothing_to_patch_is_skipped() {
    let clean = "PATCHING will be skipped as no vulnerability found in the image team/api:2-1";
    let old = "PATCHING will be skipped as EOSL is true for image team/api:2-1";
    let zero = "Total OS vulnerabilities found -> 0";
    for (vulnerabilities, eosl, expected) in [
        ("0\n", "false\n", &[zero, clean][..]),
        (" 0\r\n", "false\r\n", &[zero, clean]),
        // Images at the end of their life have no reliable number.
        ("0\n", "true\n", &[old]),
        ("7\n", "true\r\n", &[old]),
    ] {
        let run = run(vulnerabilities, eosl);
        let log = lines(&run.succeeded().log);
        assert_eq!(log, [&SCANNING, expected].concat());
        assert_eq!(run.calls_of("az"), [""; 0]);
    }
}

#[test]
fn a_report_without_a_number_fails_the_run() {
    for vulnerabilities in ["", "null\n", "-1\n", "1.5\n", "\"3\"\n"] {
        let run = run(vulnerabilities, "false\n");
        let reason =
            "ERROR: the report of team/api:2-1 does not say how many vulnerabilities it has.";
        run.failed("queue", reason);
        assert_eq!(run.calls_of("az"), [""; 0]);
    }
}

#[test]
fn scanning_signing_in_and_queueing_are_retried() {
    assert_each_call_is_retried(
        &[
            ("cssc trivy", "scan", 4),
            ("az login", "queue", 4),
            ("az acr task run", "queue", 4),
        ],
        |call, times| {
            let task = Task {
                fails: (call, times),
                ..scan()
            };
            task.run()
        },
        |failed| assert!(!failed.log.contains("PATCHING"), "{}", failed.log),
    );
}

#[test]
fn an_unreadable_report_fails_the_run() {
    for (call, step) in [
        ("cssc jq*Vulnerabilities*", "vulnerabilities"),
        ("cssc jq*EOSL*", "end-of-life"),
    ] {
        let task = Task {
            fails: (call, 1),
            ..scan()
        };
        let run = task.run();
        run.failed(step, "ERROR: refused cssc jq");
        assert_eq!(run.calls_of("az"), [""; 0]);
    }
}

#[test]
fn a_domain_name_label_is_not_part_of_the_registry_name() {
    let task = Task {
        login_server: "contoso-d7g2h1.azurecr.io",
        ..scan()
    };
    let run = task.run();
    let queued = run.succeeded().calls_of("az acr task run");
    assert!(
        queued[0].contains(" --registry contoso --name "),
        "{queued:?}"
    );
    let trivy = run.calls_of("cssc trivy image contoso-d7g2h1.azurecr.io/team/api:2-1 ");
    assert_eq!(trivy.len(), 1, "{:?}", run.calls);
}
