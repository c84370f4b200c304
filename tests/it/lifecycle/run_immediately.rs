//! `run_immediately` queues one run after a create or after a change of the policy or the schedule, and no
//! run otherwise.

use azure_simulator::{Fate, Fault};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};

/// Creates a workflow with `run_immediately` and one vulnerable image.
async fn created() -> (Stage, Value) {
    let mut stage = Stage::plain().await;
    stage
        .registry()
        .push_image("python", "3.11", Fate::Vulnerable(3));
    let config = with(&stage.config(), "run_immediately", true);
    stage.terraform.succeed(&config).await;
    (stage, config)
}

/// The number of runs of the trigger task.
fn triggered(stage: &Stage) -> usize {
    let runs = stage.registry().runs();
    let of_trigger = |run: &&azure_simulator::Run| run.task == "cssc-trigger-workflow";
    runs.iter().filter(of_trigger).count()
}

#[tokio::test(start_paused = true)]
async fn a_create_queues_one_run_that_patches() {
    let (stage, _) = created().await;
    assert_eq!(triggered(&stage), 1);
    stage.registry().settle_runs();
    assert_eq!(stage.registry().tags("python"), ["3.11", "3.11-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_or_schedule_queues_one_run() {
    let (mut stage, config) = created().await;
    let changes = [
        ("schedule", Value::from("14d")),
        ("start_time", "05:00".into()),
        ("tag_convention", "floating".into()),
        ("repositories", repositories(&[("python", &["*"])])),
    ];
    let mut config = config;
    for (before, (name, value)) in changes.into_iter().enumerate() {
        config = with(&config, name, value);
        stage.terraform.succeed(&config).await;
        assert_eq!(triggered(&stage), before + 2, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_changes_queue_no_run() {
    let (mut stage, config) = created().await;
    stage.nothing_to_do(&config).await;
    stage
        .terraform
        .succeed(&with(&config, "preflight", "off"))
        .await;
    stage
        .registry()
        .edit_task("cssc-scan-image", |task| task.properties.timeout = Some(60));
    stage.terraform.refresh().await;
    stage.terraform.succeed(&config).await;
    assert_eq!(triggered(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn repairing_or_disabling_the_trigger_task_queues_no_run() {
    let (mut stage, config) = created().await;
    stage.registry().edit_task("cssc-trigger-workflow", |task| {
        task.properties.timeout = Some(60)
    });
    stage.terraform.refresh().await;
    stage.terraform.succeed(&config).await;
    assert_eq!(triggered(&stage), 1);
    stage
        .terraform
        .succeed(&with(&config, "enabled", false))
        .await;
    assert_eq!(triggered(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn without_run_immediately_no_run_is_queued() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage
        .terraform
        .succeed(&with(&config, "schedule", "1d"))
        .await;
    assert_eq!(triggered(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_without_acr_tasks_is_a_warning_that_promises_no_run() {
    let mut stage = Stage::plain().await;
    let refused = Fault::on("POST", "/scheduleRun")
        .status(400)
        .code("TasksOperationsNotAllowed");
    stage.azure.fault(refused.times(u64::MAX));
    let config = with(&stage.config(), "run_immediately", true);
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    let warning = format!("{said:?}");
    assert!(
        warning.contains("This subscription may not run ACR Tasks"),
        "{warning}"
    );
    for promise in ["az acr task run", "role", "on its schedule"] {
        assert!(!warning.contains(promise), "{warning}");
    }
    assert_eq!(triggered(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn a_destroy_cancels_active_runs() {
    let (mut stage, _) = created().await;
    stage.destroy().await;
    assert_eq!(stage.azure.leftovers()["active_runs"], 0);
}
