//! The tasks API: validation, provisioning states, identities, merging and lists.

use azure_simulator::{IdCase, Options, RegistrySpec};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, OLD_TASKS, TASKS, task, timed_task};

#[tokio::test]
async fn a_new_task_is_creating_before_it_succeeds() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.provisioning_looks = 1);
    let made = azure.put_task("cssc-scan-image", task()).await;
    assert_eq!((made.status, state(&made.json())), (201, "Creating"));
    let path = format!("{}/tasks/cssc-scan-image", azure.registry());
    for expected in ["Creating", "Succeeded"] {
        let seen = azure.arm(Method::GET, &path, TASKS, None).await;
        assert_eq!(state(&seen.json()), expected);
    }
    let again = azure.put_task("cssc-scan-image", task()).await;
    assert_eq!((again.status, state(&again.json())), (200, "Updating"));
}

#[tokio::test]
async fn unknown_fields_are_rejected_by_name() {
    let azure = Azure::new();
    for pointer in [
        "",
        "/identity",
        "/properties",
        "/properties/platform",
        "/properties/step",
        "/properties/credentials/sourceRegistry",
    ] {
        let mut body = task();
        body.pointer_mut(pointer).unwrap()["bogus"] = json!(1);
        let got = azure.put_task("cssc-scan-image", body).await;
        assert_eq!(
            got.refusal(),
            (400, "InvalidRequestContent".to_owned()),
            "{pointer}"
        );
        assert!(got.text.contains("bogus"), "{}", got.text);
    }
}

#[tokio::test]
async fn invalid_values_are_rejected() {
    let azure = Azure::new();
    for (pointer, value) in [
        ("/properties/timeout", json!(299)),
        ("/properties/timeout", json!(28801)),
        ("/properties/platform/os", json!("solaris")),
        ("/properties/platform/architecture", json!("sparc")),
        ("/properties/status", json!("Paused")),
        ("/properties/step/type", json!("Docker")),
        ("/properties/step/encodedTaskContent", json!("not base64!")),
        ("/properties/step/encodedTaskContent", json!("bm8gc3RlcHM=")),
        (
            "/properties/trigger/timerTriggers/0/schedule",
            json!("0 0 0 * * *"),
        ),
        ("/identity/type", json!("Whatever")),
    ] {
        let mut body = timed_task("0 0 */1 * *");
        *body.pointer_mut(pointer).unwrap() = value;
        let got = azure.put_task("cssc-scan-image", body).await;
        assert_eq!(got.status, 400, "{pointer}: {}", got.text);
    }
    assert_eq!(
        azure.put_task("abc", task()).await.refusal(),
        (400, "InvalidResourceName".to_owned())
    );
    let mut elsewhere = task();
    elsewhere["location"] = json!("eastus");
    assert_eq!(
        azure.put_task("cssc-scan-image", elsewhere).await.refusal(),
        (409, "InvalidResourceLocation".to_owned())
    );
    assert!(azure.simulator.registry("contoso").tasks().is_empty());
}

