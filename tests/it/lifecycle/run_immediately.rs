//! `run_immediately`: one run where there is something new to scan or a new time to do it, and none
//! otherwise.

use azure_simulator::Fate;
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};

/// A workflow that runs immediately, with an image to look after.
async fn created() -> (Stage, Value) {
    let mut stage = Stage::plain().await;
    stage
        .registry()
        .push_image("python", "3.11", Fate::Vulnerable(3));
    let config = with(&stage.config(), "run_immediately", true);
    stage.terraform.succeed(&config).await;
    (stage, config)
}

/// How many runs of the trigger task there have been.
fn triggered(stage: &Stage) -> usize {
    let runs = stage.registry().runs();
    let of_trigger = |run: &&azure_simulator::Run| run.task == "cssc-trigger-workflow";
    runs.iter().filter(of_trigger).count()
}

#[tokio::test(start_paused = true)]
async fn a_create_queues_one_run_which_patches() {
    let (stage, _) = created().await;
    assert_eq!(triggered(&stage), 1);
    stage.registry().settle_runs();
    assert_eq!(stage.registry().tags("python"), ["3.11", "3.11-1"]);
}

#[tokio::test(start_paused = true)]
async fn another_policy_or_schedule_queues_one_run() {
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
async fn nothing_new_queues_no_run() {
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
async fn mending_or_disabling_the_trigger_task_queues_no_run() {
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
async fn without_it_no_run_is_ever_queued() {
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
async fn a_destroy_ends_the_runs_that_are_on_their_way() {
    let (mut stage, _) = created().await;
    stage.destroy().await;
    assert_eq!(stage.azure.leftovers()["active_runs"], 0);
}
