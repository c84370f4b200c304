//! Azure's answers may contradict each other, and changes may appear late or never. The provider believes no
//! single answer, and never reports a success that Azure contradicts.

use azure_simulator::{Change, Fault};
use serde_json::json;

use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, nothing};

const REGISTRY: &str = "/registries/contoso$";

#[tokio::test]
async fn a_registry_that_azure_does_not_find_once_loses_nothing() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let once = || stage.azure.fault(Fault::on("GET", REGISTRY).not_found());
        stage.apply().await;
        once();
        stage.assert_no_changes().await;
        once();
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_registry_that_only_one_request_does_not_find_is_an_error() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let fault = Fault::on("GET", REGISTRY).not_found().times(u64::MAX);
        stage.azure.fault(fault);
        for command in [
            &["plan", "-input=false"][..],
            &["apply", "-input=false", "-auto-approve"],
            &["destroy", "-input=false", "-auto-approve"],
        ] {
            let text = fails(&stage, command).await;
            assert!(text.contains("but also lists its tasks"), "{text}");
            assert_eq!(stage.azure.leftovers()["tasks"], 3);
            assert_eq!(stage.resources().await.len(), 1);
        }
        stage.azure.clear_faults();
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_delete_that_azure_answers_with_404_is_repeated() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        for path in [
            "/tasks/cssc-scan-image",
            "/roleAssignments/",
            r"azurecr\.io/acr/v1/csscpolicies",
        ] {
            stage
                .azure
                .fault(Fault::on("DELETE", path).not_found().times(2));
        }
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_404_page_of_a_proxy_keeps_the_state() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let fault = Fault::on("*", r"\.azurecr\.io/").html(404).times(u64::MAX);
        stage.azure.fault(fault);
        for refresh in ["-refresh=true", "-refresh=false"] {
            fails(
                &stage,
                &["destroy", "-input=false", "-auto-approve", refresh],
            )
            .await;
            assert_eq!(stage.azure.leftovers()["policy_repositories"], 1);
            assert_eq!(stage.resources().await.len(), 1);
        }
        stage.azure.clear_faults();
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_identity_that_never_appears_is_an_error() {
    for host in hosts() {
        let stage = Stage::new(host, &with_timeout("create")).await;
        stage
            .azure
            .turn(|knobs| knobs.late_identity_looks = u32::MAX);
        let text = fails(&stage, &["apply", "-input=false", "-auto-approve"]).await;
        assert!(text.contains("Could not create the workflow"), "{text}");
        assert!(!text.contains("inconsistent result"), "{text}");
        let recorded = stage.attributes(ADDRESS).await["tasks"].clone();
        assert_eq!(recorded.as_object().map(serde_json::Map::len), Some(3));

        stage.azure.turn(|knobs| knobs.late_identity_looks = 0);
        stage.azure.catch_up();
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_update_that_azure_does_not_show_is_recorded_as_sent() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.azure.turn(|knobs| {
            knobs.stale_task_looks = 1_000;
            knobs.stale_task_list_looks = 1_000;
        });
        stage.configure(&with_timeout("update").replace("\"7d\"", "\"14d\""));
        let text = stage.workspace.apply().await.unwrap().text();
        assert!(
            text.contains("Azure does not show every change in contoso yet"),
            "{text}"
        );
        assert_eq!(stage.attributes(ADDRESS).await["schedule"], json!("14d"));

        stage.azure.catch_up();
        stage.azure.turn(|knobs| {
            knobs.stale_task_looks = 0;
            knobs.stale_task_list_looks = 0;
        });
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_task_that_another_tool_deletes_during_an_apply_is_created_again() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        for task in ["cssc-scan-image", "cssc-patch-image"] {
            let vanishes = Change::delete_task("contoso", task);
            stage
                .azure
                .fault(Fault::on("PUT", "/roleAssignments/").then(vanishes));
        }
        stage.apply().await;
        let pieces = json!({
            "tasks": 3, "role_assignments": 5, "policy_repositories": 1, "active_runs": 0,
        });
        assert_eq!(stage.azure.leftovers(), pieces);
        stage.assert_no_changes().await;
        stage.destroy().await;
        assert_eq!(stage.azure.leftovers(), nothing());
    }
}

/// Runs a command that fails, and returns its output.
async fn fails(stage: &Stage, command: &[&str]) -> String {
    let failed = stage.workspace.run(command).await.unwrap();
    failed.ended_with(1).unwrap().text()
}

/// The configuration [`WORKFLOW`] with a short timeout for one operation.
fn with_timeout(operation: &str) -> String {
    let timeouts = format!("  timeouts {{\n    {operation} = \"15s\"\n  }}\n  repositories");
    WORKFLOW.replacen("  repositories", &timeouts, 1)
}
