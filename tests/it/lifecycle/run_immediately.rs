//! `run_immediately` queues one run after a create or after a change of the policy or the schedule, and no
//! run otherwise.

use azure_simulator::{Fate, Fault, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};
use terraform_plugin_testing::core::has_error;

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

#[tokio::test(start_paused = true)]
async fn a_run_that_ignores_its_cancellation_does_not_hold_up_a_destroy() {
    let (mut stage, _) = created().await;
    stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
    let config = with(&stage.config(), "schedule", "1d");
    let config = with(&config, "run_immediately", true);
    stage.terraform.succeed(&config).await;
    let ignored = Fault::on("POST", "/cancel").status(200).times(u64::MAX);
    stage.azure.fault(ignored);
    let said = stage.terraform.destroy().await;
    let [warning] = &said[..] else {
        panic!("one warning expected: {said:#?}");
    };
    assert!(!has_error(&said), "{said:#?}");
    assert_eq!(warning.summary, "Runs in contoso are still active");
    let active = stage.registry().runs();
    let active = active.iter().filter(|run| run.status.is_active());
    for run in active {
        let named = format!("{} of {}", run.id, run.task);
        assert_eq!(warning.detail.matches(&named).count(), 1, "{warning:?}");
    }
    stage.nothing_left();
}

/// Creates a workflow with `run_immediately` that has a warning, and returns the warning as one text.
async fn warned(stage: &mut Stage, config: &Value) -> String {
    let config = with(config, "run_immediately", true);
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    assert!(!has_error(&said), "{said:#?}");
    assert_eq!(said.len(), 1, "{said:#?}");
    format!("{}\n{}", said[0].summary, said[0].detail)
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_too_many_images_queues_one_run() {
    let mut stage = Stage::plain().await;
    stage.registry().push_tags("python", 101);
    let every_tag = repositories(&[("python", &["*"])]);
    let config = with(&stage.config(), "repositories", every_tag);
    let said = warned(&mut stage, &with(&config, "preflight", "off")).await;
    assert_eq!(triggered(&stage), 1);
    let id = &stage.registry().runs()[0].id;
    assert!(
        said.starts_with(&format!("Run {id} in contoso failed\n")),
        "{said}"
    );
    let last = "\n  ERROR: 101 images match the policy";
    assert!(said.contains(last), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_queued_run_that_cannot_be_read_is_not_called_unqueued() {
    let mut stage = Stage::plain().await;
    let unreadable = Fault::on("GET", "/runs/").status(403).times(u64::MAX);
    stage.azure.fault(unreadable.code("AuthorizationFailed"));
    let config = stage.config();
    let said = warned(&mut stage, &config).await;
    let id = &stage.registry().runs()[0].id;
    let summary = format!("Run {id} in contoso is queued, but its state could not be read\n");
    assert!(said.starts_with(&summary), "{said}");
    assert!(said.contains("AuthorizationFailed"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_an_agent_is_reported_as_not_started() {
    let hour = Some(3_600_000);
    let spec = RegistrySpec::new("contoso");
    let mut stage = Stage::of(spec, |knobs| knobs.run_duration_ms = hour).await;
    let config = stage.config();
    let said = warned(&mut stage, &config).await;
    assert!(said.contains(" is queued, not started yet\n"), "{said}");
    assert_eq!(triggered(&stage), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_azure_refused_is_owed_without_a_plan_of_its_own() {
    let mut stage = Stage::plain().await;
    let refused = Fault::on("POST", "/scheduleRun")
        .status(403)
        .times(u64::MAX);
    stage.azure.fault(refused.code("AuthorizationFailed"));
    let config = stage.config();
    let said = warned(&mut stage, &config).await;
    assert!(
        said.starts_with("Could not queue a run in contoso\n"),
        "{said}"
    );
    stage.azure.clear_faults();
    let config = with(&config, "run_immediately", true);
    stage.nothing_to_do(&config).await;
    let unrelated = with(&config, "enabled", false);
    stage.terraform.succeed(&unrelated).await;
    assert_eq!(triggered(&stage), 1);
    stage.terraform.refresh().await;
    stage.terraform.succeed(&config).await;
    assert_eq!(triggered(&stage), 1, "the debt is paid once");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_fails_half_way_still_owes_its_run() {
    let (mut stage, config) = created().await;
    stage.registry().edit_task("cssc-scan-image", |task| {
        task.properties.timeout = Some(60);
    });
    stage.terraform.refresh().await;
    let fault = || {
        let refused = Fault::on("PATCH", "/tasks/cssc-scan-image").status(403);
        refused.code("AuthorizationFailed").times(u64::MAX)
    };
    stage.azure.fault(fault());
    let another = with(&config, "repositories", repositories(&[("python", &["*"])]));
    let plan = stage.terraform.plan(&another).await.unwrap();
    assert!(has_error(&stage.terraform.apply(&plan, &another).await));
    stage.azure.clear_faults();
    stage.terraform.restart().await;
    stage.terraform.refresh().await;
    assert_eq!(triggered(&stage), 1);
    let without = with(&another, "run_immediately", false);
    stage.terraform.succeed(&without).await;
    assert_eq!(triggered(&stage), 1, "`run_immediately` is off");
    stage.terraform.refresh().await;
    stage.terraform.succeed(&another).await;
    assert_eq!(triggered(&stage), 2);
    stage.nothing_to_do(&another).await;
    stage
        .terraform
        .succeed(&with(&another, "preflight", "off"))
        .await;
    assert_eq!(triggered(&stage), 2, "the debt is paid once");
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_half_way_owes_its_run_after_an_untaint() {
    let mut stage = Stage::plain().await;
    let refused = Fault::on("PUT", "/tasks/cssc-scan-image").status(403);
    let refused = refused.code("AuthorizationFailed").times(u64::MAX);
    stage.azure.fault(refused);
    let config = with(&stage.config(), "run_immediately", true);
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert!(has_error(&stage.terraform.apply(&plan, &config).await));
    stage.azure.clear_faults();
    stage.terraform.stored.as_mut().unwrap().tainted = false;
    stage.terraform.refresh().await;
    stage.terraform.succeed(&config).await;
    assert_eq!(triggered(&stage), 1);
}
