//! Role definitions: clients look up built-in roles by name and by ID.

use azure_simulator::{SUBSCRIPTION, roles};
use reqwest::Method;

use crate::client::{ASSIGNMENTS, Azure};

fn path(below: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions{below}"
    )
}

#[tokio::test]
async fn a_role_is_found_by_its_name_and_by_its_id() {
    let azure = Azure::new();
    let named = path("?$filter=roleName%20eq%20'AcrPush'");
    let named = azure.arm(Method::GET, &named, ASSIGNMENTS, None);
    let named = named.await.json();
    let rows = named["value"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["name"]), (1, &roles::ACR_PUSH.into()));

    let below = format!("/{}", roles::ACR_PUSH);
    let found = azure
        .arm(Method::GET, &path(&below), ASSIGNMENTS, None)
        .await;
    assert_eq!(found.json()["properties"]["roleName"], "AcrPush");
    let other = path("/11111111-0000-0000-0000-000000000000");
    let other = azure.arm(Method::GET, &other, ASSIGNMENTS, None);
    let missing = (404, "RoleDefinitionDoesNotExist".to_owned());
    assert_eq!(other.await.refusal(), missing);
}
