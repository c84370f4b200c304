//! Trigger, scan and patch runs, and the rights they need.

use std::time::Duration;

use azure_simulator::{Fate, Options, RegistrySpec, Run, RunStatus, roles};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, TASKS, task, timed_task};

const POLICY: &str = r#"{"version":"v1","tag-convention":"incremental","repositories":[
    {"repository":"python","tags":["3.11","3.12"]},
    {"repository":"team/api","tags":["*"]},
    {"repository":"old","tags":["1"]},
    {"repository":"off","tags":["*"],"enabled":false}]}"#;

/// Creates the three tasks with the minimum roles for a registry without ABAC.
pub(crate) async fn workflow(azure: &Azure) {
    let scope = azure.registry();
    for (name, body, given) in [
        (
            "cssc-trigger-workflow",
            timed_task("0 0 */1 * *"),
            [roles::ACR_PULL, roles::TASKS_CONTRIBUTOR].as_slice(),
        ),
        (
            "cssc-scan-image",
            task(),
            &[roles::ACR_PULL, roles::TASKS_CONTRIBUTOR],
        ),
        ("cssc-patch-image", task(), &[roles::ACR_PUSH]),
    ] {
        let made = azure.put_task(name, body).await.json();
        let principal = made["identity"]["principalId"].as_str().unwrap();
        for role in given {
            azure
                .simulator
                .seed_role_assignment(None, &scope, role, principal);
        }
    }
    azure.simulator.registry("contoso").push_policy(POLICY);
}

/// Queues a run of the trigger task.
pub(crate) async fn trigger(azure: &Azure) -> Got {
    let id = format!("{}/tasks/cssc-trigger-workflow", azure.registry());
    let body = json!({"type": "TaskRunRequest", "taskId": id});
    azure
        .arm(
            Method::POST,
            &format!("{}/scheduleRun", azure.registry()),
            TASKS,
            Some(body),
        )
        .await
}

fn of<'run>(runs: &'run [Run], task: &str) -> Vec<&'run Run> {
    runs.iter().filter(|run| run.task == task).collect()
}

#[tokio::test]
async fn a_run_patches_vulnerable_images_and_logs_why_it_skips_others() {
    let azure = Azure::new();
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    registry
        .push_image("python", "3.11", Fate::Vulnerable(3))
        .push_image("python", "3.12", Fate::Clean)
        .push_image("team/api", "7", Fate::PatchFails)
        .push_image("old", "1", Fate::EndOfLife)
        .push_image("off", "1", Fate::Vulnerable(1));
    assert_eq!(
        trigger(&azure).await.json()["properties"]["status"],
        "Queued"
    );
    registry.settle_runs();
    let runs = registry.runs();
    let log = &of(&runs, "cssc-trigger-workflow")[0].log;
    assert!(
        log.starts_with("Validating filter...\nConfigured Tag Convention:  incremental\n"),
        "{log}"
    );
    assert!(
        log.contains("\npython,3.11,N/A\n") && log.contains("\nMatches found: 4\n"),
        "{log}"
    );
    assert_eq!(log.matches("WARNING: Queued a run with ID: dt").count(), 4);

    let logs: Vec<&str> = of(&runs, "cssc-scan-image")
        .iter()
        .map(|run| run.log.as_str())
        .collect();
    assert!(
        logs[0].starts_with("Scanning repo: python, Tag:3.11, OriginalTag:3.11\n"),
        "{}",
        logs[0]
    );
    let scheduled = "PATCHING task scheduled for image python:3.11, new patch tag will be 3.11-1\n";
    assert!(logs[0].contains("Total OS vulnerabilities found -> 3\n"));
    assert!(logs[1].contains("Total OS vulnerabilities found -> 0\n"));
    assert!(
        logs[0].contains(scheduled) && logs[0].contains("WARNING: Queued a run with ID: "),
        "{}",
        logs[0]
    );
    assert!(
        logs[1].contains("PATCHING will be skipped as no vulnerability found"),
        "{}",
        logs[1]
    );
    assert!(
        logs[3].contains("PATCHING will be skipped as EOSL is true"),
        "{}",
        logs[3]
    );

    let patches = of(&runs, "cssc-patch-image");
    assert_eq!(
        patches[0].log,
        "Patching OS vulnerabilities for image python:3.11\nPatched image pushed to contoso.azurecr.io/python:3.11-1\n"
    );
    assert_eq!(
        (patches[0].status, patches[1].status),
        (RunStatus::Succeeded, RunStatus::Failed)
    );
    assert_eq!(registry.tags("python"), ["3.11", "3.11-1", "3.12"]);
}

#[tokio::test]
async fn the_next_run_scans_the_patched_image_and_finds_it_clean() {
    let azure = Azure::new();
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    registry.push_image("python", "3.11", Fate::Vulnerable(1));
    for _ in 0..2 {
        registry.fire_timer("cssc-trigger-workflow").unwrap();
        registry.settle_runs();
    }
    let runs = registry.runs();
    let last = of(&runs, "cssc-scan-image").pop().unwrap();
    assert!(
        last.log
            .starts_with("Scanning repo: python, Tag:3.11-1, OriginalTag:3.11\n"),
        "{}",
        last.log
    );
    assert_eq!(registry.tags("python"), ["3.11", "3.11-1"]);
}

#[tokio::test]
async fn more_than_100_images_fail_the_run() {
    let azure = Azure::new();
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    for number in 0..101 {
        registry.push_image("team/api", &format!("v{number}"), Fate::Vulnerable(1));
    }
    trigger(&azure).await;
    registry.settle_runs();
    let runs = registry.runs();
    assert_eq!((runs.len(), runs[0].status), (1, RunStatus::Failed));
    assert!(
        runs[0].error.as_ref().unwrap().contains("at most 100"),
        "{:?}",
        runs[0].error
    );
}

