//! Several registries, each kind of registry, and registry IDs that are known only after apply.

use azure_simulator::RegistrySpec;

use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, registry_id};

#[tokio::test]
async fn an_unknown_registry_id_is_planned_without_any_request() {
    for host in hosts() {
        let configuration = format!(
            "resource \"terraform_data\" \"registry\" {{\n  input = \"{}\"\n}}\n{}",
            registry_id("contoso"),
            WORKFLOW.replace(
                &format!("\"{}\"", registry_id("contoso")),
                "terraform_data.registry.output"
            ),
        );
        let stage = Stage::new(host, &configuration).await;
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("+ registry_id = (known after apply)"),
            "{plan}"
        );
        assert_eq!(stage.azure.requests(), []);
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn one_apply_creates_workflows_on_two_registries() {
    for host in hosts() {
        let workflow = WORKFLOW
            .replace(
                "registry_id ",
                "for_each = toset([\"contoso\", \"fabrikam\"])\n  registry_id ",
            )
            .replace("registries/contoso", "registries/${each.key}");
        let registries = ["contoso", "fabrikam"].map(RegistrySpec::new);
        let stage = Stage::with(host, registries, &workflow).await;
        stage.apply().await;
        stage.assert_no_changes().await;
        for name in ["contoso", "fabrikam"] {
            assert_eq!(stage.azure.registry(name).tasks().len(), 3);
            let attributes = stage.attributes(&format!("{ADDRESS}[\"{name}\"]")).await;
            assert_eq!(attributes["login_server"], format!("{name}.azurecr.io"));
        }
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_abac_registry_gets_the_repository_roles() {
    for host in hosts() {
        let registry = RegistrySpec::new("contoso").abac();
        let stage = Stage::with(host, [registry], WORKFLOW).await;
        stage.apply().await;
        stage.assert_no_changes().await;
        let expected = [
            "cssc-patch-image/Container Registry Repository Writer",
            "cssc-scan-image/Container Registry Repository Reader",
            "cssc-scan-image/Container Registry Tasks Contributor",
            "cssc-trigger-workflow/Container Registry Repository Catalog Lister",
            "cssc-trigger-workflow/Container Registry Repository Reader",
            "cssc-trigger-workflow/Container Registry Tasks Contributor",
        ];
        assert_eq!(roles(&stage).await, expected);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_registry_without_abac_gets_the_least_privileged_roles() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let expected = [
            "cssc-patch-image/AcrPush",
            "cssc-scan-image/AcrPull",
            "cssc-scan-image/Container Registry Tasks Contributor",
            "cssc-trigger-workflow/AcrPull",
            "cssc-trigger-workflow/Container Registry Tasks Contributor",
        ];
        assert_eq!(roles(&stage).await, expected);
    }
}

#[tokio::test]
async fn a_new_registry_id_replaces_the_workflow_and_cleans_the_first_registry() {
    for host in hosts() {
        let registries = ["contoso", "fabrikam"].map(RegistrySpec::new);
        let stage = Stage::with(host, registries, WORKFLOW).await;
        stage.apply().await;
        stage.configure(&WORKFLOW.replace("registries/contoso", "registries/fabrikam"));
        let plan = stage.assert_changes().await;
        assert!(plan.contains("# forces replacement"), "{plan}");
        assert!(
            plan.contains("1 to add, 0 to change, 1 to destroy"),
            "{plan}"
        );
        stage.apply().await;
        stage.assert_no_changes().await;
        let first = stage.azure.registry("contoso");
        assert_eq!((first.tasks().len(), first.policy()), (0, None));
        assert_eq!(stage.azure.registry("fabrikam").tasks().len(), 3);
        assert_eq!(stage.azure.leftovers()["role_assignments"], 5);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_registry_id_is_case_insensitive() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let id = registry_id("contoso");
        stage.configure(&WORKFLOW.replace(&id, &id.to_lowercase().replace("demo", "DEMO")));
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_login_server_of_a_domain_name_label_is_used() {
    for host in hosts() {
        let registry = RegistrySpec::new("contoso").domain_label("b2c3d4e5f6a7b8c9");
        let stage = Stage::with(host, [registry], WORKFLOW).await;
        stage.apply().await;
        stage.assert_no_changes().await;
        let attributes = stage.attributes(ADDRESS).await;
        assert_eq!(
            attributes["login_server"],
            "contoso-b2c3d4e5f6a7b8c9.azurecr.io"
        );
        stage.destroy().await;
    }
}

/// The keys of the role assignments.
async fn roles(stage: &Stage) -> Vec<String> {
    let attributes = stage.attributes(ADDRESS).await;
    let roles = attributes["role_assignments"].as_object().unwrap();
    roles.keys().cloned().collect()
}
