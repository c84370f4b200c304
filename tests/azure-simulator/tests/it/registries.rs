//! Registries that clients create, change and delete.

use azure_simulator::SUBSCRIPTION;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, REGISTRIES, task};

fn path(group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.ContainerRegistry/registries/{name}"
    )
}

async fn put(azure: &Azure, path: &str, body: Value) -> Got {
    azure.arm(Method::PUT, path, REGISTRIES, Some(body)).await
}

fn body(location: &str) -> Value {
    json!({"location": location, "sku": {"name": "Standard"}, "tags": {"team": "a"}, "properties": {"adminUserEnabled": true}})
}

#[tokio::test]
async fn a_client_creates_changes_and_deletes_a_registry() {
    let azure = Azure::new();
    let path = path("demo", "fabrikam");
    let made = put(&azure, &path, body("West Europe")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let shown = made.json();
    assert_eq!(shown["location"], "westeurope");
    assert_eq!(shown["properties"]["loginServer"], "fabrikam.azurecr.io");
    assert_eq!(shown["properties"]["adminUserEnabled"], true);

    let change = json!({"sku": {"name": "Premium"}});
    let changed = azure.arm(Method::PATCH, &path, REGISTRIES, Some(change));
    let changed = changed.await.json();
    assert_eq!(
        (&changed["sku"]["name"], &changed["tags"]["team"]),
        (&json!("Premium"), &json!("a"))
    );
    assert_eq!(put(&azure, &path, body("westeurope")).await.status, 200);

    let deleted = azure.arm(Method::DELETE, &path, REGISTRIES, None).await;
    assert_eq!(deleted.status, 200);
    let again = azure.arm(Method::DELETE, &path, REGISTRIES, None).await;
    assert_eq!(again.status, 204);
    let gone = azure.arm(Method::GET, &path, REGISTRIES, None).await;
    assert_eq!(gone.refusal(), (404, "ResourceNotFound".to_owned()));
}

#[tokio::test]
async fn a_deleted_registry_takes_its_tasks_and_role_assignments_with_it() {
    let azure = Azure::new();
    let principal = azure.task_principal("cssc-scan-image").await;
    let id = azure.registry();
    azure
        .simulator
        .seed_role_assignment(None, &id, azure_simulator::roles::ACR_PULL, &principal);
    azure.arm(Method::DELETE, &id, REGISTRIES, None).await;
    put(&azure, &id, body("westeurope")).await;
    let left = azure.simulator.leftovers();
    assert_eq!(
        (&left["tasks"], &left["role_assignments"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(azure.put_task("cssc-scan-image", task()).await.status, 201);
}

#[tokio::test]
async fn a_new_registry_needs_a_valid_free_name_a_group_and_a_known_sku() {
    let azure = Azure::new();
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/other");
    let made = azure.arm(
        Method::PUT,
        &group,
        "api-version=2023-07-01",
        Some(json!({"location": "westeurope"})),
    );
    assert_eq!(made.await.status, 201);

    let taken = put(&azure, &path("other", "Contoso"), body("westeurope")).await;
    assert_eq!(taken.refusal(), (409, "AlreadyInUse".to_owned()));
    for name in ["abcd", "with-hyphen", "dotted.name"] {
        let refused = put(&azure, &path("demo", name), body("westeurope")).await;
        assert_eq!(
            refused.refusal(),
            (400, "InvalidRequestParameter".to_owned()),
            "{name}"
        );
    }
    let nowhere = put(&azure, &path("nowhere", "fabrikam"), body("westeurope")).await;
    assert_eq!(nowhere.refusal(), (404, "ResourceGroupNotFound".to_owned()));
    let moved = put(&azure, &path("demo", "contoso"), body("eastus")).await;
    assert_eq!(moved.refusal(), (409, "InvalidResourceLocation".to_owned()));
    let classic = json!({"location": "westeurope", "sku": {"name": "Classic"}});
    let classic = put(&azure, &path("demo", "fabrikam"), classic).await;
    assert_eq!(
        classic.refusal(),
        (400, "InvalidRequestParameter".to_owned())
    );
    let path = path("demo", "fabrikam");
    let body = Some(body("westeurope"));
    let version = azure.arm(Method::PUT, &path, "api-version=2015-01-01", body);
    assert_eq!(
        version.await.refusal(),
        (400, "NoRegisteredProviderFound".to_owned())
    );
}
