//! Remains of a workflow that a user deleted only partly. The next create replaces or removes them, and
//! names them in a warning.

use azure_simulator::{RoleAssignment, roles};
use http::Method;
use serde_json::json;

use crate::lifecycle::stage::{Stage, repositories, with};
use terraform_plugin_testing::core::Action;
use terraform_plugin_testing::host::lines;

/// Creates a workflow and deletes its tasks as the portal does, which keeps the policy and the role
/// assignments.
async fn without_tasks() -> Stage {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    for task in [
        "cssc-trigger-workflow",
        "cssc-scan-image",
        "cssc-patch-image",
    ] {
        assert!(stage.registry().delete_task(task));
    }
    stage
}

#[tokio::test(start_paused = true)]
async fn a_create_removes_orphans_and_names_them() {
    let mut stage = without_tasks().await;
    let orphans: Vec<String> = stage
        .azure
        .role_assignments()
        .iter()
        .filter(|assignment| assignment.scope.contains("/registries/"))
        .map(|assignment| assignment.id())
        .collect();
    assert_eq!(orphans.len(), 5);
    stage.terraform.stored = None;
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("node", &["22"])]),
    );
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    assert_eq!(
        lines(&said),
        ["warning: Removed remains of an earlier workflow in contoso"]
    );
    for orphan in orphans {
        assert!(said[0].detail.contains(&orphan), "{}", said[0].detail);
    }
    let pieces = stage.pieces();
    assert!(
        pieces.iter().all(|piece| !piece.starts_with("orphan/")),
        "{pieces:?}"
    );
    assert_eq!(pieces.len(), 9);
    let policy = stage.registry().policy().unwrap();
    assert_eq!(policy["repositories"][0]["repository"], "node");
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_without_tasks_is_repaired_in_place() {
    let mut stage = without_tasks().await;
    let config = stage.config();
    stage.terraform.refresh().await;
    let plan = stage.terraform.succeed(&config).await;
    assert_eq!(plan.action, Action::Update);
    assert_eq!(stage.pieces().len(), 9);
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_of_a_workflow_without_tasks_leaves_nothing() {
    let mut stage = without_tasks().await;
    stage.destroy().await;

    let mut stage = without_tasks().await;
    stage.terraform.refresh().await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_without_tasks_can_be_imported_and_destroyed() {
    let mut stage = without_tasks().await;
    stage.terraform.stored = None;
    let id = stage.registry().id();
    stage.terraform.import(&id).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_leftover_policy_is_replaced_and_named_in_a_warning() {
    let mut stage = Stage::plain().await;
    for document in [
        r#"{"version":"v1","repositories":[{"repository":"old","tags":["1"]}]}"#,
        "not a policy",
    ] {
        stage.registry().push_policy(document);
        let config = stage.config();
        let plan = stage.terraform.plan(&config).await.unwrap();
        let said = stage.terraform.apply(&plan, &config).await;
        assert_eq!(
            lines(&said),
            ["warning: Removed remains of an earlier workflow in contoso"]
        );
        let named = "contoso.azurecr.io/csscpolicies/patchpolicy:v1 (manifest sha256:";
        assert!(said[0].detail.contains(named), "{}", said[0].detail);
        let policy = stage.registry().policy().unwrap();
        assert_eq!(policy["repositories"][0]["repository"], "python");
        stage.nothing_to_do(&config).await;
        stage.destroy().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_workflow_is_created_again() {
    let mut stage = without_tasks().await;
    stage.registry().remove_policy();
    let config = stage.config();
    // The orphaned role assignments are the last remains. The destroy removes them.
    stage.destroy().await;
    stage.terraform.succeed(&config).await;
    let stored = stage.terraform.stored.clone();
    stage.destroy().await;
    stage.terraform.stored = stored;
    assert_eq!(stage.terraform.refresh().await, []);
    assert_eq!(stage.terraform.stored, None);
    let plan = stage.terraform.succeed(&config).await;
    assert_eq!(plan.action, Action::Create);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_removes_an_orphan_that_only_the_state_knows() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    // A user assigns the scan task's role under another name. The task's deletion makes it an orphan.
    let scan = stage.registry().task("cssc-scan-image").unwrap();
    let principal = scan.principal_id().unwrap().to_owned();
    let own = stage.azure.role_assignments();
    let own = own
        .iter()
        .find(|it| it.principal_id == principal && it.role == roles::ACR_PULL);
    let address = format!("{}?api-version=2022-04-01", own.unwrap().id());
    stage
        .azure
        .behind_the_scenes(Method::DELETE, &address, None);
    let (name, id) = (
        "0d0d0d0d-0000-4000-8000-000000000001",
        stage.registry().id(),
    );
    stage
        .azure
        .seed_role_assignment(Some(name), &id, roles::ACR_PULL, &principal);
    assert_eq!(stage.terraform.refresh().await, []);
    stage.registry().delete_task("cssc-scan-image");
    assert_eq!(stage.terraform.refresh().await, []);

    stage.terraform.stored.as_mut().unwrap().tainted = true;
    let plan = stage.terraform.succeed(&config).await;
    assert_eq!(plan.action, Action::Replace);
    let is_left = |it: &RoleAssignment| it.name == name;
    assert!(!stage.azure.role_assignments().iter().any(is_left));
    assert_eq!(stage.pieces().len(), 9);
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_of_the_private_preview_are_named_in_a_warning() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let preview = json!({
        "location": "westeurope",
        "properties": {
            "platform": {"os": "linux", "architecture": "amd64"},
            "step": {"type": "EncodedTask", "encodedTaskContent": "dmVyc2lvbjogdjEuMS4wCnN0ZXBzOgogIC0gY21kOiBiYXNoIGVjaG8gbmlnaHRseQo="},
        },
    });
    let id = stage.registry().id();
    let address = format!("{id}/tasks/cssc-trigger-scan?api-version=2025-03-01-preview");
    let (status, body) = stage
        .azure
        .behind_the_scenes(Method::PUT, &address, Some(&preview));
    assert_eq!(status, 201, "{body}");
    let said = stage.terraform.refresh().await;
    let warning = "warning: Tasks of the private preview also scan contoso";
    assert_eq!(lines(&said), [warning]);
    assert!(
        said[0].detail.contains("cssc-trigger-scan"),
        "{}",
        said[0].detail
    );
}

#[tokio::test(start_paused = true)]
async fn the_provider_waits_until_azure_has_deleted_a_task() {
    for destroy in [false, true] {
        let mut stage = Stage::plain().await;
        let config = stage.config();
        stage.terraform.succeed(&config).await;
        stage.azure.turn(|knobs| knobs.deletion_looks = 6);
        let task = format!("{}/tasks/cssc-scan-image", stage.registry().id());
        let address = format!("{task}?api-version=2025-03-01-preview");
        let (status, _) = stage
            .azure
            .behind_the_scenes(Method::DELETE, &address, None);
        assert_eq!(status, 202);
        assert_eq!(stage.terraform.refresh().await, []);
        assert!(
            stage
                .terraform
                .state()
                .get("tasks")
                .get("cssc-scan-image")
                .is_null()
        );
        if !destroy {
            stage.terraform.succeed(&config).await;
            assert_eq!(stage.pieces().len(), 9);
            stage.nothing_to_do(&config).await;
        }
        stage.destroy().await;
    }
}
