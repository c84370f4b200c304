//! One workflow from its first apply to its destroy.

use azure_simulator::Fate;
use serde_json::json;

use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, registry_id};

#[tokio::test]
async fn a_create_is_complete_and_the_next_plan_is_empty() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.assert_no_changes().await;

        let left = stage.azure.leftovers();
        assert_eq!(
            left,
            json!({"tasks": 3, "role_assignments": 5, "policy_repositories": 1, "active_runs": 0})
        );
        let policy = stage.azure.registry("contoso").policy().unwrap();
        assert_eq!(policy["repositories"][0]["repository"], "python");
        let attributes = stage.attributes(ADDRESS).await;
        assert_eq!(attributes["id"], registry_id("contoso"));
        assert_eq!(attributes["schedule_cron"], "30 2 */7 * *");
        assert_eq!(attributes["login_server"], "contoso.azurecr.io");
        assert_eq!(attributes["role_assignments"].as_object().unwrap().len(), 5);
        assert_eq!(attributes["tasks"]["cssc-scan-image"]["status"], "Enabled");
    }
}

#[tokio::test]
async fn a_create_writes_the_policy_three_tasks_and_five_role_assignments() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let expected = [
            // The last write enables the timer.
            "PATCH tasks/cssc-trigger-workflow",
            "POST uploads",
            "POST uploads",
            "PUT manifests/v1",
            "PUT roleAssignments",
            "PUT roleAssignments",
            "PUT roleAssignments",
            "PUT roleAssignments",
            "PUT roleAssignments",
            "PUT tasks/cssc-patch-image",
            "PUT tasks/cssc-scan-image",
            "PUT tasks/cssc-trigger-workflow",
            "PUT uploads",
            "PUT uploads",
        ];
        assert_eq!(stage.apply().await, expected);
    }
}

#[tokio::test]
async fn a_new_schedule_patches_only_the_trigger_task() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.configure(&WORKFLOW.replace("\"7d\"", "\"14d\""));
        assert!(
            stage
                .assert_changes()
                .await
                .contains("0 to add, 1 to change, 0 to destroy")
        );
        assert_eq!(stage.apply().await, ["PATCH tasks/cssc-trigger-workflow"]);
        assert_eq!(cron(&stage), "30 2 */14 * *");
        stage.assert_no_changes().await;
    }
}

#[tokio::test]
async fn a_new_tag_pushes_only_the_policy() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.configure(&WORKFLOW.replace(r#"["3.11"]"#, r#"["3.11", "latest"]"#));
        assert!(
            stage
                .assert_changes()
                .await
                .contains("0 to add, 1 to change, 0 to destroy")
        );
        assert_pushes_the_policy_only(&stage.apply().await);
        let policy = stage.azure.registry("contoso").policy().unwrap();
        assert_eq!(policy["repositories"][0]["tags"], json!(["3.11", "latest"]));
        stage.assert_no_changes().await;
    }
}

#[tokio::test]
async fn a_new_tag_convention_pushes_only_the_policy() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.configure(&WORKFLOW.replace("incremental", "floating"));
        assert!(
            stage
                .assert_changes()
                .await
                .contains("0 to add, 1 to change, 0 to destroy")
        );
        assert_pushes_the_policy_only(&stage.apply().await);
        assert_eq!(
            stage.azure.registry("contoso").policy().unwrap()["tag-convention"],
            "floating"
        );
        stage.assert_no_changes().await;
    }
}

#[tokio::test]
async fn disabling_and_enabling_patch_only_the_trigger_task() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        for (enabled, status) in [("false", "Disabled"), ("true", "Enabled")] {
            stage.configure(&WORKFLOW.replace("= true", &format!("= {enabled}")));
            assert!(
                stage
                    .assert_changes()
                    .await
                    .contains("0 to add, 1 to change, 0 to destroy")
            );
            assert_eq!(stage.apply().await, ["PATCH tasks/cssc-trigger-workflow"]);
            let trigger = stage
                .azure
                .registry("contoso")
                .task("cssc-trigger-workflow")
                .unwrap();
            assert_eq!(trigger.timers()[0].status.as_deref(), Some(status));
            stage.assert_no_changes().await;
        }
    }
}

