//! Triggers other than timers, and the tasks of the private preview.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, TASKS, timed_task};

const TRIGGER: &str = "cssc-trigger-workflow";

async fn patch(azure: &Azure, trigger: Value) -> Got {
    let path = format!("{}/tasks/{TRIGGER}", azure.registry());
    let body = json!({"properties": {"trigger": trigger}});
    azure.arm(Method::PATCH, &path, TASKS, Some(body)).await
}

/// Returns the triggers of a task, by name and in the list.
async fn triggers(azure: &Azure) -> [Value; 2] {
    let path = format!("{}/tasks", azure.registry());
    let list = azure.arm(Method::GET, &path, TASKS, None).await.json();
    let path = format!("{path}/{TRIGGER}");
    let task = azure.arm(Method::GET, &path, TASKS, None).await.json();
    let trigger = |task: &Value| task["properties"]["trigger"].clone();
    [trigger(&task), trigger(&list["value"][0])]
}

fn source(name: &str, branch: &str) -> Value {
    let repository = json!({
        "sourceControlType": "Github",
        "repositoryUrl": "https://github.com/contoso/python",
        "branch": branch,
        "sourceControlAuthProperties": {"tokenType": "PAT", "token": "secret"},
    });
    json!({"name": name, "sourceRepository": repository, "sourceTriggerEvents": ["commit"]})
}

#[tokio::test]
async fn source_and_base_image_triggers_are_stored_merged_and_returned() {
    let azure = Azure::new();
    azure.put_task(TRIGGER, timed_task("0 0 */1 * *")).await;
    let image = json!({"name": "base", "baseImageTriggerType": "Runtime"});
    let added = json!({"baseImageTrigger": image, "sourceTriggers": [source("main", "main")]});
    assert_eq!(patch(&azure, added).await.status, 200);
    let more = json!({
        "baseImageTrigger": {"name": "base", "baseImageTriggerType": "All", "status": "Disabled"},
        "sourceTriggers": [source("main", "stable"), source("next", "next")],
    });
    assert_eq!(patch(&azure, more).await.status, 200);
    let stored = |name: &str, branch: &str| {
        let mut source = source(name, branch);
        let repository = source["sourceRepository"].as_object_mut().unwrap();
        repository.remove("sourceControlAuthProperties");
        source["status"] = "Enabled".into();
        source
    };
    let expected = json!({
        "timerTriggers": [{"name": "azcli_defined_schedule", "schedule": "0 0 */1 * *", "status": "Enabled"}],
        "sourceTriggers": [stored("main", "stable"), stored("next", "next")],
        "baseImageTrigger": {
            "name": "base",
            "baseImageTriggerType": "All",
            "updateTriggerPayloadType": "Default",
            "status": "Disabled",
        },
    });
    assert_eq!(triggers(&azure).await, [expected.clone(), expected]);

    azure.put_task(TRIGGER, timed_task("0 0 */1 * *")).await;
    let [read, _] = triggers(&azure).await;
    let names: Vec<&String> = read.as_object().unwrap().keys().collect();
    assert_eq!(names, ["timerTriggers"]);
}

#[tokio::test]
async fn unknown_fields_and_values_of_triggers_are_rejected() {
    let azure = Azure::new();
    azure.put_task(TRIGGER, timed_task("0 0 */1 * *")).await;
    let mut events = source("main", "main");
    events["sourceTriggerEvents"] = json!(["push"]);
    let mut control = source("main", "main");
    control["sourceRepository"]["sourceControlType"] = "Subversion".into();
    let image = |field: &str, value: &str| {
        let mut image = json!({"name": "base", "baseImageTriggerType": "All"});
        image[field] = value.into();
        json!({"baseImageTrigger": image})
    };
    for (trigger, code) in [
        (
            json!({"sourceTriggers": [events]}),
            "InvalidRequestParameter",
        ),
        (
            json!({"sourceTriggers": [control]}),
            "InvalidRequestParameter",
        ),
        (
            image("baseImageTriggerType", "Build"),
            "InvalidRequestParameter",
        ),
        (image("status", "On"), "InvalidRequestParameter"),
        (
            image("updateTriggerPayloadType", "None"),
            "InvalidRequestParameter",
        ),
        (image("image", "alpine"), "InvalidRequestContent"),
    ] {
        let refused = patch(&azure, trigger).await;
        assert_eq!(refused.refusal(), (400, code.to_owned()));
    }
}

#[tokio::test]
async fn a_test_can_create_the_tasks_of_the_private_preview() {
    let azure = Azure::new();
    let names = ["cssc-scan-image-schedule-patch", "cssc-trigger-scan"];
    for name in names {
        let address = format!("{}/tasks/{name}?{TASKS}", azure.registry());
        let body = timed_task("0 0 */1 * *");
        let (status, _) = azure
            .simulator
            .behind_the_scenes(Method::PUT, &address, Some(&body));
        assert_eq!(status, 201);
    }
    let path = format!("{}/tasks", azure.registry());
    let list = azure.arm(Method::GET, &path, TASKS, None).await.json();
    let rows = list["value"].as_array().unwrap();
    let listed: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(listed, names);
    let registry = azure.simulator.registry("contoso");
    assert!(registry.fire_timer("cssc-trigger-scan").is_some());
}
