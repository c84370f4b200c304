//! Plans with unknown values: what they show as known does not change in the apply.

use azure_simulator::RegistrySpec;
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::core::{Action, Plan};

/// Plans with `name` unknown and applies with it known. If `exists`, the registry already has a workflow.
async fn planned_unknown(name: &str, exists: bool) -> (Stage, Plan) {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    if exists {
        let before = with(&config, "schedule", "30d");
        stage.terraform.succeed(&before).await;
    }
    stage.terraform.restart().await;
    let unknown = with(&config, name, Value::Unknown);
    let plan = stage.terraform.plan(&unknown).await.unwrap();
    stage.terraform.restart().await;
    assert_eq!(stage.terraform.apply(&plan, &config).await, []);
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
    (stage, plan)
}

#[tokio::test(start_paused = true)]
async fn an_unknown_registry_id_is_planned_as_a_create() {
    let (_, plan) = planned_unknown("registry_id", false).await;
    assert_eq!(plan.action, Action::Create);
    for name in ["id", "login_server", "role_assignments"] {
        assert!(plan.planned.get(name).is_unknown(), "{name}");
    }
    assert!(plan.planned.get("policy_digest").as_str().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_registry_id_of_a_workflow_is_planned_as_a_replacement() {
    let (_, plan) = planned_unknown("registry_id", true).await;
    assert_eq!(plan.action, Action::Replace);
}

#[tokio::test(start_paused = true)]
async fn each_other_argument_may_be_unknown() {
    for name in [
        "schedule",
        "start_time",
        "repositories",
        "tag_convention",
        "enabled",
        "run_immediately",
        "preflight",
    ] {
        for exists in [false, true] {
            let (_, plan) = planned_unknown(name, exists).await;
            assert!(plan.planned.get(name).is_unknown(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_tag_may_be_unknown() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    let tags = Value::Set(vec!["3.11".into(), Value::Unknown]);
    let python = Value::object([("tags", tags), ("enabled", Value::Null)]);
    let unknown = Value::Map([("python".to_owned(), python)].into());
    let unknown = with(&config, "repositories", unknown);
    let plan = stage.terraform.plan(&unknown).await.unwrap();
    assert!(plan.planned.get("policy_digest").is_unknown());
    assert_eq!(stage.terraform.apply(&plan, &config).await, []);
    stage.nothing_to_do(&config).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_provider_argument_plans_without_any_request() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    let unknown = Value::object([("client_id", Value::Unknown)]);
    stage.terraform.restart_with(unknown).await;
    stage.azure.mark();
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert_eq!(stage.azure.requests(), []);
    assert!(plan.planned.get("role_assignments").is_unknown());
    stage.terraform.restart().await;
    assert_eq!(stage.terraform.apply(&plan, &config).await, []);
    stage.nothing_to_do(&config).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_registry_is_an_error_in_the_plan() {
    let stage = Stage::of(RegistrySpec::new("contoso"), |_| ()).await;
    let id = stage.registry().id().replace("contoso", "missing");
    let config = with(&stage.config(), "registry_id", id);
    let said = stage.terraform.plan(&config).await.unwrap_err();
    assert_eq!(said[0].summary, "Registry not found");
}
