//! Workflows that either generation of the Azure CLI created, complete or partial. Terraform imports the
//! workflow, the plan shows the upgrade, and the apply upgrades it in place.

use azure_simulator::{CliCreate, CliStep, Generation, GroupCase, RegistryHandle, RegistrySpec};
use host_cli::Host;

use crate::stage::{ADDRESS, Stage, WORKFLOW, each, hosts, registry_id};

/// The policy that the configuration describes, so that the plan shows only the upgrade.
const POLICY: &str = r#"{"version":"v1","repositories":[{"repository":"python","tags":["3.11"]}]}"#;

/// The attributes that change for every generation of the CLI's tasks.
const UPGRADE: [&str; 10] = [
    "role_assignments/cssc-patch-image/AcrPush",
    "role_assignments/cssc-scan-image/AcrPull",
    "role_assignments/cssc-trigger-workflow/AcrPull",
    "tasks/cssc-patch-image/definition",
    "tasks/cssc-patch-image/principal_id",
    "tasks/cssc-patch-image/status",
    "tasks/cssc-scan-image/definition",
    "tasks/cssc-scan-image/status",
    "tasks/cssc-trigger-workflow/definition",
    "tasks/cssc-trigger-workflow/status",
];

/// The attributes that change for the first generation only.
const UPGRADE_OF_THE_FIRST_ROLE: [&str; 4] = [
    "role_assignments/cssc-scan-image/Container Registry Tasks Contributor",
    "role_assignments/cssc-scan-image/Contributor",
    "role_assignments/cssc-trigger-workflow/Container Registry Tasks Contributor",
    "role_assignments/cssc-trigger-workflow/Contributor",
];

const PATCHES: [&str; 3] = [
    "PATCH tasks/cssc-patch-image",
    "PATCH tasks/cssc-scan-image",
    "PATCH tasks/cssc-trigger-workflow",
];

