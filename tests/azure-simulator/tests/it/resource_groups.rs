//! Subscriptions and resource groups.

use azure_simulator::SUBSCRIPTION;
use reqwest::Method;
use serde_json::json;

use crate::client::{Azure, Got, REGISTRIES};

const GROUPS: &str = "api-version=2023-07-01";

fn group(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}

async fn get(azure: &Azure, path: &str, version: &str) -> Got {
    azure.arm(Method::GET, path, version, None).await
}

#[tokio::test]
async fn a_subscription_is_readable() {
    let azure = Azure::new();
    let version = "api-version=2022-12-01";
    let found = get(&azure, &format!("/subscriptions/{SUBSCRIPTION}"), version).await;
    assert_eq!(found.json()["subscriptionId"], SUBSCRIPTION);
    let other = "/subscriptions/99999999-0000-0000-0000-000000000000";
    let missing = get(&azure, other, version).await;
    assert_eq!(missing.refusal(), (404, "SubscriptionNotFound".to_owned()));
}

#[tokio::test]
async fn a_client_creates_changes_and_deletes_a_resource_group() {
    let azure = Azure::new();
    let path = group("fleet");
    let missing = get(&azure, &path, GROUPS).await;
    assert_eq!(missing.refusal(), (404, "ResourceGroupNotFound".to_owned()));

    let body = json!({"location": "West Europe", "tags": {"team": "a"}});
    let made = azure.arm(Method::PUT, &path, GROUPS, Some(body)).await;
    assert_eq!(
        (made.status, &made.json()["location"]),
        (201, &json!("westeurope"))
    );
    let other = azure.arm(
        Method::PUT,
        &path,
        GROUPS,
        Some(json!({"location": "eastus"})),
    );
    let refused = (409, "InvalidResourceGroupLocation".to_owned());
    assert_eq!(other.await.refusal(), refused);
    let tags = json!({"tags": {"team": "b"}});
    let changed = azure.arm(Method::PATCH, &path, GROUPS, Some(tags)).await;
    assert_eq!(changed.json()["tags"]["team"], "b");

    let deleted = azure.arm(Method::DELETE, &path, GROUPS, None).await;
    assert_eq!(deleted.status, 202);
    let missing = azure.arm(Method::DELETE, &path, GROUPS, None).await;
    assert_eq!(missing.refusal(), (404, "ResourceGroupNotFound".to_owned()));
}

#[tokio::test]
async fn a_deleted_resource_group_takes_its_registries_with_it() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.deletion_looks = 1);
    let registry = azure.registry();
    let deleted = azure
        .arm(Method::DELETE, &group("demo"), GROUPS, None)
        .await;
    let poll = deleted.header("location").to_owned();
    let poll = poll.strip_prefix("https://management.azure.com").unwrap();
    let (path, version) = poll.split_once('?').unwrap();
    assert_eq!(get(&azure, path, version).await.status, 202);
    assert_eq!(get(&azure, path, version).await.status, 200);
    let gone = get(&azure, &registry, REGISTRIES).await;
    assert_eq!(gone.refusal(), (404, "ResourceGroupNotFound".to_owned()));
    assert_eq!(azure.simulator.state()["registries"], json!([]));
}