#[tokio::test]
async fn the_source_registrys_identity_needs_the_newer_api_version() {
    let azure = Azure::new();
    let path = format!("{}/tasks/cssc-scan-image", azure.registry());
    let old = azure.arm(Method::PUT, &path, OLD_TASKS, Some(task())).await;
    assert_eq!(old.refusal(), (400, "InvalidRequestContent".to_owned()));
    assert_eq!(
        azure
            .arm(Method::PUT, &path, TASKS, Some(task()))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn api_version_is_required_and_must_be_known() {
    let azure = Azure::new();
    let path = format!("{}/tasks", azure.registry());
    let none = azure.arm(Method::GET, &path, "x=y", None).await;
    assert_eq!(
        none.refusal(),
        (400, "MissingApiVersionParameter".to_owned())
    );
    let unknown = azure
        .arm(Method::GET, &path, "api-version=2031-01-01", None)
        .await;
    assert_eq!(
        unknown.refusal(),
        (400, "NoRegisteredProviderFound".to_owned())
    );
}

#[tokio::test]
async fn missing_resources_return_arms_error_codes() {
    let azure = Azure::new();
    let subscription = azure.registry().replace("00000000-0000", "99999999-0000");
    let group = azure.registry().replace("demo", "nowhere");
    let registry = azure.registry().replace("contoso", "fabrikam");
    for (path, code) in [
        (subscription, "SubscriptionNotFound"),
        (group, "ResourceGroupNotFound"),
        (registry, "ResourceNotFound"),
    ] {
        let got = azure
            .arm(Method::GET, &format!("{path}/tasks"), TASKS, None)
            .await;
        assert_eq!(got.refusal(), (404, code.to_owned()));
    }
}

#[tokio::test]
async fn omitting_the_identity_deletes_its_principal() {
    let azure = Azure::new();
    let first = azure.task_principal("cssc-scan-image").await;
    assert_eq!(azure.task_principal("cssc-scan-image").await, first);
    let mut without = task();
    without.as_object_mut().unwrap().remove("identity");
    assert_eq!(
        azure.put_task("cssc-scan-image", without).await.json()["identity"],
        Value::Null
    );
    assert_ne!(azure.task_principal("cssc-scan-image").await, first);
}

#[tokio::test]
async fn a_patch_changes_only_the_fields_it_contains() {
    let azure = Azure::new();
    azure
        .put_task("cssc-trigger-workflow", timed_task("0 0 */1 * *"))
        .await;
    let path = format!("{}/tasks/cssc-trigger-workflow", azure.registry());
    let timer = json!({"name": "azcli_defined_schedule", "schedule": "5 5 */7 * *"});
    let patch = json!({"properties": {"trigger": {"timerTriggers": [timer]}}});
    assert_eq!(
        azure
            .arm(Method::PATCH, &path, TASKS, Some(patch))
            .await
            .status,
        200
    );
    let task = azure
        .simulator
        .registry("contoso")
        .task("cssc-trigger-workflow")
        .unwrap();
    assert_eq!(
        (task.timers().len(), task.timers()[0].schedule.as_str()),
        (1, "5 5 */7 * *")
    );
    assert!(task.identity.is_some());
    let moved = azure
        .arm(
            Method::PATCH,
            &path,
            TASKS,
            Some(json!({"location": "westeurope"})),
        )
        .await;
    assert_eq!(moved.refusal(), (400, "InvalidRequestContent".to_owned()));
}

#[tokio::test]
async fn a_deleted_task_is_deleting_before_it_is_gone() {
    let azure = Azure::new();
    azure.put_task("cssc-scan-image", task()).await;
    azure.simulator.turn(|knobs| knobs.deletion_looks = 1);
    let path = format!("{}/tasks/cssc-scan-image", azure.registry());
    let deleted = azure.arm(Method::DELETE, &path, TASKS, None).await;
    assert_eq!(deleted.status, 202);
    assert!(
        deleted
            .header("azure-asyncoperation")
            .contains("/operationResults/")
    );
    assert_eq!(
        state(&azure.arm(Method::GET, &path, TASKS, None).await.json()),
        "Deleting"
    );
    assert_eq!(azure.arm(Method::GET, &path, TASKS, None).await.status, 404);
    assert_eq!(
        azure.arm(Method::DELETE, &path, TASKS, None).await.status,
        204
    );
}

#[tokio::test]
async fn an_async_operation_is_in_progress_before_it_succeeds() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| (knobs.async_operations, knobs.provisioning_looks) = (true, 1));
    let made = azure.put_task("cssc-scan-image", task()).await;
    let address = made
        .header("azure-asyncoperation")
        .strip_prefix("https://management.azure.com")
        .unwrap()
        .to_owned();
    for expected in ["InProgress", "Succeeded"] {
        let seen = azure.arm(Method::GET, &address, "", None).await;
        assert_eq!(seen.json()["status"], expected);
    }
}

#[tokio::test]
async fn a_task_list_continues_at_its_next_link() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.page_size = 2);
    for name in ["task-1", "task-2", "task-3"] {
        azure.put_task(name, task()).await;
    }
    let first = azure
        .arm(
            Method::GET,
            &format!("{}/tasks", azure.registry()),
            TASKS,
            None,
        )
        .await
        .json();
    let next = first["nextLink"]
        .as_str()
        .unwrap()
        .strip_prefix("https://management.azure.com")
        .unwrap();
    let second = azure.arm(Method::GET, next, "", None).await.json();
    assert_eq!(
        (second["value"][0]["name"].as_str(), second.get("nextLink")),
        (Some("task-3"), None)
    );
}

#[tokio::test]
async fn knobs_change_the_spelling_of_ids_and_values() {
    let azure = Azure::with(
        Options::default().registry(RegistrySpec::new("contoso").resource_group("Demo")),
    );
    azure.put_task("cssc-scan-image", task()).await;
    azure
        .simulator
        .turn(|knobs| (knobs.id_case, knobs.respelled) = (IdCase::LowerGroup, true));
    let path = format!("{}/tasks/CSSC-scan-image", azure.registry().to_uppercase());
    let seen = azure.arm(Method::GET, &path, TASKS, None).await.json();
    assert!(
        seen["id"]
            .as_str()
            .unwrap()
            .contains("/resourcegroups/demo/providers/"),
        "{}",
        seen["id"]
    );
    let properties = &seen["properties"];
    assert_eq!(
        (&properties["platform"]["os"], &properties["status"]),
        (&json!("Linux"), &json!("enabled"))
    );
    assert_eq!(properties["step"].get("values"), None);
}

fn state(task: &Value) -> &str {
    task["properties"]["provisioningState"]
        .as_str()
        .unwrap_or_default()
}