#[tokio::test]
async fn a_workflow_created_by_the_azure_cli_is_upgraded_in_place() {
    for host in hosts() {
        let names = ["first", "firstlower", "later", "laterupper"];
        let stage = stage(host, &names).await;
        let creates = [
            create(Generation::Contributor),
            create(Generation::Contributor).group_case(GroupCase::Lower),
            create(Generation::TasksContributor),
            create(Generation::TasksContributor).group_case(GroupCase::Upper),
        ];
        for (name, create) in names.into_iter().zip(creates) {
            stage.azure.registry(name).cli_create(create).unwrap();
        }
        let before = names.map(|name| kept(&stage.azure.registry(name)));
        import(&stage, &names);

        let plan = stage.planned(&[]).await;
        for name in names {
            let mut shown = UPGRADE.to_vec();
            if name.starts_with("first") {
                shown.extend(UPGRADE_OF_THE_FIRST_ROLE);
            }
            shown.sort_unstable();
            let change = &plan.changes[&format!("{ADDRESS}[\"{name}\"]")];
            assert_eq!(change.actions, "update", "{name}");
            assert_eq!(change.attributes, shown, "{name}");
        }
        for status in [
            "Enabled, but differs in identity, credentials",
            "Enabled, but differs in credentials, tags",
            "Enabled, but differs in credentials",
        ] {
            let text = plan.finished.text();
            assert!(text.contains(status), "no {status:?} in {text}");
        }

        stage.apply().await;
        for name in names {
            // The provider deletes the Contributor role assignments after it has created the others.
            let roles = if name.starts_with("first") {
                [
                    vec!["PUT roleAssignments"; 5],
                    vec!["DELETE roleAssignments"; 2],
                ]
                .concat()
            } else {
                vec!["PUT roleAssignments"; 3]
            };
            let writes = stage.writes_in_order(name);
            let (tasks, rest) = writes.split_at(PATCHES.len());
            let mut tasks = tasks.to_vec();
            tasks.sort();
            assert_eq!(tasks, PATCHES, "{name}");
            assert_eq!(rest, roles, "{name}");
        }
        assert_eq!(names.map(|name| kept(&stage.azure.registry(name))), before);
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_partial_workflow_of_the_azure_cli_is_imported_and_completed() {
    for host in hosts() {
        let steps = [
            ("patchonly", CliStep::ScanTask),
            ("patchandscan", CliStep::TriggerTask),
            ("tasksonly", CliStep::ScanAssignment),
            ("onerole", CliStep::TriggerAssignment),
        ];
        let names = steps.map(|(name, _)| name);
        let stage = stage(host, &names).await;
        for (name, step) in steps {
            let registry = stage.azure.registry(name);
            registry.cli_create_failing_at(step, create(Generation::Contributor));
        }
        stage.azure.mark();
        let refused = stage.workspace.try_apply().await.unwrap();
        let text = refused.ended_with(1).unwrap().text();
        assert_eq!(
            text.matches("needs to be imported").count(),
            names.len(),
            "{text}"
        );
        assert_eq!(stage.writes(), Vec::<String>::new());

        import(&stage, &names);
        let plan = stage.planned(&[]).await;
        assert!(
            plan.changes
                .values()
                .all(|change| change.actions == "update")
        );
        stage.apply().await;
        for name in names {
            let mut roles = stage.writes_in_order(name);
            roles.retain(|write| write.ends_with("roleAssignments"));
            let removed = usize::from(name == "onerole");
            let granted = vec!["PUT roleAssignments"; 5];
            let expected = [granted, vec!["DELETE roleAssignments"; removed]].concat();
            assert_eq!(roles, expected, "{name}");
        }
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_imported_workflow_is_destroyed_without_an_upgrade() {
    for host in hosts() {
        let stage = stage(host, &["first", "later"]).await;
        let create = |name, generation| {
            let registry = stage.azure.registry(name);
            registry.cli_create(create(generation)).unwrap();
        };
        create("first", Generation::Contributor);
        create("later", Generation::TasksContributor);
        for name in ["first", "later"] {
            let address = format!("{ADDRESS}[\"{name}\"]");
            let imported = stage.workspace.import(&address, &registry_id(name)).await;
            imported.unwrap().ended_with(0).unwrap();
        }
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_update_by_the_azure_cli_is_drift_and_is_repaired() {
    for host in hosts() {
        let stage = stage(host, &["contoso"]).await;
        stage.apply().await;
        let policy = POLICY.replace("python", "node");
        stage
            .azure
            .registry("contoso")
            .cli_update(Generation::TasksContributor, Some("14d"), Some(&policy))
            .unwrap();
        let plan = stage.planned(&[]).await;
        let change = &plan.changes[&format!("{ADDRESS}[\"contoso\"]")];
        assert_eq!(
            (change.actions.as_str(), &change.attributes[..]),
            (
                "update",
                &[
                    "policy_digest",
                    "repositories/node",
                    "repositories/python",
                    "schedule",
                    "schedule_cron",
                    "tasks/cssc-patch-image/definition",
                    "tasks/cssc-scan-image/definition",
                    "tasks/cssc-trigger-workflow/definition",
                ]
                .map(str::to_owned)[..]
            )
        );
        let writes = stage.apply().await;
        let mut tasks = writes.clone();
        tasks.retain(|write| write.contains("tasks/"));
        assert_eq!(tasks, PATCHES);
        assert_eq!(writes.len(), tasks.len() + 3, "{writes:?}");
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

/// Sets up these registries with a configured workflow on each.
async fn stage(host: &Host, registries: &[&str]) -> Stage {
    let specs = registries.iter().map(|name| RegistrySpec::new(name));
    Stage::with(host, specs, &configuration(registries)).await
}

/// A configuration without `start_time`, so that the CLI's minute and hour stay.
fn configuration(registries: &[&str]) -> String {
    each(registries).replace("  start_time     = \"02:30\"\n", "")
}

/// Adds import blocks for the workflows to the configuration.
fn import(stage: &Stage, registries: &[&str]) {
    let id = registry_id("${each.key}");
    stage.configure(&format!(
        "{}\nimport {{\n  for_each = toset({registries:?})\n  to       = {ADDRESS}[each.key]\n  id       = {id:?}\n}}\n",
        configuration(registries)
    ));
}

fn create(generation: Generation) -> CliCreate {
    CliCreate::new(generation).schedule("7d").policy(POLICY)
}

/// The parts that the upgrade must not change: the timer, the policy, and the existing task identities.
fn kept(registry: &RegistryHandle<'_>) -> (String, serde_json::Value, Vec<String>) {
    let trigger = registry.task("cssc-trigger-workflow").unwrap();
    let scan = registry.task("cssc-scan-image").unwrap();
    let principals = [&trigger, &scan].map(|task| task.principal_id().unwrap().to_owned());
    (
        trigger.timers()[0].schedule.clone(),
        registry.policy().unwrap(),
        principals.to_vec(),
    )
}

#[tokio::test]
async fn adopt_existing_takes_over_a_workflow_of_the_azure_cli_in_one_apply() {
    for host in hosts() {
        let stage = Stage::new(host, &adopting("test")).await;
        let registry = stage.azure.registry("contoso");
        registry.cli_create(Generation::TasksContributor).unwrap();
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("takes over the existing workflow of contoso"),
            "{plan}"
        );
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn adopt_existing_takes_over_no_workflow_of_the_same_configuration() {
    for host in hosts() {
        let both = format!("{}{}", adopting("test"), adopting("other"));
        let stage = Stage::new(host, &adopting("test")).await;
        stage.apply().await;
        stage.configure(&both);
        stage.azure.mark();
        let apply = ["apply", "-input=false", "-auto-approve"];
        let failed = stage.workspace.run(&apply).await.unwrap();
        let text = failed.ended_with(1).unwrap().text();
        assert!(text.contains("Resource already managed"), "{text}");
        assert_eq!(stage.writes(), [""; 0]);
        stage.configure(&adopting("test"));
        stage.assert_no_changes().await;
        stage.destroy().await;

        // Neither is in the state yet.
        let stage = Stage::new(host, &both).await;
        let registry = stage.azure.registry("contoso");
        registry.cli_create(Generation::TasksContributor).unwrap();
        let failed = stage.workspace.run(&apply).await.unwrap();
        let text = failed.ended_with(1).unwrap().text();
        assert!(text.contains("Resource already managed"), "{text}");
        let resources = stage.resources().await;
        let [left] = &resources[..] else {
            panic!("one resource expected: {resources:#?}");
        };
        stage.configure(&adopting(left["name"].as_str().unwrap()));
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_resource_with_adopt_existing_can_be_replaced() {
    for host in hosts() {
        let stage = Stage::new(host, &adopting("test")).await;
        stage.apply().await;
        let replace = format!("-replace={ADDRESS}");
        let replace = ["apply", "-input=false", "-auto-approve", &replace];
        let replaced = stage.workspace.run(&replace).await.unwrap();
        replaced.ended_with(0).unwrap();
        stage.assert_no_changes().await;
        let taint = stage.workspace.run(&["taint", ADDRESS]).await.unwrap();
        taint.ended_with(0).unwrap();
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn two_imports_of_one_registry_under_two_addresses_are_a_warning() {
    const TWICE: &str = "Two resources manage the workflow of contoso";
    let import = |name: &str| {
        let id = registry_id("contoso");
        format!("import {{\n  to = acr_continuous_patching_workflow.{name}\n  id = {id:?}\n}}\n")
    };
    let one = format!("{WORKFLOW}{}", import("test"));
    let other = WORKFLOW.replacen("\"test\"", "\"other\"", 1);
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.workspace.forget_state().unwrap();
        stage.configure(&format!("{one}{other}{}", import("other")));
        let plan = stage.assert_changes().await;
        assert_eq!(plan.matches(TWICE).count(), 1, "{plan}");

        stage.configure(&one);
        let plan = stage.assert_changes().await;
        assert!(!plan.contains(TWICE), "{plan}");
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

/// The configuration [`WORKFLOW`] with `adopt_existing`, under another name.
fn adopting(name: &str) -> String {
    WORKFLOW
        .replacen("\"test\"", &format!("{name:?}"), 1)
        .replacen(
            "  repositories",
            "  adopt_existing = true\n  repositories",
            1,
        )
}
