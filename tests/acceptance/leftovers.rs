//! What an earlier workflow has left behind is never in the way of the next one, what is gone
//! already is never in the way of a destroy, and what belongs to others is never touched.

use azure_simulator::{
    CliCreate, CliStep, Generation, GroupCase, RegistryHandle, RegistrySpec, RoleAssignment,
    Simulator, Task, roles,
};
use host_cli::Host;
use http::Method;

use crate::stage::{Stage, WORKFLOW, each, hosts, nothing};

const TASKS: [&str; 3] = [
    "cssc-trigger-workflow",
    "cssc-scan-image",
    "cssc-patch-image",
];

/// What somebody has done to a registry, by its name.
type Deeds = &'static [(&'static str, fn(&Simulator, &RegistryHandle<'_>))];

/// What becomes of a workflow of ours whose tasks have been deleted in the portal.
const OF_OURS: Deeds = &[
    ("policyandorphans", |_, _| ()),
    ("orphansonly", |_, registry| _ = registry.remove_policy()),
    ("otherpolicy", |_, registry| {
        registry.push_policy("not a policy");
    }),
    ("otherpermissions", |_, registry| {
        registry.reconfigure(RegistrySpec::abac);
    }),
];

/// What the CLI has done before its tasks were deleted in the portal.
const OF_THE_CLI: Deeds = &[
    ("firstrole", |_, registry| {
        registry.cli_create(Generation::Contributor).unwrap();
    }),
    ("laterrole", |_, registry| {
        registry.cli_create(Generation::TasksContributor).unwrap();
    }),
    ("bothroles", |_, registry| {
        registry.cli_create(Generation::Contributor).unwrap();
        delete_tasks(registry);
        registry.cli_create(Generation::TasksContributor).unwrap();
    }),
    ("lowergroup", |_, registry| {
        let create = CliCreate::new(Generation::TasksContributor);
        registry
            .cli_create(create.group_case(GroupCase::Lower))
            .unwrap();
    }),
    ("uppergroup", |_, registry| {
        let create = CliCreate::new(Generation::Contributor);
        registry
            .cli_create(create.group_case(GroupCase::Upper))
            .unwrap();
    }),
    ("policyonly", |_, registry| {
        fails_at(registry, CliStep::PatchTask);
    }),
    ("patchonly", |_, registry| {
        fails_at(registry, CliStep::ScanTask);
    }),
    ("patchandscan", |_, registry| {
        fails_at(registry, CliStep::TriggerTask);
    }),
    ("tasksonly", |_, registry| {
        fails_at(registry, CliStep::ScanAssignment);
    }),
    ("onerole", |_, registry| {
        fails_at(registry, CliStep::TriggerAssignment);
    }),
];

/// What is gone before a destroy.
const GONE: Deeds = &[
    ("trigger", |_, registry| _ = registry.delete_task(TASKS[0])),
    ("scanning", |_, registry| _ = registry.delete_task(TASKS[1])),
    ("patching", |_, registry| _ = registry.delete_task(TASKS[2])),
    ("tasks", |_, registry| delete_tasks(registry)),
    ("policy", |_, registry| _ = registry.remove_policy()),
    ("identities", |_, registry| {
        for task in TASKS {
            registry.edit_task(task, |task| task.identity = None);
        }
    }),
    ("assignments", |azure, registry| revoke_all(azure, registry)),
    ("allbutassignments", |_, registry| {
        delete_tasks(registry);
        registry.remove_policy();
    }),
    ("allbutpolicy", |azure, registry| {
        delete_tasks(registry);
        revoke_all(azure, registry);
    }),
    ("replaced", |_, registry| {
        delete_tasks(registry);
        registry.cli_create(Generation::Contributor).unwrap();
    }),
    ("everything", |_, registry| registry.cli_delete().unwrap()),
];

#[tokio::test]
async fn a_create_cleans_up_after_a_workflow_of_ours() {
    for host in hosts() {
        let stage = stage(host, OF_OURS).await;
        stage.apply().await;
        stage.workspace.forget_state().unwrap();
        for (name, deed) in OF_OURS {
            delete_tasks(&stage.azure.registry(name));
            deed(&stage.azure, &stage.azure.registry(name));
        }
        assert_created_and_cleaned(&stage, OF_OURS).await;
    }
}

#[tokio::test]
async fn a_create_cleans_up_after_a_workflow_of_the_cli() {
    for host in hosts() {
        let stage = stage(host, OF_THE_CLI).await;
        for (name, deed) in OF_THE_CLI {
            deed(&stage.azure, &stage.azure.registry(name));
            delete_tasks(&stage.azure.registry(name));
        }
        assert_created_and_cleaned(&stage, OF_THE_CLI).await;
    }
}

#[tokio::test]
async fn an_orphan_that_no_list_shows_yet_is_found_when_it_is_in_the_way() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let registry = stage.azure.registry("contoso");
        stage
            .azure
            .turn(|knobs| knobs.stale_assignment_list_looks = 2);
        registry.cli_create(Generation::TasksContributor).unwrap();
        delete_tasks(&registry);
        let writes = stage.apply().await;
        assert_eq!(count(&writes, "DELETE roleAssignments"), 2);
        // Two of the five are refused at first.
        assert_eq!(count(&writes, "PUT roleAssignments"), 7);
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn what_is_gone_already_is_no_obstacle_to_a_destroy() {
    for host in hosts() {
        for refresh in ["-refresh=true", "-refresh=false"] {
            let stage = stage(host, GONE).await;
            stage.apply().await;
            for (name, deed) in GONE {
                deed(&stage.azure, &stage.azure.registry(name));
            }
            let destroy = ["destroy", "-input=false", "-auto-approve", refresh];
            let destroyed = stage.workspace.run(&destroy).await.unwrap();
            destroyed.ended_with(0).unwrap();
            assert_eq!(stage.azure.leftovers(), nothing());
        }
    }
}

#[tokio::test]
async fn role_assignments_of_others_are_never_touched() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let registry = stage.azure.registry("contoso");
        let id = registry.id();
        let (group, _) = id.split_once("/providers/").unwrap();
        let seed = |scope: &str, role: &str, principal: &str| {
            stage
                .azure
                .seed_role_assignment(None, scope, role, principal)
        };
        // Somebody whose identity may be gone as well as ours, with roles of ours and others.
        let somebody = "5a5a5a5a-0000-4000-8000-000000000001";
        let mut foreign = [
            roles::ACR_PULL,
            roles::ACR_PUSH,
            roles::TASKS_CONTRIBUTOR,
            roles::CONTRIBUTOR,
            roles::READER,
        ]
        .map(|role| seed(&id, role, somebody))
        .to_vec();
        stage.apply().await;

        // Our own identities, with roles that their tasks don't need, and with one of ours elsewhere.
        let scan = registry.task("cssc-scan-image").unwrap();
        let scan = scan.principal_id().unwrap();
        foreign.push(seed(&id, roles::CONTRIBUTOR, scan));
        foreign.push(seed(&id, roles::ACR_PUSH, scan));
        foreign.push(seed(group, roles::ACR_PULL, scan));
        stage.assert_no_changes().await;
        assert_untouched(&stage, &foreign);

        // Their orphans, too.
        assert!(registry.delete_task("cssc-scan-image"));
        stage.apply().await;
        stage.assert_no_changes().await;
        assert_untouched(&stage, &foreign);
        registry.reconfigure(RegistrySpec::abac);
        stage.apply().await;
        assert_untouched(&stage, &foreign);
        stage.workspace.destroy().await.unwrap();
        assert_untouched(&stage, &foreign);
        assert_eq!(stage.azure.leftovers()["role_assignments"], foreign.len());
    }
}

