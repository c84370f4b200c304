//! Changes by others at a chosen request.

use azure_simulator::{Change, Fault, roles};
use reqwest::Method;
use serde_json::json;

use crate::client::{ASSIGNMENTS, Azure, TASKS, task};

const SCAN: &str = "cssc-scan-image";

/// Reads the task and returns its status and its timeout.
async fn read(azure: &Azure) -> (u16, Option<i64>) {
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    let got = azure.arm(Method::GET, &path, TASKS, None).await;
    (got.status, got.json()["properties"]["timeout"].as_i64())
}

#[tokio::test]
async fn a_task_vanishes_after_the_nth_request() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    azure.simulator.mark();
    azure
        .simulator
        .fault(Fault::at(2).then(Change::delete_task("contoso", SCAN)));
    for expected in [200, 200, 404] {
        assert_eq!(read(&azure).await.0, expected);
    }
    let requests = azure.simulator.requests();
    assert!(requests.iter().all(|request| !request.faulted));
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn a_change_of_arm_follows_a_matching_request() {
    let azure = Azure::new();
    let principal = azure.task_principal(SCAN).await;
    let address = format!("{}/tasks/{SCAN}?{TASKS}", azure.registry());
    let body = json!({"properties": {"timeout": 600}});
    let patch = Change::arm(&Method::PATCH, &address, Some(body));
    let scope = azure.registry();
    let assignment =
        azure
            .simulator
            .seed_role_assignment(None, &scope, roles::ACR_PULL, &principal);
    let address = format!("{}?{ASSIGNMENTS}", assignment.id());
    let delete = Change::arm(&Method::DELETE, &address, None);
    azure
        .simulator
        .fault(Fault::on("GET", "/tasks/").then(patch));
    azure
        .simulator
        .fault(Fault::on("GET", "/tasks/").then(delete));
    for expected in [3600, 600] {
        assert_eq!(read(&azure).await, (200, Some(expected)));
        assert_eq!(azure.simulator.leftovers()["role_assignments"], 0);
    }
}

#[tokio::test]
async fn the_policy_changes_even_if_the_request_fails() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    let registry = azure.simulator.registry("contoso");
    let push = Change::push_policy("contoso", r#"{"version":"v1"}"#);
    azure.simulator.fault(Fault::at(1).then(push));
    azure.simulator.fault(Fault::at(1).status(500));
    assert_eq!(read(&azure).await.0, 500);
    assert_eq!(registry.policy(), Some(json!({"version": "v1"})));
    azure
        .simulator
        .fault(Fault::at(1).then(Change::delete_policy("contoso")));
    assert_eq!(read(&azure).await.0, 200);
    assert_eq!(registry.policy(), None);
}
