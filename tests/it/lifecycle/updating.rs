//! Updates in place: each change makes only the needed write calls.

use azure_simulator::{Fault, RegistrySpec};
use http::Method;
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, config, repositories, with};
use terraform_plugin_testing::core::{Action, has_error};

/// The write calls that push a policy.
const PUSH: [&str; 3] = [
    "POST /v2/csscpolicies/patchpolicy/blobs/uploads/",
    "PUT /v2/csscpolicies/patchpolicy/blobs/uploads/…",
    "PUT /v2/csscpolicies/patchpolicy/manifests/v1",
];
const PATCH_TRIGGER: [&str; 1] = ["PATCH tasks/cssc-trigger-workflow"];

/// Changes one argument of a workflow, and asserts the write calls and that the next plan is empty.
async fn change(name: &str, value: impl Into<Value>, expected: &[&str]) -> Stage {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let changed = with(&config, name, value);
    stage.terraform.restart().await;
    stage.terraform.refresh().await;
    stage.azure.mark();
    let plan = stage.terraform.succeed(&changed).await;
    assert_eq!(plan.action, Action::Update);
    assert_eq!(stage.writes(), expected);
    stage.nothing_to_do(&changed).await;
    stage
}

fn timer(stage: &Stage) -> (String, String) {
    let trigger = stage.registry().task("cssc-trigger-workflow").unwrap();
    let timer = &trigger.properties.trigger.unwrap().timer_triggers[0];
    (timer.schedule.clone(), timer.status.clone().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_new_schedule_is_one_patch() {
    let stage = change("schedule", "14d", &PATCH_TRIGGER).await;
    assert_eq!(timer(&stage).0, "30 2 */14 * *");
}

#[tokio::test(start_paused = true)]
async fn a_new_start_time_is_one_patch() {
    let stage = change("start_time", "23:59", &PATCH_TRIGGER).await;
    assert_eq!(timer(&stage).0, "59 23 */7 * *");
}

#[tokio::test(start_paused = true)]
async fn a_removed_start_time_keeps_its_value() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let without = with(&config, "start_time", Value::Null);
    stage.nothing_to_do(&without).await;
    assert_eq!(timer(&stage).0, "30 2 */7 * *");
}

#[tokio::test(start_paused = true)]
async fn disabling_and_enabling_a_workflow_are_one_patch_each() {
    let mut stage = change("enabled", false, &PATCH_TRIGGER).await;
    assert_eq!(timer(&stage).1, "Disabled");
    stage.azure.mark();
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    assert_eq!(stage.writes(), PATCH_TRIGGER);
    assert_eq!(timer(&stage).1, "Enabled");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_can_be_created_disabled() {
    let mut stage = Stage::plain().await;
    let config = with(&stage.config(), "enabled", false);
    stage.terraform.succeed(&config).await;
    assert_eq!(timer(&stage).1, "Disabled");
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_tag_convention_is_one_push() {
    let stage = change("tag_convention", "floating", &PUSH).await;
    assert_eq!(
        stage.registry().policy().unwrap()["tag-convention"],
        "floating"
    );
}

#[tokio::test(start_paused = true)]
async fn new_tags_and_repositories_are_one_push() {
    let others = repositories(&[("python", &["3.13"]), ("team/api", &["*"])]);
    let stage = change("repositories", others, &PUSH).await;
    let policy = stage.registry().policy().unwrap();
    assert_eq!(policy["repositories"][0]["tags"][0], "3.13");
    assert_eq!(policy["repositories"][1]["repository"], "team/api");
}

#[tokio::test(start_paused = true)]
async fn a_disabled_repository_is_one_push() {
    let tags = Value::Set(vec!["3.11".into(), "3.12".into()]);
    let disabled = Value::object([("tags", tags), ("enabled", false.into())]);
    let repositories = Value::Map([("python".to_owned(), disabled)].into());
    let stage = change("repositories", repositories, &PUSH).await;
    let policy = stage.registry().policy().unwrap();
    assert_eq!(policy["repositories"][0]["enabled"], false);
}

#[tokio::test(start_paused = true)]
async fn arguments_that_only_affect_terraform_write_nothing() {
    change("preflight", "off", &[]).await;
    change("run_immediately", true, &[]).await;
    let timeouts = Value::object([
        ("create", "5m".into()),
        ("delete", Value::Null),
        ("read", Value::Null),
        ("update", Value::Null),
    ]);
    change("timeouts", timeouts, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn several_changes_are_one_push_and_one_patch() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let changed = with(&config, "schedule", "1d");
    let changed = with(&changed, "enabled", false);
    let changed = with(&changed, "tag_convention", "floating");
    stage.azure.mark();
    stage.terraform.succeed(&changed).await;
    assert_eq!(stage.writes(), [&PATCH_TRIGGER[..], &PUSH].concat());
    stage.nothing_to_do(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn another_spelling_of_the_registry_id_changes_nothing() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let id = stage.registry().id().to_uppercase();
    stage.nothing_to_do(&with(&config, "registry_id", id)).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_registry_id_is_a_replacement() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let elsewhere = stage.azure.add_registry(RegistrySpec::new("fabrikam")).id();
    let moved = with(&config, "registry_id", elsewhere);
    let plan = stage.terraform.succeed(&moved).await;
    assert_eq!(plan.action, Action::Replace);
    assert_eq!(stage.registry().tasks().len(), 0);
    assert_eq!(stage.azure.registry("fabrikam").tasks().len(), 3);
    stage.nothing_to_do(&moved).await;
    assert_eq!(stage.terraform.destroy().await, []);
    assert_eq!(stage.azure.leftovers()["role_assignments"], 0);
}

#[tokio::test(start_paused = true)]
async fn workflows_on_two_registries_are_independent() {
    let mut stage = Stage::plain().await;
    let elsewhere = stage.azure.add_registry(RegistrySpec::new("fabrikam")).id();
    let here = stage.config();
    stage.terraform.succeed(&here).await;
    let first = stage.terraform.stored.take();
    stage.terraform.succeed(&config(&elsewhere)).await;
    let second = std::mem::replace(&mut stage.terraform.stored, first);
    stage.destroy().await;
    assert_eq!(stage.azure.registry("fabrikam").tasks().len(), 3);
    stage.terraform.stored = second;
    stage.nothing_to_do(&config(&elsewhere)).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_since_the_plan_fails_the_apply_before_any_write() {
    let damage: [fn(&Stage); 3] = [
        |stage| _ = stage.registry().delete_task("cssc-trigger-workflow"),
        |stage| {
            let assignments = stage.azure.role_assignments().into_iter();
            let ours = assignments.filter(|assignment| assignment.scope.contains("/registries/"));
            for assignment in ours.take(1) {
                let address = format!("{}?api-version=2022-04-01", assignment.id());
                let (status, _) = stage
                    .azure
                    .behind_the_scenes(Method::DELETE, &address, None);
                assert_eq!(status, 200);
            }
        },
        |stage| _ = stage.registry().reconfigure(RegistrySpec::abac),
    ];
    for damage in damage {
        let mut stage = Stage::plain().await;
        let config = stage.config();
        stage.terraform.succeed(&config).await;
        let changed = with(&config, "schedule", "1d");
        let plan = stage.terraform.plan(&changed).await.unwrap();
        damage(&stage);
        stage.azure.mark();
        let before = stage.terraform.stored.clone();
        let said = stage.terraform.apply(&plan, &changed).await;
        assert!(said[0].summary.ends_with("has changed since the plan"));
        assert_eq!(stage.writes(), [""; 0]);
        assert_eq!(stage.terraform.stored, before);
        stage.terraform.refresh().await;
        stage.terraform.succeed(&changed).await;
        stage.nothing_to_do(&changed).await;
        stage.destroy().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_after_untaint_completes_a_failed_create() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    let refused = Fault::on("PUT", "/tasks/cssc-scan-image").status(403);
    stage.azure.fault(refused.times(u64::MAX));
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert!(has_error(&stage.terraform.apply(&plan, &config).await));
    stage.azure.clear_faults();

    stage.terraform.stored.as_mut().unwrap().tainted = false;
    stage.terraform.restart().await;
    stage.terraform.refresh().await;
    stage.azure.mark();
    let plan = stage.terraform.succeed(&config).await;
    assert_eq!(plan.action, Action::Update);
    let writes = stage.writes();
    assert!(
        writes.contains(&"PUT tasks/cssc-scan-image".to_owned()),
        "{writes:?}"
    );
    assert!(
        !writes.iter().any(|it| it.starts_with("DELETE")),
        "{writes:?}"
    );
    stage.nothing_to_do(&config).await;
}