#[tokio::test]
async fn an_omitted_start_time_has_a_stable_default_for_each_registry() {
    for host in hosts() {
        let stage = Stage::new(
            host,
            &WORKFLOW.replace("  start_time     = \"02:30\"\n", ""),
        )
        .await;
        stage.apply().await;
        let first = stage.attributes(ADDRESS).await["start_time"].clone();
        stage.destroy().await;
        stage.apply().await;
        assert_eq!(stage.attributes(ADDRESS).await["start_time"], first);
        stage.assert_no_changes().await;
    }
}

#[tokio::test]
async fn an_import_by_registry_id_needs_no_change() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let before = stage.attributes(ADDRESS).await;
        stage.workspace.forget_state().unwrap();

        let shouted = registry_id("contoso").to_uppercase();
        let imported = stage.workspace.import(ADDRESS, &shouted).await.unwrap();
        imported.ended_with(0).unwrap();
        stage.assert_no_changes().await;
        stage.workspace.apply().await.unwrap();
        let mut after = stage.attributes(ADDRESS).await;
        after["registry_id"] = before["registry_id"].clone();
        assert_eq!(after, before);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_import_of_a_missing_workflow_or_registry_is_an_error() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        for id in [registry_id("contoso"), registry_id("nowhere")] {
            let imported = stage.workspace.import(ADDRESS, &id).await.unwrap();
            let text = imported.ended_with(1).unwrap().text();
            assert!(
                text.contains("Cannot import non-existent remote object"),
                "{text}"
            );
        }
        let imported = stage.workspace.import(ADDRESS, "contoso").await.unwrap();
        let text = imported.ended_with(1).unwrap().text();
        assert!(text.contains("registry"), "{text}");
    }
}

#[tokio::test]
async fn an_existing_workflow_must_be_imported() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.workspace.forget_state().unwrap();
        stage.azure.mark();
        let text = stage
            .workspace
            .try_apply()
            .await
            .unwrap()
            .ended_with(1)
            .unwrap()
            .text();
        assert!(text.contains("already exists"), "{text}");
        assert!(text.contains("needs to be imported"), "{text}");
        assert_eq!(stage.writes(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_destroy_leaves_nothing_and_a_second_destroy_writes_nothing() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let images = stage
            .azure
            .registry("contoso")
            .push_image("python", "3.11", Fate::Clean)
            .tags("python");
        stage.apply().await;
        stage.destroy().await;
        assert_eq!(stage.azure.registry("contoso").tags("python"), images);
        stage.azure.mark();
        stage.destroy().await;
        assert_eq!(stage.writes(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_destroy_succeeds_after_a_partial_deletion() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let registry = stage.azure.registry("contoso");
        registry.remove_policy();
        assert!(registry.delete_task("cssc-scan-image"));
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_deleted_workflow_is_planned_as_a_create() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let state = std::fs::read(stage.workspace.folder().join("terraform.tfstate")).unwrap();
        stage.destroy().await;
        std::fs::write(stage.workspace.folder().join("terraform.tfstate"), state).unwrap();
        assert!(
            stage
                .assert_changes()
                .await
                .contains("1 to add, 0 to change, 0 to destroy")
        );
    }
}

fn cron(stage: &Stage) -> String {
    let trigger = stage
        .azure
        .registry("contoso")
        .task("cssc-trigger-workflow")
        .unwrap();
    trigger.timers()[0].schedule.clone()
}

/// Asserts that the writes are blob uploads and one manifest.
fn assert_pushes_the_policy_only(writes: &[String]) {
    assert!(
        writes
            .iter()
            .all(|write| write.contains("uploads") || write == "PUT manifests/v1"),
        "{writes:?}"
    );
    assert_eq!(
        writes
            .iter()
            .filter(|write| *write == "PUT manifests/v1")
            .count(),
        1,
        "{writes:?}"
    );
}
