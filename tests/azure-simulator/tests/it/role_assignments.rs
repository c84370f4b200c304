//! Role assignments and Azure's known errors.

use std::time::Duration;

use azure_simulator::roles;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{ASSIGNMENTS, Azure, Got};

async fn assign(azure: &Azure, name: &str, role: &str, principal: &str, kind: Option<&str>) -> Got {
    let role = format!(
        "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/{role}"
    );
    let mut properties = json!({"roleDefinitionId": role, "principalId": principal});
    if let Some(kind) = kind {
        properties["principalType"] = kind.into();
    }
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
        azure.registry()
    );
    azure
        .arm(
            Method::PUT,
            &path,
            ASSIGNMENTS,
            Some(json!({"properties": properties})),
        )
        .await
}

fn name() -> String {
    Uuid::new_v4().to_string()
}

const SERVICE_PRINCIPAL: Option<&str> = Some("ServicePrincipal");

#[tokio::test]
async fn names_and_role_assignments_are_unique() {
    let azure = Azure::new();
    let (first, second) = (
        azure.task_principal("task-1").await,
        azure.task_principal("task-2").await,
    );
    let taken = name();
    assert_eq!(
        assign(&azure, &taken, roles::ACR_PULL, &first, SERVICE_PRINCIPAL)
            .await
            .status,
        201
    );
    assert_eq!(
        assign(&azure, &taken, roles::ACR_PULL, &first, SERVICE_PRINCIPAL)
            .await
            .status,
        200
    );
    let other = assign(&azure, &taken, roles::ACR_PULL, &second, SERVICE_PRINCIPAL).await;
    assert_eq!(
        other.refusal(),
        (400, "RoleAssignmentUpdateNotPermitted".to_owned())
    );
    let again = assign(&azure, &name(), roles::ACR_PULL, &first, SERVICE_PRINCIPAL).await;
    assert_eq!(again.refusal(), (409, "RoleAssignmentExists".to_owned()));
}

#[tokio::test]
async fn a_new_principal_is_not_found_without_principal_type() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| knobs.replication_delay_ms = 60_000);
    let principal = azure.simulator.add_application("other", "secret", &[]);
    assert_eq!(
        assign(&azure, &name(), roles::ACR_PULL, &principal, None)
            .await
            .status,
        201
    );

    let (first, second) = (
        azure.task_principal("task-1").await,
        azure.task_principal("task-2").await,
    );
    let early = assign(&azure, &name(), roles::ACR_PULL, &first, None).await;
    assert_eq!(early.refusal(), (400, "PrincipalNotFound".to_owned()));
    assert_eq!(
        assign(&azure, &name(), roles::ACR_PULL, &first, SERVICE_PRINCIPAL)
            .await
            .status,
        201
    );
    azure.simulator.advance(Duration::from_secs(60));
    assert_eq!(
        assign(&azure, &name(), roles::ACR_PULL, &second, None)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn unknown_roles_names_and_principal_types_are_rejected() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    let role = assign(
        &azure,
        &name(),
        "00000000-0000-0000-0000-00000000dead",
        &principal,
        SERVICE_PRINCIPAL,
    )
    .await;
    assert_eq!(
        role.refusal(),
        (404, "RoleDefinitionDoesNotExist".to_owned())
    );
    let odd = assign(
        &azure,
        "no-guid",
        roles::ACR_PULL,
        &principal,
        SERVICE_PRINCIPAL,
    )
    .await;
    assert_eq!(odd.refusal(), (400, "InvalidRoleAssignmentId".to_owned()));
    let kind = assign(&azure, &name(), roles::ACR_PULL, &principal, Some("Robot")).await;
    assert_eq!(kind.refusal(), (400, "InvalidRequestContent".to_owned()));
}

#[tokio::test]
async fn a_list_includes_parent_scopes_and_can_be_filtered() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    assign(
        &azure,
        &name(),
        roles::ACR_PULL,
        &principal,
        SERVICE_PRINCIPAL,
    )
    .await;
    let list = async |filter: &str| -> Vec<Value> {
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}",
            azure.registry()
        );
        azure
            .arm(Method::GET, &path, ASSIGNMENTS, None)
            .await
            .json()["value"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(list("atScope()").await.len(), 4);
    let own = list(&format!("principalId%20eq%20'{principal}'")).await;
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["properties"]["scope"], azure.registry());
}

