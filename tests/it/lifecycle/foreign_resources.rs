//! The provider never changes unrelated tasks, images and role assignments, from the create to the destroy.

use azure_simulator::{Fate, RoleAssignment, roles};
use http::Method;
use serde_json::json;

use crate::lifecycle::stage::{Stage, foreign_name, is_foreign, with};

/// The unrelated role assignments with all their properties.
pub(super) fn foreign(stage: &Stage) -> Vec<RoleAssignment> {
    let all = stage.azure.role_assignments().into_iter();
    all.filter(|assignment| is_foreign(&assignment.name))
        .collect()
}

/// Seeds unrelated role assignments at the registry: two roles that the provider assigns too, and one that it
/// does not.
pub(super) fn seed(stage: &Stage) {
    let id = stage.registry().id();
    let principal = "5a5a5a5a-0000-4000-8000-000000000001";
    for (n, role) in (1..).zip([roles::ACR_PULL, roles::TASKS_CONTRIBUTOR, roles::OWNER]) {
        stage
            .azure
            .seed_role_assignment(Some(&foreign_name(n)), &id, role, principal);
    }
}

#[tokio::test(start_paused = true)]
async fn unrelated_resources_are_never_changed() {
    let mut stage = Stage::plain().await;
    seed(&stage);
    let registry = stage.registry();
    registry.push_image("python", "3.11", Fate::Clean);
    registry.push_image("csscpolicies/mine", "v1", Fate::Clean);
    let address = format!(
        "{}/tasks/nightly?api-version=2025-03-01-preview",
        registry.id()
    );
    let nightly = json!({
        "location": "westeurope",
        "properties": {
            "platform": {"os": "linux", "architecture": "amd64"},
            "step": {"type": "EncodedTask", "encodedTaskContent": "dmVyc2lvbjogdjEuMS4wCnN0ZXBzOgogIC0gY21kOiBiYXNoIGVjaG8gbmlnaHRseQo="},
        },
    });
    let (status, body) = stage
        .azure
        .behind_the_scenes(Method::PUT, &address, Some(&nightly));
    assert_eq!(status, 201, "{body}");
    let unrelated_task = registry.task("nightly");

    let config = stage.config();
    stage.terraform.succeed(&config).await;
    // A user assigns roles to the scan task's identity that the task does not need.
    let scan = stage.registry().task("cssc-scan-image").unwrap();
    let principal = scan.identity.unwrap().principal_id;
    let id = stage.registry().id();
    stage
        .azure
        .seed_role_assignment(Some(&foreign_name(9)), &id, roles::READER, &principal);
    stage
        .azure
        .seed_role_assignment(Some(&foreign_name(10)), &id, roles::ACR_PUSH, &principal);
    let before = foreign(&stage);
    assert_eq!(before.len(), 5);

    stage.nothing_to_do(&config).await;
    let changed = with(&config, "schedule", "1d");
    stage.terraform.succeed(&changed).await;
    let changed = with(&changed, "tag_convention", "floating");
    stage.terraform.succeed(&changed).await;
    stage.terraform.stored = None;
    stage.terraform.import(&id).await;
    assert_eq!(stage.terraform.destroy().await, []);

    assert_eq!(stage.terraform.stored, None);
    assert_eq!(foreign(&stage), before);
    let registry = stage.registry();
    assert_eq!(registry.task("nightly"), unrelated_task);
    assert_eq!(registry.tasks().len(), 1);
    assert_eq!(registry.repositories(), ["csscpolicies/mine", "python"]);
    assert_eq!(stage.azure.leftovers()["role_assignments"], 5);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_role_assignment_of_another_tool_stops_nothing() {
    let mut stage = Stage::plain().await;
    let id = stage.registry().id();
    let strange = stage
        .azure
        .seed_role_assignment_without_principal(&id, roles::ACR_PULL);
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.nothing_to_do(&config).await;
    assert_eq!(stage.terraform.destroy().await, []);
    let all = stage.azure.role_assignments();
    assert!(all.iter().any(|it| it.name == strange.name));
    assert_eq!(stage.azure.leftovers()["tasks"], 0);
}
