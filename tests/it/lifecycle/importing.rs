//! Imports: by the registry's id, however it is spelled.

use azure_simulator::RegistrySpec;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::host::lines;

#[tokio::test(start_paused = true)]
async fn an_id_is_imported_in_any_letter_case() {
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
async fn an_import_and_the_create_before_it_make_the_same_state() {
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
async fn nothing_is_imported_from_a_registry_without_a_workflow_or_that_is_not_there() {
    let mut stage = Stage::plain().await;
    let id = stage.registry().id();
    for id in [id.clone(), id.replace("contoso", "nobody")] {
        assert_eq!(stage.terraform.import(&id).await, []);
        assert_eq!(stage.terraform.stored, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_none_is_refused() {
    let mut stage = Stage::plain().await;
    for id in ["", "contoso", "/subscriptions/x"] {
        let said = stage.terraform.import(id).await;
        assert_eq!(lines(&said), ["error: Invalid import ID"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_exists_has_to_be_imported() {
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