#[tokio::test]
async fn deleting_a_task_orphans_its_role_assignments() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    let orphan = name();
    assign(
        &azure,
        &orphan,
        roles::ACR_PULL,
        &principal,
        SERVICE_PRINCIPAL,
    )
    .await;
    assert!(azure.simulator.registry("contoso").delete_task("task-1"));
    assert_eq!(azure.simulator.leftovers()["role_assignments"], 1);
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{orphan}",
        azure.registry()
    );
    assert_eq!(
        azure
            .arm(Method::DELETE, &path, ASSIGNMENTS, None)
            .await
            .status,
        200
    );
    assert_eq!(
        azure
            .arm(Method::DELETE, &path, ASSIGNMENTS, None)
            .await
            .status,
        204
    );
    assert_eq!(
        azure
            .arm(Method::GET, &path, ASSIGNMENTS, None)
            .await
            .status,
        404
    );
}

const CONDITION: &str =
    "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'})))";

/// Puts a role assignment of AcrPull with a condition, or without one.
async fn assign_if(
    azure: &Azure,
    name: &str,
    principal: &str,
    condition: Option<&str>,
    version: Option<&str>,
) -> Got {
    let role = format!(
        "/providers/Microsoft.Authorization/roleDefinitions/{}",
        roles::ACR_PULL
    );
    let properties = json!({
        "roleDefinitionId": role,
        "principalId": principal,
        "principalType": "ServicePrincipal",
        "condition": condition,
        "conditionVersion": version,
    });
    let path = path_of(azure, name);
    let body = json!({"properties": properties});
    azure.arm(Method::PUT, &path, ASSIGNMENTS, Some(body)).await
}

fn path_of(azure: &Azure, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
        azure.registry()
    )
}

/// Returns the row of a role assignment in the list of the registry.
async fn listed(azure: &Azure, name: &str) -> Value {
    let path = path_of(azure, "").trim_end_matches('/').to_owned();
    let list = azure.arm(Method::GET, &path, ASSIGNMENTS, None).await;
    let rows = list.json()["value"].as_array().cloned().unwrap();
    rows.into_iter().find(|row| row["name"] == name).unwrap()
}

fn condition_of(assignment: &Value) -> (Option<&str>, Option<&str>) {
    let text = |field: &str| assignment["properties"][field].as_str();
    (text("condition"), text("conditionVersion"))
}

#[tokio::test]
async fn a_condition_is_stored_listed_and_removed_by_the_next_put() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    let (name, expected) = (name(), (Some(CONDITION), Some("2.0")));
    let made = assign_if(&azure, &name, &principal, Some(CONDITION), Some("2.0")).await;
    assert_eq!((made.status, condition_of(&made.json())), (201, expected));
    let path = path_of(&azure, &name);
    let read = azure.arm(Method::GET, &path, ASSIGNMENTS, None).await;
    assert_eq!(condition_of(&read.json()), expected);
    assert_eq!(condition_of(&listed(&azure, &name).await), expected);

    let put = assign_if(&azure, &name, &principal, None, None).await;
    assert_eq!((put.status, condition_of(&put.json())), (200, (None, None)));
    assert_eq!(condition_of(&listed(&azure, &name).await), (None, None));
}

#[tokio::test]
async fn a_condition_without_version_2_0_or_with_open_parentheses_is_rejected() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    for (condition, version) in [
        (CONDITION, None),
        (CONDITION, Some("1.0")),
        ("((true)", Some("2.0")),
        ("true)(", Some("2.0")),
        ("", Some("2.0")),
    ] {
        let refused = assign_if(&azure, &name(), &principal, Some(condition), version).await;
        assert_eq!(refused.refusal(), (400, "BadRequest".to_owned()));
    }
}

#[tokio::test]
async fn a_test_can_set_and_remove_a_condition() {
    let azure = Azure::new();
    let principal = azure.task_principal("task-1").await;
    let scope = azure.registry();
    let seeded = azure
        .simulator
        .seed_role_assignment(None, &scope, roles::ACR_PULL, &principal);
    for condition in [Some(CONDITION), None] {
        azure.simulator.set_condition(&seeded.name, condition);
        let row = listed(&azure, &seeded.name).await;
        assert_eq!(condition_of(&row).0, condition);
        assert_ne!(
            row["properties"]["updatedOn"],
            row["properties"]["createdOn"]
        );
    }
}

#[tokio::test]
async fn a_foreign_row_can_have_a_null_principal() {
    let azure = Azure::new();
    let scope = azure.registry();
    let seeded = azure
        .simulator
        .seed_role_assignment_without_principal(&scope, roles::ACR_PULL);
    let row = listed(&azure, &seeded.name).await;
    let properties = &row["properties"];
    assert_eq!(properties["principalId"], Value::Null);
    assert_eq!(properties["principalType"], "Unknown");
}
