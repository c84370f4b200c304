//! The examples of the registry pages, applied.

use std::path::Path;

use azure_simulator::RegistrySpec;
use serde_json::{Value, json};

use crate::golden::{files_below, repository_file};
use crate::stage::{Stage, hosts, registry_id};

const FOLDER: &str = "examples/resources/acr_continuous_patching_workflow";

#[tokio::test]
async fn the_resource_example_applies_unchanged() {
    for host in hosts() {
        let stage = example(
            host,
            [RegistrySpec::new("contoso")],
            &registry_id("contoso"),
        )
        .await;
        stage.apply().await;
        stage.assert_no_changes().await;
        let policy = stage.azure.registry("contoso").policy().unwrap();
        assert_eq!(policy["repositories"].as_array().unwrap().len(), 2);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_example_of_each_authentication_method_is_valid() {
    for host in hosts() {
        let stage = Stage::new(host, "").await;
        let examples = files_below(Path::new("examples/provider"));
        assert!(examples.len() > 8, "{examples:?}");
        for name in examples {
            stage.configure(&repository_file(&name));
            let validated = stage.workspace.run(&["validate", "-json"]).await.unwrap();
            let answer: Value = serde_json::from_str(&validated.stdout).unwrap();
            assert_eq!(answer["diagnostics"], json!([]), "{name}");
        }
    }
}

#[tokio::test]
async fn the_import_examples_import_the_workflow_of_the_resource_example() {
    let command = repository_file(&format!("{FOLDER}/import.sh"));
    let (address, id) = command
        .trim()
        .strip_prefix("terraform import ")
        .unwrap()
        .split_once(' ')
        .unwrap();
    let block = repository_file(&format!("{FOLDER}/import-by-string-id.tf"));
    for host in hosts() {
        let registry = RegistrySpec::new("contoso").resource_group("example");
        let stage = example(host, [registry], id).await;
        stage.apply().await;

        stage.workspace.forget_state().unwrap();
        stage
            .workspace
            .import(address, id)
            .await
            .unwrap()
            .ended_with(0)
            .unwrap();
        stage.assert_no_changes().await;

        stage.workspace.forget_state().unwrap();
        stage.configure(&block);
        assert!(
            stage
                .assert_changes()
                .await
                .contains("1 to import, 0 to add, 0 to change, 0 to destroy")
        );
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_import_example_by_identity_imports_if_the_host_supports_identities() {
    let block = repository_file(&format!("{FOLDER}/import-by-identity.tf"));
    let id = registry_id("contoso").replace("/demo/", "/example/");
    // Terraform and OpenTofu support resource identities since 1.12.
    for host in hosts().iter().filter(|host| host.is_at_least(12)) {
        let registry = RegistrySpec::new("contoso").resource_group("example");
        let stage = example(host, [registry], &id).await;
        stage.apply().await;
        stage.workspace.forget_state().unwrap();
        stage.configure(&block);
        let text = stage.assert_changes().await;
        assert!(text.contains("1 to import, 0 to add, 0 to change, 0 to destroy"));
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

/// Sets up the example of the resource for the registry with this ID.
async fn example(
    host: &host_cli::Host,
    registries: impl IntoIterator<Item = RegistrySpec>,
    id: &str,
) -> Stage {
    let stage = Stage::with(
        host,
        registries,
        &repository_file(&format!("{FOLDER}/resource.tf")),
    )
    .await;
    stage
        .workspace
        .write("terraform.tfvars", &format!("registry_id = {id:?}\n"))
        .unwrap();
    stage
}
