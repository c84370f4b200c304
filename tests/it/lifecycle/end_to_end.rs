//! A workflow from its create to its destroy, on each kind of registry and with each peculiarity of Azure.

use std::sync::Arc;

use azure_simulator::{IdCase, Knobs, RegistrySpec};

use crate::lifecycle::stage::{Stage, with};
use crate::support::wire::Ringing;
use terraform_plugin_testing::core::Action;

/// Creates, updates, imports and destroys a workflow. Asserts that plans in between are empty and that the
/// destroy leaves nothing.
async fn run_lifecycle(mut stage: Stage, expected: &[&str]) {
    let config = stage.config();
    let created = stage.terraform.succeed(&config).await;
    assert_eq!(created.action, Action::Create);
    assert_eq!(stage.pieces(), expected);
    stage.nothing_to_do(&config).await;

    let changed = with(&config, "schedule", "14d");
    let updated = stage.terraform.succeed(&changed).await;
    assert_eq!(updated.action, Action::Update);
    assert_eq!(stage.pieces(), expected);
    stage.nothing_to_do(&changed).await;

    stage.terraform.stored = None;
    let id = stage.registry().id();
    assert_eq!(stage.terraform.import(&id).await, []);
    stage.nothing_to_do(&changed).await;

    stage.destroy().await;
}

/// The parts of a workflow on a registry without ABAC repository permissions.
const CLASSIC: [&str; 9] = [
    "cssc-patch-image",
    "cssc-patch-image/AcrPush",
    "cssc-scan-image",
    "cssc-scan-image/AcrPull",
    "cssc-scan-image/TasksContributor",
    "cssc-trigger-workflow",
    "cssc-trigger-workflow/AcrPull",
    "cssc-trigger-workflow/TasksContributor",
    "csscpolicies/patchpolicy",
];

/// The parts of a workflow on a registry with ABAC repository permissions.
const ABAC: [&str; 10] = [
    "cssc-patch-image",
    "cssc-patch-image/RepositoryWriter",
    "cssc-scan-image",
    "cssc-scan-image/RepositoryReader",
    "cssc-scan-image/TasksContributor",
    "cssc-trigger-workflow",
    "cssc-trigger-workflow/CatalogLister",
    "cssc-trigger-workflow/RepositoryReader",
    "cssc-trigger-workflow/TasksContributor",
    "csscpolicies/patchpolicy",
];

fn contoso() -> RegistrySpec {
    RegistrySpec::new("contoso")
}

async fn run_lifecycle_with(turn: impl FnOnce(&mut Knobs)) {
    run_lifecycle(Stage::of(contoso(), turn).await, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_on_a_default_registry() {
    run_lifecycle(Stage::plain().await, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_on_an_abac_registry() {
    run_lifecycle(Stage::of(contoso().abac(), |_| ()).await, &ABAC).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_with_a_domain_name_label() {
    let stage = Stage::of(contoso().domain_label("abc123"), |_| ()).await;
    assert_eq!(stage.registry().login_server(), "contoso-abc123.azurecr.io");
    run_lifecycle(stage, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_without_resource_manager_tokens_on_the_registry() {
    let stage = Stage::of(contoso().without_arm_tokens(), |_| ()).await;
    run_lifecycle(stage, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_with_any_letter_case_of_ids() {
    for case in [IdCase::LowerGroup, IdCase::UpperGroup, IdCase::Lower] {
        let registry = contoso().resource_group("Demo-Group");
        let stage = Stage::of(registry, |knobs| knobs.id_case = case).await;
        run_lifecycle(stage, &CLASSIC).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_with_slow_operations() {
    run_lifecycle_with(|knobs| {
        knobs.async_operations = true;
        knobs.provisioning_looks = 3;
        knobs.deletion_looks = 3;
    })
    .await;
    run_lifecycle_with(|knobs| {
        knobs.provisioning_looks = 3;
        knobs.deletion_looks = 3;
        knobs.replication_delay_ms = 120_000;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_with_pages_of_one_item() {
    run_lifecycle_with(|knobs| knobs.page_size = 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_works_with_respelled_tasks_and_redirected_blobs() {
    run_lifecycle_with(|knobs| {
        knobs.respelled = true;
        knobs.blob_redirects = true;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_letter_case_of_ids_plans_no_changes() {
    let registry = contoso().resource_group("Demo-Group");
    let mut stage = Stage::of(registry, |_| ()).await;
    let config = stage.config();
    let plan = stage.terraform.plan(&config).await.unwrap();
    let cases = [IdCase::Lower, IdCase::UpperGroup, IdCase::AsStored];
    // The first two requests belong to the final plan.
    let Ringing { rung, go } = stage.wire.ring_at(3);
    let azure = Arc::clone(&stage.azure);
    let turn = async {
        rung.await.unwrap();
        azure.turn(|knobs| knobs.id_case = cases[0]);
        drop(go);
    };
    let (said, ()) = futures::join!(stage.terraform.apply(&plan, &config), turn);
    assert_eq!(said, []);
    for case in cases {
        stage.azure.turn(|knobs| knobs.id_case = case);
        stage.nothing_to_do(&config).await;
        let schedule = format!("{}d", 8 + case as u32);
        let changed = with(&config, "schedule", schedule);
        stage.terraform.succeed(&changed).await;
        stage.terraform.succeed(&config).await;
    }
    stage.destroy().await;
}
