//! The module for many registries and the fleet example, unchanged. A stand-in of this repository plays azurerm.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use azure_simulator::{Options, RegistrySpec, Simulator};
use host_cli::{Host, Plan, Workspace};
use serde_json::{Map, Value, json};

use crate::golden::repository_file;
use crate::stage::{Stage, azurerm, hosts, nothing, provider};

const MODULE: &str = "examples/modules/continuous-patching";

/// The hosts that support functions of providers.
fn supported() -> impl Iterator<Item = &'static Host> {
    hosts().iter().filter(|host| host.is_at_least(8))
}

#[tokio::test]
async fn the_fleet_example_applies_unchanged_with_twenty_registries() {
    for host in supported() {
        let stage = fleet(host, 20).await;
        stage.workspace.apply().await.unwrap();
        let registries = registries(&stage);
        assert_eq!(registries.len(), 20);
        for name in &registries {
            assert_eq!(stage.azure.registry(name).tasks().len(), 3, "{name}");
        }
        let times = stage.output("start_times").await;
        let times: BTreeSet<&str> = times.as_object().unwrap().values().map(text).collect();
        let is_at_night = |time: &&str| *time >= "22:00" || *time < "04:00";
        assert!(times.iter().all(is_at_night), "{times:?}");
        assert!(times.len() > 10, "the times are spread: {times:?}");
        stage.assert_no_changes().await;

        let added = size(&stage, 21).await;
        assert!(
            added.contains("2 to add, 0 to change, 0 to destroy"),
            "{added}"
        );
        size(&stage, 20).await;
        stage.destroy().await;
        assert_eq!(self::registries(&stage), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_changed_registry_of_the_fleet_leaves_its_workflow_alone() {
    for host in supported() {
        let stage = fleet(host, 2).await;
        stage.workspace.apply().await.unwrap();
        configure(&stage, 2, "Premium");
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("0 to add, 2 to change, 0 to destroy"),
            "{plan}"
        );
        assert!(
            !plan.contains("acr_continuous_patching_workflow.this[\"registry1\"] will"),
            "{plan}"
        );
        stage.workspace.apply().await.unwrap();
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_resources_of_the_fleet_can_be_imported() {
    for host in supported() {
        let stage = fleet(host, 1).await;
        stage.workspace.apply().await.unwrap();
        let registry = stage.azure.registry("registry0").id();
        let (group, _) = registry.split_once("/providers/").unwrap();
        let scope = group.to_lowercase();
        let made = stage.azure.role_assignments();
        let mut made = made.iter().filter(|it| it.scope.to_lowercase() == scope);
        let role = made
            .find(|it| it.role == azure_simulator::roles::ACR_PUSH)
            .unwrap()
            .id();
        stage.workspace.forget_state().unwrap();
        for (address, id) in [
            ("azurerm_resource_group.fleet", group),
            ("azurerm_container_registry.fleet[\"registry0\"]", &registry),
            ("azurerm_role_assignment.caller[\"AcrPush\"]", &role),
        ] {
            let imported = stage.workspace.import(address, id).await.unwrap();
            imported.ended_with(0).unwrap();
        }
        let planned = stage.planned(&[]).await;
        let of_azurerm = planned
            .changes
            .keys()
            .filter(|it| it.starts_with("azurerm"));
        let created: Vec<&String> = of_azurerm.collect();
        // Three of the four role assignments are not imported.
        assert_eq!(created.len(), 3, "{created:?}");
        assert!(
            created
                .iter()
                .all(|it| it.starts_with("azurerm_role_assignment")),
            "{created:?}"
        );
    }
}

#[tokio::test]
async fn the_readme_of_the_module_is_valid() {
    let readme = repository_file(&format!("{MODULE}/README.md"));
    let (_, snippet) = readme.split_once("```hcl\n").unwrap();
    let (snippet, _) = snippet.split_once("```").unwrap();
    let registry = |name: &str| {
        format!(
            "resource \"azurerm_container_registry\" \"{name}\" {{\n  name = \"{name}\"\n  sku = \"Basic\"\n  \
             resource_group_name = \"demo\"\n  location = \"westeurope\"\n}}\n"
        )
    };
    let configuration = [snippet, &registry("contoso"), &registry("fabrikam")].join("\n");
    for host in supported() {
        let stage = fleet(host, 0).await;
        stage
            .workspace
            .copy(&at("examples/modules"), "modules")
            .unwrap();
        stage.workspace.write("outputs.tf", "").unwrap();
        stage.workspace.write("main.tf", &configuration).unwrap();
        stage.workspace.init().await.unwrap();
        let validated = stage.workspace.run(&["validate"]).await.unwrap();
        validated.ended_with(0).unwrap();
    }
}

#[tokio::test]
async fn the_tests_of_the_module_pass_without_azure() {
    for host in supported() {
        let workspace = module(host);
        test(&workspace, &["test"]).await;
    }
}

#[tokio::test]
async fn the_tests_of_the_module_pass_on_the_simulator() {
    for host in supported() {
        let registries = ["contoso", "fabrikam", "northwind"].map(RegistrySpec::new);
        let options = registries
            .into_iter()
            .fold(Options::default(), Options::registry);
        let azure = Simulator::start(options).unwrap();
        let workspace = module(host).with_environment(azure.env());
        test(&workspace, &["test", "-test-directory=tests/simulator"]).await;
        assert_eq!(azure.leftovers(), nothing());
    }
}

/// Runs `terraform test` in the folder of the module.
async fn test(workspace: &Workspace, command: &[&str]) {
    workspace.init().await.unwrap();
    let tested = workspace.run(command).await.unwrap().ended_with(0).unwrap();
    assert!(tested.text().contains(" passed, 0 failed"), "{tested}");
    assert!(!tested.text().contains("! 0 passed"), "{tested}");
}

fn module(host: &Host) -> Workspace {
    eprintln!("under {host}");
    let workspace = Workspace::with_providers(host, &[&provider()]).unwrap();
    workspace.copy(&at(MODULE), "").unwrap();
    workspace
}

/// Sets up the fleet example with this number of registries.
async fn fleet(host: &Host, count: usize) -> Stage {
    eprintln!("under {host}");
    let azure = Simulator::start(Options::default()).unwrap();
    let providers = [&provider(), &azurerm()];
    let workspace = Workspace::with_providers(host, &providers).unwrap();
    workspace.copy(&at("examples/fleet"), "").unwrap();
    workspace
        .copy(&at("examples/modules"), "../modules")
        .unwrap();
    let workspace = workspace.with_environment(azure.env());
    let stage = Stage { azure, workspace };
    configure(&stage, count, "Standard");
    stage.workspace.init().await.unwrap();
    stage
}

/// Changes the number of registries, and returns the output of a plan.
async fn size(stage: &Stage, count: usize) -> String {
    configure(stage, count, "Standard");
    let plan = stage.workspace.plan(&[]).await.unwrap();
    assert!(!matches!(plan, Plan::Failed(_)), "{}", plan.finished());
    plan.finished().text()
}

fn configure(stage: &Stage, count: usize, sku: &str) {
    let registries: Map<String, Value> = (0..count)
        .map(|number| (format!("registry{number}"), json!({"sku": sku})))
        .collect();
    let variables = json!({"registries": registries}).to_string();
    stage
        .workspace
        .write("fleet.auto.tfvars.json", &variables)
        .unwrap();
}

/// The names of the registries in Azure.
fn registries(stage: &Stage) -> Vec<String> {
    let state = stage.azure.state();
    let registries = state["registries"].as_array().unwrap().iter();
    registries
        .map(|registry| text(&registry["spec"]["name"]).to_owned())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
