//! The workflows that the Azure CLI creates, updates and deletes.

use std::time::Duration;

use azure_simulator::{
    CliCreate, CliStep, Generation, GroupCase, Options, RegistryHandle, RegistrySpec, roles,
};

use crate::client::Azure;

const TASKS: [&str; 3] = [
    "cssc-patch-image",
    "cssc-scan-image",
    "cssc-trigger-workflow",
];

/// Returns the counts of policy repositories, tasks and role assignments.
fn pieces(azure: &Azure) -> (usize, usize, usize) {
    let left = azure.simulator.leftovers();
    let count = |key: &str| usize::try_from(left[key].as_u64().unwrap()).unwrap();
    (
        count("policy_repositories"),
        count("tasks"),
        count("role_assignments"),
    )
}

fn code(result: Result<(), azure_simulator::CliError>) -> String {
    result.unwrap_err().code
}

/// Returns the principals of the tasks. The patch task has none.
fn principals(registry: &RegistryHandle<'_>) -> Vec<String> {
    let tasks = registry.tasks();
    let principals = tasks.iter().filter_map(|task| task.principal_id());
    principals.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_generation_assigns_its_role_to_two_of_three_tasks() {
    for (generation, role) in [
        (Generation::Contributor, roles::CONTRIBUTOR),
        (Generation::TasksContributor, roles::TASKS_CONTRIBUTOR),
    ] {
        let azure = Azure::new();
        let registry = azure.simulator.registry("contoso");
        registry.cli_create(generation).unwrap();
        assert_eq!(pieces(&azure), (1, 3, 2));
        let names: Vec<String> = registry.tasks().into_iter().map(|task| task.name).collect();
        assert_eq!(names, TASKS);
        let [patch, scan, trigger] = registry.tasks().try_into().unwrap();
        assert_eq!(patch.identity, None);
        assert_eq!((patch.tags.len(), scan.tags.len()), (2, 1));
        let schedule = &trigger.timers()[0].schedule;
        assert!(schedule.ends_with(" */1 * *"), "{schedule}");
        let scope = registry.id();
        let assignments = azure.simulator.role_assignments();
        let given: Vec<_> = assignments
            .iter()
            .filter(|assignment| assignment.scope == scope)
            .map(|assignment| (assignment.role.clone(), assignment.principal_id.clone()))
            .collect();
        let expected: Vec<_> = principals(&registry)
            .into_iter()
            .map(|principal| (role.to_owned(), principal))
            .collect();
        assert_eq!(given, expected);
        assert_eq!(code(registry.cli_create(generation)), "AlreadyExists");
    }
}

#[tokio::test]
async fn assignment_names_depend_on_letter_case() {
    let names = |case: GroupCase| {
        let azure = Azure::with(
            Options::default().registry(RegistrySpec::new("contoso").resource_group("Demo")),
        );
        let registry = azure.simulator.registry("contoso");
        registry
            .cli_create(CliCreate::new(Generation::Contributor).group_case(case))
            .unwrap();
        let scope = registry.id();
        let assignments = azure.simulator.role_assignments();
        assignments
            .into_iter()
            .filter(|assignment| assignment.scope == scope)
            .map(|assignment| assignment.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(GroupCase::AsStored), names(GroupCase::AsStored));
    assert_ne!(names(GroupCase::AsStored), names(GroupCase::Lower));
    assert_ne!(names(GroupCase::Lower), names(GroupCase::Upper));
}

#[tokio::test]
async fn a_failed_create_can_be_repeated_until_all_tasks_exist() {
    for (step, left) in [
        (CliStep::PatchTask, (1, 0, 0)),
        (CliStep::ScanTask, (1, 1, 0)),
        (CliStep::TriggerTask, (1, 2, 0)),
        (CliStep::ScanAssignment, (1, 3, 0)),
        (CliStep::TriggerAssignment, (1, 3, 1)),
    ] {
        let azure = Azure::new();
        let registry = azure.simulator.registry("contoso");
        registry.cli_create_failing_at(step, Generation::TasksContributor);
        assert_eq!(pieces(&azure), left);
        let again = registry.cli_create(Generation::TasksContributor);
        assert_eq!(again.is_ok(), left.1 < 3);
    }
}

#[tokio::test]
async fn an_orphaned_role_assignment_blocks_the_next_create() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    registry.cli_create(Generation::TasksContributor).unwrap();
    for task in TASKS {
        registry.delete_task(task);
    }
    assert_eq!(
        code(registry.cli_create(Generation::TasksContributor)),
        "RoleAssignmentUpdateNotPermitted"
    );
}

#[tokio::test]
async fn delete_removes_only_role_assignments_of_existing_tasks() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    let whole = CliCreate::new(Generation::Contributor).schedule("7d");
    registry.cli_create(whole.clone()).unwrap();
    registry.fire_timer("cssc-trigger-workflow").unwrap();
    registry.cli_delete().unwrap();
    assert_eq!(pieces(&azure), (0, 0, 0));
    assert_eq!(azure.simulator.leftovers()["active_runs"], 0);

    registry.cli_create(whole).unwrap();
    registry.delete_task("cssc-scan-image");
    registry.cli_delete().unwrap();
    assert_eq!(pieces(&azure), (0, 0, 1));
}

#[tokio::test]
async fn update_moves_the_timer_and_replaces_task_definitions() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    registry.cli_create(Generation::Contributor).unwrap();
    let before = registry.task("cssc-trigger-workflow").unwrap();
    let scan = registry.task("cssc-scan-image").unwrap();
    azure.simulator.advance(Duration::from_secs(60));
    let policy =
        r#"{"version":"v1","repositories":[{"repository":"node","tags":["22"],"enabled":true}]}"#;
    registry
        .cli_update(Generation::TasksContributor, Some("14d"), Some(policy))
        .unwrap();
    let after = registry.task("cssc-trigger-workflow").unwrap();
    assert_eq!(after.timers().len(), 1);
    assert!(after.timers()[0].schedule.ends_with(" */14 * *"));
    let minute = |schedule: &str| schedule.split(' ').next().unwrap().to_owned();
    assert_ne!(
        minute(&after.timers()[0].schedule),
        minute(&before.timers()[0].schedule)
    );
    assert_ne!(
        registry.task("cssc-scan-image").unwrap().yaml(),
        scan.yaml()
    );
    assert_eq!(
        registry.policy().unwrap()["repositories"][0]["repository"],
        "node"
    );
    registry.delete_task("cssc-scan-image");
    assert_eq!(
        code(registry.cli_update(Generation::Contributor, None, None)),
        "DoesNotExist"
    );
}
