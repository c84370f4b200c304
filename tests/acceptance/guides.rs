//! The configurations in the guides, applied as the guides say.

use azure_simulator::{CliCreate, Fate, Generation, RegistrySpec};
use host_cli::{Host, Kind, Plan};
use regex_lite::Regex;
use serde_json::json;

use crate::golden::repository_file;
use crate::stage::{Stage, hosts, registry_id};

const FOLDER: &str = "examples/guides";
const POLICY: &str = "examples/functions/policy_from_json/continuouspatching.json";

/// Sets up a configuration of a guide, with registries in the resource group `example`.
async fn stage(host: &Host, registries: &[&str], name: &str) -> Stage {
    let registries = registries
        .iter()
        .map(|name| RegistrySpec::new(name).resource_group("example"));
    Stage::with(
        host,
        registries,
        &repository_file(&format!("{FOLDER}/{name}")),
    )
    .await
}

fn id(registry: &str) -> String {
    registry_id(registry).replace("/demo/", "/example/")
}

fn set_variables(stage: &Stage, text: &str) {
    stage.workspace.write("terraform.tfvars", text).unwrap();
}

#[tokio::test]
async fn a_workflow_of_the_azure_cli_is_imported_with_its_policy_file() {
    for host in hosts() {
        let stage = stage(host, &["contoso"], "azure-cli/main.tf").await;
        let policy = repository_file(POLICY);
        let create = CliCreate::new(Generation::TasksContributor)
            .schedule("7d")
            .policy(&policy);
        stage.azure.registry("contoso").cli_create(create).unwrap();
        let written = stage.workspace.write("continuouspatching.json", &policy);
        written.unwrap();
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("1 to import, 0 to add, 1 to change, 0 to destroy"),
            "{plan}"
        );
        assert!(!plan.contains("Warning"), "{plan}");
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_plan_generates_the_configuration_of_a_workflow_of_the_azure_cli() {
    for host in hosts() {
        let stage = stage(host, &["contoso"], "azure-cli/main.tf").await;
        let create = CliCreate::new(Generation::TasksContributor)
            .schedule("7d")
            .policy(&repository_file(POLICY));
        stage.azure.registry("contoso").cli_create(create).unwrap();
        stage.configure(&format!(
            "import {{\n  to = acr_continuous_patching_workflow.example\n  id = {:?}\n}}\n",
            id("contoso")
        ));
        let options = ["-generate-config-out=workflow.tf"];
        let mut plan = stage.workspace.plan(&options).await.unwrap();
        if host.kind == Kind::OpenTofu {
            let text = plan.finished().text();
            assert!(text.contains("Invalid reference"), "{text}");
            let generated = stage.workspace.folder().join("workflow.tf");
            let generated = std::fs::read_to_string(generated).unwrap();
            let name = Regex::new("(?m)^( +)([a-z0-9.-]+) / ([a-z0-9.-]+) = ").unwrap();
            let quoted = name.replace_all(&generated, "$1\"$2/$3\" = ");
            stage.workspace.write("workflow.tf", &quoted).unwrap();
            plan = stage.workspace.plan(&[]).await.unwrap();
        }
        let text = plan.finished().text();
        assert!(
            text.contains("1 to import, 0 to add, 1 to change, 0 to destroy"),
            "{text}"
        );
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn many_registries_are_created_and_imported_with_for_each() {
    let names = ["contoso", "fabrikam", "northwind"];
    for host in hosts() {
        let stage = stage(host, &names, "many-registries/main.tf").await;
        for name in names {
            let registry = stage.azure.registry(name);
            registry.push_image("python", "3.11", Fate::Clean);
        }
        let workflows: String = names
            .iter()
            .map(|name| {
                format!(
                    "  {name} = {{ registry_id = {:?}, repositories = {{ python = [\"*\"] }} }}\n",
                    id(name)
                )
            })
            .collect();
        set_variables(&stage, &format!("registries = {{\n{workflows}}}\n"));
        stage.apply().await;
        stage.assert_no_changes().await;
        let schedules = stage.output("schedules").await;
        assert_eq!(schedules.as_object().unwrap().len(), names.len());

        stage.workspace.forget_state().unwrap();
        stage.configure(&repository_file(&format!(
            "{FOLDER}/many-registries/import.tf"
        )));
        let ids: String = names
            .iter()
            .map(|name| format!("  {name} = {:?}\n", id(name)))
            .collect();
        set_variables(&stage, &format!("registry_ids = {{\n{ids}}}\n"));
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("3 to import, 0 to add, 0 to change, 0 to destroy"),
            "{plan}"
        );
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_plan_of_the_gate_fails_without_scans_and_after_a_failed_patch() {
    for host in hosts() {
        let stage = stage(host, &["contoso"], "monitoring/gate.tf").await;
        set_variables(&stage, &format!("registry_id = {:?}\n", id("contoso")));
        let registry = stage.azure.registry("contoso");
        registry
            .cli_create(CliCreate::new(Generation::TasksContributor))
            .unwrap();
        assert_fails(&stage, "The workflow has scanned no image for 30 days.").await;

        registry.push_image("python", "3.11", Fate::Clean);
        registry.fire_timer("cssc-trigger-workflow").unwrap();
        registry.settle_runs();
        let plan = stage.workspace.plan(&[]).await.unwrap();
        assert!(matches!(plan, Plan::Empty(_)), "{}", plan.finished());

        registry.push_image("python", "3.9", Fate::PatchFails);
        registry.fire_timer("cssc-trigger-workflow").unwrap();
        registry.settle_runs();
        assert_fails(&stage, "python:3.9: ").await;
        assert_eq!(stage.azure.leftovers()["active_runs"], json!(0));
    }
}

async fn assert_fails(stage: &Stage, message: &str) {
    let plan = stage.workspace.plan(&[]).await.unwrap();
    assert!(matches!(plan, Plan::Failed(_)), "{}", plan.finished());
    let text = plan.finished().text();
    assert!(text.contains(message), "{text}");
}
