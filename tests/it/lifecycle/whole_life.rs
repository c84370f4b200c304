//! A workflow from its creation to its end, on registries of every kind and on an Azure with its
//! oddities.

use std::sync::Arc;

use azure_simulator::{IdCase, Knobs, RegistrySpec};

use crate::lifecycle::stage::{Stage, with};
use crate::support::wire::Ringing;
use terraform_plugin_testing::core::Action;

/// Creates, changes, imports and destroys a workflow. In between there is nothing to do, in the
/// end nothing is left.
async fn live(mut stage: Stage, expected: &[&str]) {
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

/// What there is of a workflow on a registry with classic permissions.
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

/// The same where repository permissions decide.
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

async fn live_with(turn: impl FnOnce(&mut Knobs)) {
    live(Stage::of(contoso(), turn).await, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_on_a_plain_registry() {
    live(Stage::plain().await, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_where_repository_permissions_decide() {
    live(Stage::of(contoso().abac(), |_| ()).await, &ABAC).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_on_a_registry_with_a_domain_name_label() {
    let stage = Stage::of(contoso().domain_label("abc123"), |_| ()).await;
    assert_eq!(stage.registry().login_server(), "contoso-abc123.azurecr.io");
    live(stage, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_where_the_registry_refuses_tokens_of_resource_manager() {
    let stage = Stage::of(contoso().without_arm_tokens(), |_| ()).await;
    live(stage, &CLASSIC).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_in_any_letter_case_that_azure_answers_in() {
    for case in [IdCase::LowerGroup, IdCase::UpperGroup, IdCase::Lower] {
        let registry = contoso().resource_group("Demo-Group");
        let stage = Stage::of(registry, |knobs| knobs.id_case = case).await;
        live(stage, &CLASSIC).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_where_azure_takes_its_time() {
    live_with(|knobs| {
        knobs.async_operations = true;
        knobs.provisioning_looks = 3;
        knobs.deletion_looks = 3;
    })
    .await;
    live_with(|knobs| {
        knobs.provisioning_looks = 3;
        knobs.deletion_looks = 3;
        knobs.replication_delay_ms = 120_000;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_where_every_list_has_pages_of_one() {
    live_with(|knobs| knobs.page_size = 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_lives_where_azure_respells_tasks_and_redirects_blobs() {
    live_with(|knobs| {
        knobs.respelled = true;
        knobs.blob_redirects = true;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn azure_may_change_the_letter_case_of_ids_at_any_time() {
    let registry = contoso().resource_group("Demo-Group");
    let mut stage = Stage::of(registry, |_| ()).await;
    let config = stage.config();
    let plan = stage.terraform.plan(&config).await.unwrap();
    let cases = [IdCase::Lower, IdCase::UpperGroup, IdCase::AsStored];
    // The first request is the one of the final plan.
    let Ringing { rung, go } = stage.wire.ring_at(2);
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
