//! Remains of an earlier workflow do not block the next create. Parts that are already deleted do not block a
//! destroy. The provider never changes unrelated role assignments.

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

/// Changes to a registry, by the registry's name.
type Changes = &'static [(&'static str, fn(&Simulator, &RegistryHandle<'_>))];

/// Changes to a workflow of the provider after its tasks were deleted in the portal.
const PROVIDER_WORKFLOWS: Changes = &[
    ("policyandorphans", |_, _| ()),
    ("orphansonly", |_, registry| _ = registry.remove_policy()),
    ("otherpolicy", |_, registry| {
        registry.push_policy("not a policy");
    }),
    ("otherpermissions", |_, registry| {
        registry.reconfigure(RegistrySpec::abac);
    }),
];

/// Azure CLI calls before the tasks were deleted in the portal.
const CLI_WORKFLOWS: Changes = &[
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

/// Deletions before a destroy.
const DELETIONS: Changes = &[
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
async fn a_create_removes_orphans_of_an_earlier_workflow() {
    for host in hosts() {
        let stage = stage(host, PROVIDER_WORKFLOWS).await;
        stage.apply().await;
        stage.workspace.forget_state().unwrap();
        for (name, change) in PROVIDER_WORKFLOWS {
            delete_tasks(&stage.azure.registry(name));
            change(&stage.azure, &stage.azure.registry(name));
        }
        assert_created_without_orphans(&stage, PROVIDER_WORKFLOWS).await;
    }
}

#[tokio::test]
async fn a_create_removes_orphans_of_an_azure_cli_workflow() {
    for host in hosts() {
        let stage = stage(host, CLI_WORKFLOWS).await;
        for (name, change) in CLI_WORKFLOWS {
            change(&stage.azure, &stage.azure.registry(name));
            delete_tasks(&stage.azure.registry(name));
        }
        assert_created_without_orphans(&stage, CLI_WORKFLOWS).await;
    }
}

#[tokio::test]
async fn a_create_finds_an_orphan_that_azure_lists_late() {
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
        // Azure refuses two of the five at first.
        assert_eq!(count(&writes, "PUT roleAssignments"), 7);
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_destroy_succeeds_if_parts_are_already_deleted() {
    for host in hosts() {
        for refresh in ["-refresh=true", "-refresh=false"] {
            let stage = stage(host, DELETIONS).await;
            stage.apply().await;
            for (name, change) in DELETIONS {
                change(&stage.azure, &stage.azure.registry(name));
            }
            let destroy = ["destroy", "-input=false", "-auto-approve", refresh];
            let destroyed = stage.workspace.run(&destroy).await.unwrap();
            destroyed.ended_with(0).unwrap();
            assert_eq!(stage.azure.leftovers(), nothing());
        }
    }
}

#[tokio::test]
async fn unrelated_role_assignments_are_never_changed() {
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
        // A principal that may be deleted, as the tasks' identities may. It holds roles that tasks need,
        // and others.
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

        // A task's identity, with roles that the task does not need, and with a needed role at another scope.
        let scan = registry.task("cssc-scan-image").unwrap();
        let scan = scan.principal_id().unwrap();
        foreign.push(seed(&id, roles::CONTRIBUTOR, scan));
        foreign.push(seed(&id, roles::ACR_PUSH, scan));
        foreign.push(seed(group, roles::ACR_PULL, scan));
        stage.assert_no_changes().await;
        assert_unchanged(&stage, &foreign);

        // The same assignments after the deletion of their task.
        assert!(registry.delete_task("cssc-scan-image"));
        stage.apply().await;
        stage.assert_no_changes().await;
        assert_unchanged(&stage, &foreign);
        registry.reconfigure(RegistrySpec::abac);
        stage.apply().await;
        assert_unchanged(&stage, &foreign);
        stage.workspace.destroy().await.unwrap();
        assert_unchanged(&stage, &foreign);
        assert_eq!(stage.azure.leftovers()["role_assignments"], foreign.len());
    }
}

/// Sets up one registry with a configured workflow for each change.
async fn stage(host: &Host, changes: Changes) -> Stage {
    let names: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
    let registries = names.iter().map(|name| RegistrySpec::new(name));
    Stage::with(host, registries, &each(&names)).await
}

/// Creates the workflows and asserts that there is a warning and no error. The apply removes each orphaned
/// role assignment with one request, and leaves none.
async fn assert_created_without_orphans(stage: &Stage, changes: Changes) {
    let orphans: Vec<usize> = changes
        .iter()
        .map(|(name, _)| at(&stage.azure, name).len())
        .collect();
    stage.azure.mark();
    let applied = stage.workspace.try_apply().await.unwrap();
    let text = applied.ended_with(0).unwrap().text();
    for ((name, _), orphans) in changes.iter().zip(orphans) {
        let warning = format!("Removed remains of an earlier workflow in {name} ");
        assert!(text.contains(&warning), "{warning}: {text}");
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

/// Asserts that these role assignments are unchanged.
fn assert_unchanged(stage: &Stage, foreign: &[RoleAssignment]) {
    let all = stage.azure.role_assignments();
    for assignment in foreign {
        assert!(
            all.contains(assignment),
            "{assignment:?} was deleted or changed"
        );
    }
}

fn count(writes: &[String], kind: &str) -> usize {
    writes
        .iter()
        .filter(|write| write.starts_with(kind))
        .count()
}

/// Deletes the existing tasks as the portal does, which keeps their role assignments.
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
