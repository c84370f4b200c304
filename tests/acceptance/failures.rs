//! Interrupts and faults during a create. The state records everything that exists in Azure, the next apply
//! completes the workflow, and a destroy leaves nothing.

use std::time::Duration;

use azure_simulator::{Fault, RegistrySpec};
use host_cli::run::{Finished, Running};
use serde_json::Value;

use crate::stage::{ADDRESS, Stage, WORKFLOW, each, hosts};

#[tokio::test]
async fn ctrl_c_during_task_creation_leaves_a_complete_state() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage
            .azure
            .turn(|knobs| knobs.provisioning_looks = u32::MAX);
        let apply = stage.workspace.start_apply().unwrap();
        let interrupted = ctrl_c_once(apply, || stage.azure.leftovers()["tasks"] == 3).await;
        interrupted.ended_with(1).unwrap();
        assert_state_has_what_exists(&stage, ADDRESS, "contoso", Knowledge::Whole).await;

        stage.azure.turn(|knobs| knobs.provisioning_looks = 0);
        for task in stage.azure.registry("contoso").tasks() {
            stage
                .azure
                .registry("contoso")
                .edit_task(&task.name, |task| task.progress.looks_left = 0);
        }
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn ctrl_c_during_role_assignment_creation_leaves_a_complete_state() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.azure.turn(|knobs| knobs.latency_ms = 200);
        let apply = stage.workspace.start_apply().unwrap();
        // The apply may finish before the interrupt arrives.
        ctrl_c_once(apply, || stage.azure.leftovers()["role_assignments"] != 0).await;
        assert_state_has_what_exists(&stage, ADDRESS, "contoso", Knowledge::Whole).await;
        stage.azure.turn(|knobs| knobs.latency_ms = 0);
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_next_apply_completes_a_create_that_azure_denied() {
    let refused = |fault: Fault| fault.status(403).code("AuthorizationFailed");
    assert_completed_by_the_next_apply(refused, Knowledge::Whole).await;
}

#[tokio::test]
async fn the_next_apply_completes_a_create_after_a_broken_connection() {
    assert_completed_by_the_next_apply(Fault::cut, Knowledge::Whole).await;
}

#[tokio::test]
async fn the_next_apply_completes_a_create_after_a_lost_response() {
    assert_completed_by_the_next_apply(Fault::cut_after, Knowledge::OfTheWorkflow).await;
}

#[tokio::test]
async fn a_tainted_workflow_with_create_before_destroy_needs_an_untaint() {
    let workflow = WORKFLOW.replacen(
        "  repositories",
        "  lifecycle {\n    create_before_destroy = true\n  }\n  repositories",
        1,
    );
    for host in hosts() {
        let stage = Stage::new(host, &workflow).await;
        stage.apply().await;
        let run = async |command: &[&str]| stage.workspace.run(command).await.unwrap();
        run(&["taint", ADDRESS]).await.ended_with(0).unwrap();
        let apply = ["apply", "-input=false", "-auto-approve"];
        let failed = run(&apply).await.ended_with(1).unwrap();
        let text = failed.text();
        assert!(text.contains("terraform untaint"), "{text}");
        assert_eq!(stage.azure.leftovers()["tasks"], 3);

        run(&["untaint", ADDRESS]).await.ended_with(0).unwrap();
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

/// The write requests of a create, each as its method and a pattern for its path.
const STEPS: [(&str, &str); 8] = [
    ("POST", r"\.azurecr\.io/v2/.*/blobs/uploads"),
    ("PUT", r"\.azurecr\.io/v2/.*/blobs/uploads"),
    ("PUT", r"\.azurecr\.io/v2/.*/manifests/v1"),
    ("PUT", "/tasks/cssc-patch-image"),
    ("PUT", "/tasks/cssc-scan-image"),
    ("PUT", "/tasks/cssc-trigger-workflow"),
    ("PUT", "/roleAssignments/"),
    ("POST", r"\.azurecr\.io/oauth2/"),
];

/// How much of the workflow the state must record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// Every task and role assignment that exists.
    Whole,
    /// The workflow itself. The provider received no response, so the next refresh finds its parts.
    OfTheWorkflow,
}

/// Creates one workflow for each step in a single apply. Each fails at a different step, and the next apply
/// completes all of them. The provider retries a fault that can end, until the user interrupts it.
async fn assert_completed_by_the_next_apply(
    break_down: impl Fn(Fault) -> Fault,
    knowledge: Knowledge,
) {
    let names: Vec<String> = (1..=STEPS.len())
        .map(|step| format!("registry{step}"))
        .collect();
    let registries: Vec<&str> = names.iter().map(String::as_str).collect();
    for host in hosts() {
        let specs = names.iter().map(|name| RegistrySpec::new(name));
        let stage = Stage::with(host, specs, &each(&registries)).await;
        for (name, (method, path)) in names.iter().zip(STEPS) {
            let fault = Fault::on(method, &format!("(?i){name}.*{path}")).times(u64::MAX);
            stage.azure.fault(break_down(fault));
        }
        let has_failed = |name: &String| {
            let requests = stage.azure.requests();
            let mut faulted = requests.iter().filter(|request| request.faulted);
            faulted.any(|request| {
                request.host.starts_with(name.as_str())
                    || request.path.contains(&format!("/{name}/"))
            })
        };
        let apply = stage.workspace.start_apply().unwrap();
        let failed = ctrl_c_once(apply, || names.iter().all(has_failed)).await;
        let failed = failed.ended_with(1).unwrap();
        for name in &names {
            let address = format!("{ADDRESS}[\"{name}\"]");
            assert!(
                failed.text().contains(&format!("with {address},")),
                "{name}: {failed}"
            );
            assert_state_has_what_exists(&stage, &address, name, knowledge).await;
        }
        stage.azure.clear_faults();
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

/// Asserts that the state records what exists on a registry, so that a refresh or a destroy covers it.
async fn assert_state_has_what_exists(
    stage: &Stage,
    address: &str,
    registry: &str,
    knowledge: Knowledge,
) {
    let resources = stage.resources().await;
    let found = resources
        .iter()
        .find(|resource| resource["address"] == address);
    let recorded = found.map_or(&Value::Null, |resource| &resource["values"]);

    let handle = stage.azure.registry(registry);
    let (tasks, scope) = (handle.tasks(), handle.id());
    let mut assignments = stage.azure.role_assignments();
    assignments.retain(|assignment| assignment.scope == scope);
    if handle.policy().is_some() || !tasks.is_empty() || !assignments.is_empty() {
        assert!(
            recorded.is_object(),
            "the state has no workflow for {registry}"
        );
    }
    if knowledge == Knowledge::OfTheWorkflow {
        return;
    }
    for task in tasks {
        let id = recorded["tasks"][&task.name]["id"]
            .as_str()
            .unwrap_or_default();
        assert!(
            id.ends_with(&task.name),
            "the state has no task {} for {registry}",
            task.name
        );
    }
    for assignment in assignments {
        let mut ids = recorded["role_assignments"]
            .as_object()
            .into_iter()
            .flat_map(|ids| ids.values());
        let known = ids.any(|id| id.as_str().is_some_and(|id| id.ends_with(&assignment.name)));
        assert!(known, "the state has no {assignment:?}");
    }
}

/// Sends Ctrl-C as soon as the condition holds, and waits for the process to end.
pub(crate) async fn ctrl_c_once(mut apply: Running, condition: impl Fn() -> bool) -> Finished {
    while !condition() && apply.is_running() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    apply.ctrl_c();
    apply.wait().await.unwrap()
}
