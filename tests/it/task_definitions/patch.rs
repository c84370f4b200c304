//! The patch task: its programs, and the log lines that others parse.

use crate::task_definitions::assert_each_call_is_retried;
use crate::task_definitions::engine::{Run, Task, lines};

const VALUES: [(&str, &str); 3] = [
    ("SOURCE_REPOSITORY", "team/api"),
    ("SOURCE_IMAGE_TAG", "2"),
    ("SOURCE_IMAGE_NEWPATCH_TAG", "7"),
];
const PATCHING: &str = "Patching OS vulnerabilities for image team/api:2";
const PUSHED: &str = "Patched image pushed to contoso.azurecr.io/team/api:2-7";

fn patch() -> Task<'static> {
    Task {
        yaml: include_str!("../../../src/patching/task_definitions/patch.yaml"),
        login_server: "contoso.azurecr.io",
        values: &VALUES,
        listing: "",
        vulnerabilities: "",
        eosl: "",
        fails: ("", 0),
    }
}

fn run_with(fails: (&str, usize)) -> Run {
    Task { fails, ..patch() }.run()
}

#[test]
fn an_image_is_patched_and_pushed() {
    let run = patch().run();
    insta::assert_snapshot!(run.succeeded().calls.join("\n"), @"
    cssc trivy image contoso.azurecr.io/team/api:2 --pkg-types os --ignore-unfixed --format json --timeout 30m --scanners vuln --db-repository ghcr.io/aquasecurity/trivy-db:2,public.ecr.aws/aquasecurity/trivy-db --output /workspace/report.json
    mobybuildkit --addr tcp://0.0.0.0:8888
    cssc copa patch -i contoso.azurecr.io/team/api:2 -r /workspace/report.json -t 2-7 --timeout 30m --addr tcp://127.0.0.1:8888
    docker push contoso.azurecr.io/team/api:2-7
    ");
    assert_eq!(lines(&run.log), [PATCHING, PUSHED]);
}

#[test]
fn buildkit_starts_by_its_own_entry_point() {
    let steps = patch().steps("/workspace");
    let buildkit = steps.iter().find(|step| step.id == "buildkitd").unwrap();
    assert_eq!(buildkit.cmd, "mobybuildkit --addr tcp://0.0.0.0:8888");
    assert_eq!(buildkit.entry_point, None);
    assert_eq!((buildkit.detach, buildkit.privileged), (true, true));
    assert_eq!(buildkit.ports, ["127.0.0.1:8888:8888/tcp"]);
    let copa = steps.iter().find(|step| step.id == "patch").unwrap();
    assert_eq!(copa.network.as_deref(), Some("host"));
}

#[test]
fn patch_numbers_end_at_999() {
    for (tag, is_allowed) in [("999", true), ("patched", true), ("1000", false)] {
        let mut values = VALUES;
        values[2].1 = tag;
        let task = Task {
            values: &values,
            ..patch()
        };
        let run = task.run();
        if is_allowed {
            let push = format!("docker push contoso.azurecr.io/team/api:2-{tag}");
            assert_eq!(run.succeeded().calls_of("docker"), [push]);
        } else {
            run.failed("limit", "ERROR: patch tags go up to -999");
            assert_eq!(run.calls, [""; 0]);
        }
    }
}

#[test]
fn scanning_patching_and_pushing_are_retried() {
    assert_each_call_is_retried(
        &[
            ("cssc trivy", "scan", 4),
            ("cssc copa", "patch", 4),
            ("docker push", "push", 4),
        ],
        |call, times| run_with((call, times)),
        |failed| assert!(!failed.log.contains("Patched image"), "{}", failed.log),
    );
}

#[test]
fn without_buildkit_nothing_is_patched() {
    let run = run_with(("mobybuildkit *", 1));
    run.failed("buildkitd", "ERROR: refused mobybuildkit");
    assert_eq!(run.calls_of("cssc copa"), [""; 0]);
}
