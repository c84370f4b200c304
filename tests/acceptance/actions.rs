//! Actions, invoked by a host that supports them (Terraform 1.14 or later): with `-invoke` and by a trigger.

use std::io::Write as _;
use std::sync::Once;

use azure_simulator::{Fate, RegistrySpec, RunStatus};
use host_cli::{Host, Kind};

use crate::golden::repository_file;
use crate::stage::{Stage, hosts, registry_id};

/// The hosts that support actions. Prints the hosts that the test skips.
fn acting_hosts() -> Vec<&'static Host> {
    let knows_actions = |host: &&Host| host.kind == Kind::Terraform && host.is_at_least(14);
    let (known, skipped): (Vec<_>, Vec<_>) = hosts().iter().partition(knows_actions);
    static SAY_ONCE: Once = Once::new();
    SAY_ONCE.call_once(|| {
        for host in skipped {
            let said = format!("skipped {host}, which does not support actions\n");
            // Written to stderr directly, because the test runner captures `eprintln!`.
            let _ = std::io::stderr().write_all(said.as_bytes());
        }
    });
    known
}

/// Applies the example of an action to a registry with one vulnerable image.
async fn example(host: &Host, action: &str) -> Stage {
    let configuration = repository_file(&format!("examples/actions/{action}/action.tf"));
    let stage = Stage::with(host, [RegistrySpec::new("contoso")], &configuration).await;
    stage
        .azure
        .registry("contoso")
        .push_image("python", "3.11", Fate::Vulnerable(3));
    let variables = format!("registry_id = {:?}\n", registry_id("contoso"));
    stage
        .workspace
        .write("terraform.tfvars", &variables)
        .unwrap();
    stage.apply().await;
    stage
}

/// Changes the schedule, which triggers the action.
fn change(stage: &Stage, action: &str) {
    let configuration = repository_file(&format!("examples/actions/{action}/action.tf"));
    stage.configure(&configuration.replace("\"7d\"", "\"1d\""));
}

fn invoke(action: &str) -> [String; 4] {
    [
        "apply".to_owned(),
        "-input=false".to_owned(),
        "-auto-approve".to_owned(),
        format!("-invoke=action.{action}.example"),
    ]
}

async fn invoked(stage: &Stage, action: &str, code: i32) -> String {
    let arguments = invoke(action);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let finished = stage.workspace.run(&arguments).await.unwrap();
    finished.ended_with(code).unwrap().text()
}

const RUN: &str = "acr_continuous_patching_run";
const CANCEL: &str = "acr_continuous_patching_cancel_runs";

#[tokio::test]
async fn a_run_starts_by_invoke_and_by_its_trigger() {
    for host in acting_hosts() {
        let stage = example(host, RUN).await;
        stage.azure.turn(|knobs| knobs.run_looks = 2);
        let said = invoked(&stage, RUN, 0).await;
        for part in [
            "Queued run dt",
            "of cssc-trigger-workflow on contoso.",
            "is running.",
            "Configured Tag Convention: incremental",
            "Matches found: 1",
            "It queued 1 scan.",
            "Action complete",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        change(&stage, RUN);
        let said = stage.workspace.apply().await.unwrap().text();
        assert!(said.contains("It queued 1 scan."), "{said}");
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_failed_run_fails_the_apply_and_shows_the_end_of_its_log() {
    for host in acting_hosts() {
        let stage = example(host, RUN).await;
        stage.azure.registry("contoso").push_policy("{");
        let said = invoked(&stage, RUN, 1).await;
        for part in [
            "Error when invoking action",
            "of cssc-trigger-workflow failed",
            "The last lines of its log:",
            "ERROR: the filter is not valid",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        stage.destroy().await;
    }
}

#[tokio::test]
async fn ctrl_c_ends_the_wait_and_the_run_continues() {
    for host in acting_hosts() {
        let stage = example(host, RUN).await;
        stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
        let arguments = invoke(RUN);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut apply = stage.workspace.start(&arguments).unwrap();
        let is_read = || {
            let requests = stage.azure.requests();
            requests.iter().any(|it| it.path.ends_with("/rawtext.log"))
        };
        while apply.is_running() && !is_read() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        apply.ctrl_c();
        let said = apply.wait().await.unwrap().ended_with(1).unwrap().text();
        assert!(said.contains("Interrupted while waiting for run"), "{said}");
        assert!(said.contains("continues in Azure"), "{said}");
        assert!(!said.contains("panic"), "{said}");
        let runs = stage.azure.registry("contoso").runs();
        assert_eq!(runs.last().unwrap().status, RunStatus::Running);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn runs_are_cancelled_by_invoke_and_by_the_trigger() {
    for host in acting_hosts() {
        let stage = example(host, CANCEL).await;
        stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
        let registry = stage.azure.registry("contoso");
        registry.fire_timer("cssc-trigger-workflow").unwrap();
        let said = invoked(&stage, CANCEL, 0).await;
        assert!(said.contains("Cancelled 1 run on contoso."), "{said}");
        let said = invoked(&stage, CANCEL, 0).await;
        assert!(said.contains("has no active run to cancel"), "{said}");

        registry.fire_timer("cssc-trigger-workflow").unwrap();
        change(&stage, CANCEL);
        let said = stage.workspace.apply().await.unwrap().text();
        assert!(said.contains("Cancelled 1 run on contoso."), "{said}");
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn invalid_arguments_are_errors_before_any_request() {
    for host in acting_hosts() {
        let configuration = "action \"acr_continuous_patching_run\" \"example\" {\n  config {\n    registry_id = \"contoso\"\n    timeout = \"soon\"\n  }\n}\n";
        let stage = Stage::new(host, configuration).await;
        stage.azure.mark();
        let validated = stage.workspace.run(&["validate"]).await.unwrap();
        let said = validated.ended_with(1).unwrap().text();
        assert!(said.contains("Invalid registry ID"), "{said}");
        assert!(said.contains("Invalid timeout"), "{said}");
        assert!(stage.azure.requests().is_empty());
    }
}
