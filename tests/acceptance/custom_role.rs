//! The custom role on the page of the resource, compared with the requests of a whole lifecycle.

use std::collections::BTreeSet;

use azure_simulator::{Entry, Fate};
use regex_lite::Regex;
use serde_json::Value;

use crate::golden::repository_file;
use crate::stage::{Stage, WORKFLOW, hosts};

/// Reads the status of the workflow, with the logs of its runs.
const STATUS: &str = r#"
data "acr_continuous_patching_status" "test" {
  registry_id = acr_continuous_patching_workflow.test.id
  depends_on  = [acr_continuous_patching_workflow.test]
}
"#;

fn of_registry(action: &str) -> String {
    format!("Microsoft.ContainerRegistry/registries/{action}")
}

/// The action that Azure requires for a request, or [`None`] for a sign-in or a signed link.
fn action(request: &Entry) -> Option<String> {
    let method = request.method.as_str();
    if request.host.ends_with(".azurecr.io") {
        let right = match (method, request.path.starts_with("/oauth2/")) {
            (_, true) => return None,
            ("GET" | "HEAD", _) => "pull/read",
            ("DELETE", _) => "artifacts/delete",
            _ => "push/write",
        };
        return Some(of_registry(right));
    }
    let (_, below) = request.path.split_once("/registries/")?;
    let parts: Vec<&str> = below.split('/').skip(1).collect();
    let right = match method {
        "GET" => "read",
        "DELETE" => "delete",
        "POST" => "action",
        _ => "write",
    };
    Some(match parts[..] {
        [] => of_registry(right),
        ["providers", namespace, kind, ..] => format!("{namespace}/{kind}/{right}"),
        // Such as `runs/ca1/cancel`. A task's or a run's name is no part of the action.
        [kind, _, operation] => of_registry(&format!("{kind}/{operation}/{right}")),
        [kind, ..] => of_registry(&format!("{kind}/{right}")),
    })
}

/// The actions of the role in JSON.
fn actions_in_json() -> BTreeSet<String> {
    let role = repository_file("examples/role-definition/role.json");
    let role: Value = serde_json::from_str(&role).unwrap();
    let actions = role["Actions"].as_array().unwrap().iter();
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_role_has_the_same_actions_in_both_formats() {
    let pattern = Regex::new(r#""(Microsoft\.[A-Za-z]+/[A-Za-z/]+)""#).unwrap();
    let role = repository_file("examples/role-definition/main.tf");
    let actions: BTreeSet<String> = pattern
        .captures_iter(&role)
        .map(|found| found[1].to_owned())
        .collect();
    assert_eq!(actions, actions_in_json());
}

#[tokio::test]
async fn the_role_allows_what_a_lifecycle_requests_and_nothing_else() {
    for host in hosts() {
        let workflow = WORKFLOW.replace("enabled ", "run_immediately = true\n  enabled ");
        let stage = Stage::new(host, &format!("{workflow}{STATUS}")).await;
        let registry = stage.azure.registry("contoso");
        registry.push_image("python", "3.11", Fate::Vulnerable(3));
        stage.apply().await;
        let mut requests = stage.azure.requests();
        registry.settle_runs();
        stage.apply().await;
        requests.extend(stage.azure.requests());
        // A destroy cancels the runs that are still active.
        stage
            .azure
            .turn(|knobs| knobs.run_duration_ms = Some(u64::MAX));
        registry.fire_timer("cssc-trigger-workflow").unwrap();
        stage.azure.mark();
        stage.workspace.destroy().await.unwrap();
        requests.extend(stage.azure.requests());
        let actions: BTreeSet<String> = requests.iter().filter_map(action).collect();
        assert_eq!(actions, actions_in_json(), "under {host}");
    }
}
