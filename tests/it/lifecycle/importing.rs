//! Import by the registry's ID, in any letter case.

use azure_simulator::RegistrySpec;

use crate::lifecycle::stage::{Stage, with};
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
