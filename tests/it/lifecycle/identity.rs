//! The resource identity of a workflow: the parts of its registry's ID, in the spelling of the configuration.

use azure_simulator::{RegistrySpec, TimerTrigger};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::core::Action;
use terraform_plugin_testing::host::lines;

fn identity(subscription: &str, group: &str, registry: &str) -> Value {
    Value::object([
        ("subscription_id", subscription.into()),
        ("resource_group_name", group.into()),
        ("registry_name", registry.into()),
    ])
}

/// The identity for a registry ID.
fn of(id: &str) -> Value {
    let parts: Vec<&str> = id.split('/').collect();
    identity(parts[2], parts[4], parts[8])
}

fn stored(stage: &Stage) -> Value {
    stage.terraform.stored.as_ref().unwrap().identity.clone()
}

#[tokio::test(start_paused = true)]
async fn an_identity_keeps_the_spelling_of_the_configured_id() {
    let mut stage = Stage::of(RegistrySpec::new("contoso").resource_group("Demo"), |_| ()).await;
    let id = stage.registry().id().to_uppercase();
    let config = with(&stage.config(), "registry_id", id.as_str());
    stage.terraform.succeed(&config).await;
    assert_eq!(stored(&stage), of(&id));
    stage.nothing_to_do(&config).await;
    assert_eq!(stored(&stage), of(&id));

    // Another spelling of the same ID changes neither the resource nor its identity.
    let respelled = with(&config, "registry_id", id.to_lowercase().as_str());
    stage
        .terraform
        .succeed(&with(&respelled, "enabled", false))
        .await;
    assert_eq!(stored(&stage), of(&id));
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_identity_in_the_state_keeps_its_spelling() {
    let mut stage = Stage::of(RegistrySpec::new("contoso").resource_group("Demo"), |_| ()).await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    // Another version of the provider, or an import by identity, has spelled it differently.
    let kept = of(&stage.registry().id().to_lowercase());
    let respell = |stage: &mut Stage| {
        stage.terraform.stored.as_mut().unwrap().identity = kept.clone();
    };
    respell(&mut stage);
    stage.nothing_to_do(&config).await;
    assert_eq!(stored(&stage), kept);
    stage
        .terraform
        .succeed(&with(&config, "enabled", false))
        .await;
    assert_eq!(stored(&stage), kept);
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_imported_by_identity() {
    let mut stage = Stage::of(RegistrySpec::new("contoso").resource_group("Demo"), |_| ()).await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let id = stage.registry().id();
    for spelling in [id.clone(), id.to_lowercase(), id.to_uppercase()] {
        stage.terraform.stored = None;
        assert_eq!(stage.terraform.import_by(&of(&spelling)).await, []);
        assert_eq!(stored(&stage), of(&spelling));
        assert_eq!(stage.terraform.state().get("id").as_str(), Some(&*id));
        stage.nothing_to_do(&config).await;
    }
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_invalid_import_identity_is_an_error() {
    let mut stage = Stage::plain().await;
    let said = stage
        .terraform
        .import_by(&identity("me", "demo", "contoso"))
        .await;
    assert_eq!(lines(&said), ["error: Invalid import identity"]);
    assert_eq!(stage.terraform.stored, None);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_adds_the_identity_to_a_state_without_one() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.knows_identities = false;
    stage.terraform.succeed(&config).await;
    stage.nothing_to_do(&config).await;
    stage
        .terraform
        .succeed(&with(&config, "enabled", false))
        .await;
    assert_eq!(stored(&stage), Value::Null);

    stage.terraform.knows_identities = true;
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert_eq!(
        plan.action,
        Action::Update,
        "a plan before the first refresh"
    );
    assert_eq!(stage.terraform.refresh().await, []);
    assert_eq!(stored(&stage), of(&stage.registry().id()));
    stage.terraform.succeed(&config).await;

    // A host without identities can use the state again.
    stage.terraform.knows_identities = false;
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn a_generated_configuration_is_valid_and_plans_no_changes() {
    let mut stage = Stage::plain().await;
    let config = with(&stage.config(), "start_time", "04:05");
    let paused = with(&config, "enabled", false);
    for config in [config, paused] {
        stage.terraform.succeed(&config).await;
        let id = stage.registry().id();
        stage.terraform.stored = None;
        assert_eq!(stage.terraform.import(&id).await, []);
        let (generated, said) = stage.terraform.generate_config().await;
        assert_eq!(said, []);
        stage.nothing_to_do(&generated).await;
        for computed in [
            "id",
            "tasks",
            "role_assignments",
            "schedule_cron",
            "workflow_type",
        ] {
            assert_eq!(*generated.get(computed), Value::Null);
        }
        // Generation omits arguments that have their default.
        for name in ["adopt_existing", "preflight", "run_immediately"] {
            assert_eq!(*generated.get(name), Value::Null);
        }
        assert_eq!(generated.get("start_time").as_str(), Some("04:05"));
        let enabled = config.get("enabled").as_bool().filter(|enabled| !enabled);
        assert_eq!(*generated.get("enabled"), enabled.into());
    }
}

/// A change of the workflow by others.
type Change = fn(&Stage);

/// Replaces the timer of the trigger task with timers of these schedules.
fn set_timers(stage: &Stage, schedules: &[&str]) {
    stage.registry().edit_task("cssc-trigger-workflow", |task| {
        let found = task.properties.trigger.as_mut().unwrap();
        let first = found.timer_triggers[0].clone();
        let timer = |schedule: &&str| TimerTrigger {
            schedule: (*schedule).to_owned(),
            ..first.clone()
        };
        found.timer_triggers = schedules.iter().map(timer).collect();
    });
}

fn delete_trigger(stage: &Stage) {
    assert!(stage.registry().delete_task("cssc-trigger-workflow"));
}

fn remove_policy(stage: &Stage) {
    stage.registry().remove_policy();
}

fn empty_policy(stage: &Stage) {
    let empty = r#"{"version":"v1","repositories":[]}"#;
    stage.registry().push_policy(empty);
}

#[tokio::test(start_paused = true)]
async fn a_generated_configuration_that_no_plan_takes_names_what_to_fill_in() {
    let cases: [(Change, &[&str]); 5] = [
        (delete_trigger, &["schedule"]),
        (
            |stage| set_timers(stage, &["0 12 * * 1"]),
            &["schedule", "0 12 * * 1"],
        ),
        (
            |stage| set_timers(stage, &["0 12 */2 * *", "0 13 */2 * *"]),
            &["schedule", "0 12 */2 * *; 0 13 */2 * *"],
        ),
        (remove_policy, &["repositories"]),
        (empty_policy, &["repositories"]),
    ];
    for (change, named) in cases {
        let mut stage = Stage::plain().await;
        let config = stage.config();
        stage.terraform.succeed(&config).await;
        change(&stage);
        stage.terraform.stored = None;
        stage.terraform.import(&stage.registry().id()).await;
        let (_, said) = stage.terraform.generate_config().await;
        assert_eq!(
            lines(&said),
            ["warning: Complete the generated configuration of contoso"]
        );
        for part in named {
            assert!(said[0].detail.contains(part), "{}", said[0].detail);
        }
        let other = ["schedule", "repositories"]
            .into_iter()
            .find(|it| *it != named[0]);
        let other = format!("  - `{}`", other.unwrap());
        assert!(!said[0].detail.contains(&other), "{}", said[0].detail);
    }
}
