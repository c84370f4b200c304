//! Answers of Azure that contradict each other, arrive late or never come true.

use azure_simulator::{Change, Fault, RegistrySpec};

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::core::has_error;
use terraform_plugin_testing::host::lines;

const FOR_GOOD: u64 = u64::MAX;

/// A stage with a workflow, and its configuration.
async fn with_a_workflow() -> (Stage, terraform_plugin::value::Value) {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    (stage, config)
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_only_its_own_get_denies_is_an_error_and_loses_nothing() {
    let (mut stage, config) = with_a_workflow().await;
    let before = stage.terraform.stored.clone();
    let registry = Fault::on("GET", "/registries/contoso$");
    stage.azure.fault(registry.not_found().times(FOR_GOOD));
    let refreshed = stage.terraform.refresh().await;
    let destroyed = stage.terraform.destroy().await;
    for said in [refreshed, destroyed] {
        assert!(has_error(&said));
        assert!(
            said[0].detail.contains("but also lists its tasks"),
            "{said:#?}"
        );
    }
    assert_eq!(stage.terraform.stored, before);
    assert_eq!(stage.pieces().len(), 9);
    stage.azure.clear_faults();
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_deletes_nothing_is_repeated() {
    for (path, times) in [
        ("/tasks/cssc-trigger-workflow", 2),
        ("/tasks/cssc-scan-image", 4),
        ("/roleAssignments/", 10),
        ("/acr/v1/", 2),
    ] {
        let (mut stage, _) = with_a_workflow().await;
        stage
            .azure
            .fault(Fault::on("DELETE", path).not_found().times(times));
        assert_eq!(stage.terraform.destroy().await, [], "{path}");
        stage.nothing_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_deletion_that_azure_accepts_and_drops_is_repeated() {
    for task in ["cssc-trigger-workflow", "cssc-scan-image"] {
        let (mut stage, _) = with_a_workflow().await;
        let delete = Fault::on("DELETE", &format!("/tasks/{task}"));
        stage.azure.fault(delete.garble().times(3));
        let begun = tokio::time::Instant::now();
        assert_eq!(stage.terraform.destroy().await, [], "{task}");
        stage.nothing_left();
        assert!(begun.elapsed() < std::time::Duration::from_secs(60));
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_still_sees_a_part_fails_and_keeps_it_in_state() {
    let (mut stage, _) = with_a_workflow().await;
    let scan = Fault::on("DELETE", "/tasks/cssc-scan-image");
    stage.azure.fault(scan.not_found().times(FOR_GOOD));
    let said = stage.terraform.destroy().await;
    assert_eq!(lines(&said), ["error: Could not delete the workflow"]);
    assert!(said[0].detail.contains("but still shows:"), "{said:#?}");
    let tasks = stage.terraform.state().get("tasks").as_map().unwrap();
    assert_eq!(tasks.keys().collect::<Vec<_>>(), ["cssc-scan-image"]);
    stage.azure.clear_faults();
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_locked_trigger_task_keeps_the_whole_workflow() {
    let (mut stage, config) = with_a_workflow().await;
    let lock = Fault::on("DELETE", r"management\.azure\.com/");
    stage
        .azure
        .fault(lock.status(409).code("ScopeLocked").times(FOR_GOOD));
    assert!(has_error(&stage.terraform.destroy().await));
    assert_eq!(stage.pieces().len(), 9);
    stage.azure.clear_faults();
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn the_policy_stays_until_every_task_is_gone() {
    let (mut stage, _) = with_a_workflow().await;
    let patch = Fault::on("DELETE", "/tasks/cssc-patch-image");
    stage
        .azure
        .fault(patch.status(409).code("ScopeLocked").times(FOR_GOOD));
    assert!(has_error(&stage.terraform.destroy().await));
    assert_eq!(
        stage.pieces(),
        ["cssc-patch-image", "csscpolicies/patchpolicy"]
    );
    stage.azure.clear_faults();
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_never_appears_is_an_error() {
    let spec = RegistrySpec::new("contoso");
    let mut stage = Stage::of(spec, |knobs| {
        knobs.late_identity_looks = u32::MAX;
        knobs.late_identity_tasks = vec!["cssc-patch-image".to_owned()];
    })
    .await;
    let config = stage.config();
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    assert_eq!(lines(&said), ["error: Could not create the workflow"]);
    assert!(
        said[0].detail.contains("identity has not appeared"),
        "{said:#?}"
    );
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn no_assignment_is_removed_while_a_task_shows_no_identity() {
    let (mut stage, config) = with_a_workflow().await;
    stage.registry().hide_identity("cssc-patch-image", 1);
    stage.azure.mark();
    assert_eq!(stage.terraform.refresh().await, []);
    assert_eq!(stage.writes(), [""; 0]);
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_azure_never_shows_is_recorded_as_sent_with_a_warning() {
    let (mut stage, config) = with_a_workflow().await;
    stage.azure.turn(|knobs| {
        knobs.stale_task_looks = u32::MAX;
        knobs.stale_task_list_looks = u32::MAX;
    });
    let changed = with(&config, "schedule", "14d");
    let plan = stage.terraform.plan(&changed).await.unwrap();
    let said = stage.terraform.apply(&plan, &changed).await;
    assert_eq!(
        lines(&said),
        ["warning: Azure does not show every change in contoso yet"]
    );
    let state = stage.terraform.state();
    assert_eq!(state.get("schedule").as_str(), Some("14d"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_vanishes_during_an_apply_is_created_again() {
    let tasks = [
        "cssc-trigger-workflow",
        "cssc-scan-image",
        "cssc-patch-image",
    ];
    let mut nth = 10;
    loop {
        let mut stage = Stage::plain().await;
        let config = stage.config();
        let plan = stage.terraform.plan(&config).await.unwrap();
        stage.azure.mark();
        let task = tasks[nth % tasks.len()];
        let vanishes = Fault::at(nth as u64).then(Change::delete_task("contoso", task));
        stage.azure.fault(vanishes);
        let said = stage.terraform.apply(&plan, &config).await;
        stage.azure.clear_faults();
        if stage.azure.requests().len() <= nth {
            // Nothing reads the task after the last request.
            break;
        }
        assert!(!has_error(&said), "request {nth}: {said:#?}");
        assert_eq!(stage.pieces().len(), 9, "request {nth}: {said:#?}");
        stage.destroy().await;
        nth += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_condition_shows_as_drift_and_is_removed() {
    let (mut stage, config) = with_a_workflow().await;
    let state = stage.terraform.state().get("role_assignments").clone();
    let (key, id) = state.as_map().unwrap().iter().next().unwrap();
    let name = id.as_str().unwrap().rsplit('/').next().unwrap();
    stage.azure.set_condition(
        name,
        Some(
            "@Resource[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a'",
        ),
    );
    assert_eq!(stage.terraform.refresh().await, []);
    let shown = stage.terraform.state().get("role_assignments");
    assert!(!shown.as_map().unwrap().contains_key(key));
    stage.terraform.succeed(&config).await;
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}