/// A stage for a workflow on a registry of its own for each of these deeds.
async fn stage(host: &Host, deeds: Deeds) -> Stage {
    let names: Vec<&str> = deeds.iter().map(|(name, _)| *name).collect();
    let registries = names.iter().map(|name| RegistrySpec::new(name));
    Stage::with(host, registries, &each(&names)).await
}

/// Creates the workflows: without an error, with a warning, and so that nothing is left of what was
/// there before, for the price of one removal each.
async fn assert_created_and_cleaned(stage: &Stage, deeds: Deeds) {
    let orphans: Vec<usize> = deeds
        .iter()
        .map(|(name, _)| at(&stage.azure, name).len())
        .collect();
    stage.azure.mark();
    let applied = stage.workspace.try_apply().await.unwrap();
    let text = applied.ended_with(0).unwrap().text();
    let warning = "Removed remains of an earlier workflow in contoso";
    assert!(text.contains(warning), "{text}");
    for ((name, _), orphans) in deeds.iter().zip(orphans) {
        let writes = stage.writes_to(name);
        let assignments = at(&stage.azure, name);
        assert_eq!(count(&writes, "DELETE roleAssignments"), orphans, "{name}");
        assert_eq!(
            count(&writes, "PUT roleAssignments"),
            assignments.len(),
            "{name}"
        );
        let tasks = stage.azure.registry(name).tasks();
        assert_eq!(count(&writes, "PUT tasks/"), tasks.len(), "{name}");
        let principals: Vec<&str> = tasks.iter().filter_map(Task::principal_id).collect();
        assert_eq!(principals.len(), 3, "{name}");
        for assignment in assignments {
            let principal = assignment.principal_id.as_str();
            assert!(principals.contains(&principal), "{name}: {assignment:?}");
        }
    }
    stage.assert_no_changes().await;
    stage.destroy().await;
}

/// The role assignments at a registry.
fn at(azure: &Simulator, registry: &str) -> Vec<RoleAssignment> {
    let scope = azure.registry(registry).id();
    let mut all = azure.role_assignments();
    all.retain(|assignment| assignment.scope == scope);
    all
}

/// Holds those assignments to be as they were.
fn assert_untouched(stage: &Stage, foreign: &[RoleAssignment]) {
    let all = stage.azure.role_assignments();
    for assignment in foreign {
        assert!(
            all.contains(assignment),
            "{assignment:?} is gone or another"
        );
    }
}

fn count(writes: &[String], kind: &str) -> usize {
    writes
        .iter()
        .filter(|write| write.starts_with(kind))
        .count()
}

/// Deletes those of the tasks that are there, in the portal: their role assignments stay.
fn delete_tasks(registry: &RegistryHandle<'_>) {
    for task in TASKS {
        registry.delete_task(task);
    }
}

fn revoke_all(azure: &Simulator, registry: &RegistryHandle<'_>) {
    let scope = registry.id();
    for assignment in azure.role_assignments() {
        if assignment.scope == scope {
            let address = format!("{}?api-version=2022-04-01", assignment.id());
            azure.behind_the_scenes(Method::DELETE, &address, None);
        }
    }
}

fn fails_at(registry: &RegistryHandle<'_>, step: CliStep) {
    registry.cli_create_failing_at(step, Generation::TasksContributor);
}
