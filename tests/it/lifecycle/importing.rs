//! Import by the registry's ID, in any letter case.

use azure_simulator::RegistrySpec;

use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::host::lines;

#[tokio::test(start_paused = true)]
async fn an_import_id_is_case_insensitive() {
    let mut stage = Stage::of(RegistrySpec::new("contoso").resource_group("Demo"), |_| ()).await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let id = stage.registry().id();
    for spelling in [id.clone(), id.to_lowercase(), id.to_uppercase()] {
        stage.terraform.stored = None;
        assert_eq!(stage.terraform.import(&spelling).await, []);
        assert_eq!(stage.terraform.state().get("id").as_str(), Some(&*id));
        stage.nothing_to_do(&config).await;
    }
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn an_import_results_in_the_same_state_as_the_create() {
    let mut stage = Stage::plain().await;
    let config = with(&stage.config(), "enabled", false);
    stage.terraform.succeed(&config).await;
    let created = stage.terraform.state().clone();
    stage.terraform.stored = None;
    let id = stage.registry().id();
    stage.terraform.import(&id).await;
    assert_eq!(stage.terraform.state(), &created);
}

#[tokio::test(start_paused = true)]
async fn a_missing_workflow_or_registry_imports_nothing() {
    let mut stage = Stage::plain().await;
    let id = stage.registry().id();
    for id in [id.clone(), id.replace("contoso", "missing")] {
        assert_eq!(stage.terraform.import(&id).await, []);
        assert_eq!(stage.terraform.stored, None);
    }
}

/// The warnings of a plan that keeps two resources for one registry.
async fn plan_both(first: &mut Core, second: &mut Core, config: &Value) -> Vec<String> {
    let mut said = vec![];
    for terraform in [first, second] {
        said.extend(terraform.plan(config).await.unwrap().said);
    }
    lines(&said)
}

#[tokio::test(start_paused = true)]
async fn two_imports_of_one_registry_under_two_addresses_are_a_warning() {
    const TWICE: &str = "warning at .registry_id: Two resources manage the workflow of contoso";
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.terraform.stored = None;
    stage.terraform.restart().await;
    let mut other = stage.terraform.another_resource();
    let id = stage.registry().id();
    assert_eq!(stage.terraform.import(&id).await, []);
    assert_eq!(other.import(&id.to_lowercase()).await, []);
    assert_eq!(
        plan_both(&mut stage.terraform, &mut other, &config).await,
        [TWICE]
    );

    // Each later command says it again, until only one of the two is in the state.
    stage.terraform.restart().await;
    let mut again = stage.terraform.another_resource();
    again.stored = other.stored.clone();
    assert_eq!(stage.terraform.refresh().await, []);
    assert_eq!(again.refresh().await, []);
    assert_eq!(
        plan_both(&mut stage.terraform, &mut again, &config).await,
        [TWICE]
    );
    stage.nothing_to_do(&config).await;
}

#[tokio::test(start_paused = true)]
async fn an_import_of_a_workflow_that_the_state_has_is_a_warning() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.terraform.restart().await;
    let mut other = stage.terraform.another_resource();
    assert_eq!(stage.terraform.refresh().await, []);
    assert_eq!(other.import(&stage.registry().id()).await, []);
    let said = plan_both(&mut stage.terraform, &mut other, &config).await;
    assert_eq!(
        said,
        ["warning at .registry_id: Two resources manage the workflow of contoso"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_invalid_import_id_is_an_error() {
    let mut stage = Stage::plain().await;
    for id in ["", "contoso", "/subscriptions/x"] {
        let said = stage.terraform.import(id).await;
        assert_eq!(lines(&said), ["error: Invalid import ID"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_workflow_must_be_imported() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.terraform.stored = None;
    stage.azure.mark();
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    assert_eq!(lines(&said), ["error: Resource already exists"]);
    assert!(
        said[0]
            .detail
            .contains("needs to be imported into the State")
    );
    assert_eq!(stage.terraform.stored, None);
    assert_eq!(stage.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_in_any_form_that_the_service_reads_is_imported() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let created = stage.terraform.state().clone();
    let id = stage.registry().id();
    for policy in [
        r#"{"VERSION":"v1","Tag-Convention":"","Repositories":[{"Repository":"python","TAGS":["3.12","3.11"],"Enabled":null}],"owner":1}"#,
        r#"{"version":"v1","repositories":[{"repository":"python","tags":["3.11"]},{"repository":"python","tags":["3.12","*"]}]}"#,
    ] {
        stage.registry().push_policy(policy);
        stage.terraform.stored = None;
        assert_eq!(stage.terraform.import(&id).await, []);
        assert_eq!(stage.terraform.state(), &created, "{policy}");
        stage.nothing_to_do(&config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_only_the_provider_cannot_represent_is_its_own_limit() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let policy = r#"{"version":"v1","repositories":[{"repository":"python","tags":["*","*"]}]}"#;
    stage.registry().push_policy(policy);
    stage.terraform.stored = None;
    let said = stage.terraform.import(&stage.registry().id()).await;
    assert!(
        said[0].detail.starts_with("This provider can't represent"),
        "{}",
        said[0].detail
    );
}
