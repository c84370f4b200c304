//! `adopt_existing`: a create takes over the workflow that the registry already has.

use azure_simulator::Generation;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::core::has_error;
use terraform_plugin_testing::host::lines;

async fn with_a_workflow_of_the_cli() -> Stage {
    let stage = Stage::plain().await;
    stage
        .registry()
        .cli_create(Generation::TasksContributor)
        .unwrap();
    stage
}

#[tokio::test(start_paused = true)]
async fn a_create_takes_over_a_workflow_of_the_azure_cli_in_place() {
    let mut stage = with_a_workflow_of_the_cli().await;
    let before = stage.registry().task("cssc-scan-image").unwrap().created;
    let config = with(&stage.config(), "adopt_existing", true);
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    assert!(!has_error(&said), "{said:#?}");
    let after = stage.registry().task("cssc-scan-image").unwrap().created;
    assert_eq!(before, after, "the task is changed in place");
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_omitted_start_time_stays_the_one_of_the_workflow() {
    let mut stage = with_a_workflow_of_the_cli().await;
    let config = with(&stage.config(), "adopt_existing", true);
    let config = with(&config, "start_time", terraform_plugin::value::Value::Null);
    let trigger = stage.registry().task("cssc-trigger-workflow").unwrap();
    let cron = &trigger.properties.trigger.unwrap().timer_triggers[0].schedule;
    let minute_and_hour = cron.split(' ').take(2).collect::<Vec<_>>().join(" ");
    stage.terraform.succeed(&config).await;
    let state = stage.terraform.state();
    let cron = state.get("schedule_cron").as_str().unwrap();
    assert!(cron.starts_with(&minute_and_hour), "{cron}");
}

#[tokio::test(start_paused = true)]
async fn without_adopt_existing_a_plan_warns_and_the_apply_changes_nothing() {
    let mut stage = with_a_workflow_of_the_cli().await;
    let config = stage.config();
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert!(
        lines(&plan.said)
            .iter()
            .any(|line| line.contains("The registry contoso has a workflow already")),
        "{:#?}",
        plan.said
    );
    stage.azure.mark();
    let said = stage.terraform.apply(&plan, &config).await;
    assert_eq!(lines(&said), ["error: Resource already exists"]);
    assert_eq!(stage.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_second_resource_does_not_take_over_a_managed_workflow() {
    let mut stage = Stage::plain().await;
    let config = with(&stage.config(), "adopt_existing", true);
    stage.terraform.succeed(&config).await;
    stage.azure.mark();
    let mut other = stage.terraform.another_resource();
    let said = match other.plan(&config).await {
        Ok(plan) => other.apply(&plan, &config).await,
        Err(said) => said,
    };
    let errors: Vec<String> = lines(&said);
    assert_eq!(errors, ["error at .registry_id: Resource already managed"]);
    assert_eq!(stage.writes(), [""; 0]);
    stage.destroy().await;
}