#[tokio::test]
async fn a_role_works_only_after_it_has_propagated() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| knobs.replication_delay_ms = 60_000);
    azure.put_task("cssc-trigger-workflow", task()).await;
    let registry = azure.simulator.registry("contoso");
    registry.push_policy(POLICY);
    let principal = registry
        .task("cssc-trigger-workflow")
        .unwrap()
        .principal_id()
        .unwrap()
        .to_owned();
    for role in [roles::ACR_PULL, roles::TASKS_CONTRIBUTOR] {
        let name = uuid::Uuid::new_v4();
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            azure.registry()
        );
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let properties = json!({"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"});
        let made = azure
            .arm(
                Method::PUT,
                &path,
                crate::client::ASSIGNMENTS,
                Some(json!({"properties": properties})),
            )
            .await;
        assert_eq!(made.status, 201);
    }
    for expected in [RunStatus::Failed, RunStatus::Succeeded] {
        trigger(&azure).await;
        // A role that propagates after the run was queued does not apply to it.
        azure.simulator.advance(Duration::from_secs(60));
        registry.settle_runs();
        assert_eq!(registry.runs().last().unwrap().status, expected);
    }
    assert!(registry.runs()[0].log.contains("unauthorized"));
    assert!(
        registry.runs()[0]
            .error
            .as_ref()
            .unwrap()
            .contains("unauthorized")
    );
}

#[tokio::test]
async fn abac_needs_repository_roles_and_restricted_networks_need_the_bypass() {
    let azure = Azure::with(Options::default().registry(RegistrySpec::new("contoso").abac()));
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    let outcome = async || {
        trigger(&azure).await;
        registry.settle_runs();
        registry.runs().last().unwrap().status
    };
    assert_eq!(outcome().await, RunStatus::Failed);
    let principal = registry
        .task("cssc-trigger-workflow")
        .unwrap()
        .principal_id()
        .unwrap()
        .to_owned();
    for role in [roles::REPOSITORY_READER, roles::CATALOG_LISTER] {
        azure
            .simulator
            .seed_role_assignment(None, &azure.registry(), role, &principal);
    }
    assert_eq!(outcome().await, RunStatus::Succeeded);
    registry.reconfigure(RegistrySpec::restricted);
    assert_eq!(outcome().await, RunStatus::Failed);
    registry.reconfigure(RegistrySpec::tasks_bypass);
    assert_eq!(outcome().await, RunStatus::Succeeded);
}

#[tokio::test]
async fn runs_advance_with_each_read_and_can_be_filtered_and_canceled() {
    let azure = Azure::new();
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    registry.push_image("python", "3.11", Fate::Vulnerable(1));
    trigger(&azure).await;
    let list = async |filter: &str| -> Vec<Value> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", filter)
            .finish();
        let got = azure
            .arm(
                Method::GET,
                &format!("{}/runs?{query}", azure.registry()),
                TASKS,
                None,
            )
            .await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.json()["value"].as_array().cloned().unwrap()
    };
    assert_eq!(list("Status eq 'Running'").await.len(), 1);
    let scans = list("TaskName in ('cssc-scan-image') and Status in ('Queued','Running')").await;
    assert_eq!(scans.len(), 1);
    let id = scans[0]["name"].as_str().unwrap();
    let path = format!("{}/runs/{id}", azure.registry());
    assert_eq!(
        azure
            .arm(Method::POST, &format!("{path}/cancel"), TASKS, None)
            .await
            .status,
        200
    );
    assert_eq!(
        azure.arm(Method::GET, &path, TASKS, None).await.json()["properties"]["status"],
        "Canceled"
    );
    let again = azure
        .arm(Method::POST, &format!("{path}/cancel"), TASKS, None)
        .await;
    assert_eq!(again.refusal(), (409, "RunCompleted".to_owned()));
    let bad = azure
        .arm(
            Method::GET,
            &format!("{}/runs?$filter=colour%20eq%20'red'", azure.registry()),
            TASKS,
            None,
        )
        .await;
    assert_eq!(bad.refusal(), (400, "InvalidFilter".to_owned()));
}

#[tokio::test]
async fn a_log_is_read_in_ranges_through_its_link() {
    let azure = Azure::new();
    workflow(&azure).await;
    let run = trigger(&azure).await.json()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    azure.simulator.registry("contoso").settle_runs();
    let path = format!("{}/runs/{run}/listLogSasUrl", azure.registry());
    let link = azure.arm(Method::POST, &path, TASKS, None).await.json();
    let link = link["logLink"].as_str().unwrap();
    let part = Got::from(
        azure
            .http
            .get(link)
            .header("range", "bytes=0-9")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((part.status, part.text.as_str()), (206, "Validating"));
    let forged = Got::from(
        azure
            .http
            .get(link.replace("sig=", "sig=0"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(forged.status, 403);
}

#[tokio::test]
async fn a_run_needs_an_existing_enabled_task() {
    let azure = Azure::new();
    assert_eq!(
        trigger(&azure).await.refusal(),
        (404, "ResourceNotFound".to_owned())
    );
    let mut body = task();
    body["properties"]["status"] = json!("Disabled");
    azure.put_task("cssc-trigger-workflow", body).await;
    assert_eq!(
        trigger(&azure).await.refusal(),
        (400, "TaskDisabled".to_owned())
    );
}
