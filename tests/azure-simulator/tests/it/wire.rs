//! The parts besides Azure's services: the proxy, the endpoint, faults, the log and the admin endpoint.

use std::time::Duration;

use azure_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, REGISTRIES, TASKS, client, task};

#[tokio::test]
async fn the_proxy_refuses_other_hosts() {
    let azure = Azure::new();
    for url in [
        "https://example.com/",
        "https://unknown.azurecr.io/v2/",
        "https://management.azure.com:8443/",
    ] {
        assert!(azure.http.get(url).send().await.is_err(), "{url}");
    }
    assert!(azure.simulator.requests().is_empty());
}

#[tokio::test]
async fn the_endpoint_serves_arm_and_entra_without_the_proxy() {
    let azure = Azure::new();
    let direct = client(&azure.simulator, false);
    let endpoint = azure.simulator.endpoint();
    let token = azure
        .sign_in_for(&format!("{endpoint}/.default"))
        .await
        .json();
    let url = format!("{endpoint}{}?{REGISTRIES}", azure.registry());
    let got = direct
        .get(url)
        .bearer_auth(token["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (got.status().as_u16(), got.version()),
        (200, reqwest::Version::HTTP_2)
    );
    let discovery = direct
        .get(format!("{endpoint}/common/discovery/instance"))
        .send()
        .await
        .unwrap();
    assert_eq!(discovery.status(), 200);
}

#[tokio::test]
async fn a_status_fault_refuses_the_request_before_it_runs() {
    let azure = Azure::new();
    azure.simulator.fault(
        Fault::on("PUT", "/tasks/")
            .status(429)
            .code("TooManyRequests")
            .retry_after(7),
    );
    let refused = azure.put_task("cssc-scan-image", task()).await;
    assert_eq!(
        (refused.refusal(), refused.header("retry-after")),
        ((429, "TooManyRequests".to_owned()), "7")
    );
    assert_eq!(azure.put_task("cssc-scan-image", task()).await.status, 201);
}

#[tokio::test]
async fn a_connection_can_be_cut_before_or_after_the_request_runs() {
    let azure = Azure::new();
    let url = format!(
        "https://management.azure.com{}/tasks/cssc-scan-image?{TASKS}",
        azure.registry()
    );
    let token = azure.simulator.token("https://management.azure.com");
    for (fault, done) in [
        (Fault::on("PUT", "tasks").cut(), false),
        (Fault::on("PUT", "tasks").cut_after(), true),
    ] {
        azure.simulator.clear_faults();
        azure.simulator.fault(fault);
        assert!(
            azure
                .http
                .put(&url)
                .bearer_auth(&token)
                .json(&task())
                .send()
                .await
                .is_err()
        );
        assert_eq!(
            azure
                .simulator
                .registry("contoso")
                .task("cssc-scan-image")
                .is_some(),
            done
        );
    }
    let cut = azure.simulator.writes().pop().unwrap();
    assert_eq!(
        (cut.operation.as_str(), cut.status, cut.faulted),
        ("tasks/write", 0, true)
    );
}

#[tokio::test]
async fn the_simulator_stops_while_a_request_hangs() {
    let azure = Azure::new();
    azure.simulator.fault(Fault::at(1).hang());
    let url = format!(
        "https://management.azure.com{}?{REGISTRIES}",
        azure.registry()
    );
    let error = azure
        .http
        .get(url)
        .timeout(Duration::from_millis(50))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    azure.simulator.stop();
}

#[tokio::test]
async fn the_log_marks_writes_and_contains_no_secrets() {
    let azure = Azure::new();
    azure.simulator.mark();
    azure.put_task("cssc-scan-image", task()).await;
    azure
        .arm(
            Method::GET,
            &format!("{}/tasks", azure.registry()),
            TASKS,
            None,
        )
        .await;
    azure
        .sign_in_for("https://management.azure.com/.default")
        .await;
    let operations = |entries: Vec<azure_simulator::Entry>| -> Vec<String> {
        entries.into_iter().map(|entry| entry.operation).collect()
    };
    assert_eq!(operations(azure.simulator.writes()), ["tasks/write"]);
    assert_eq!(
        operations(azure.simulator.requests()),
        ["tasks/write", "tasks/read", "entra/token"]
    );
    let log = serde_json::to_string(&azure.simulator.requests()).unwrap();
    assert!(
        !log.contains(azure_simulator::CLIENT_SECRET)
            && !log.contains("Bearer")
            && !log.contains("eyJ")
    );
}

#[tokio::test]
async fn the_admin_endpoint_seeds_data_and_sets_knobs() {
    let azure = Azure::new();
    let admin = client(&azure.simulator, false);
    let at = |path: &str| format!("{}/_simulator/{path}", azure.simulator.endpoint());
    let post = async |path: &str, body: String| {
        Got::from(admin.post(at(path)).body(body).send().await.unwrap())
            .await
            .status
    };
    assert_eq!(
        post("registries", "fabrikam,rg=other,abac".into()).await,
        204
    );
    let image =
        json!({"repository": "python", "tag": "3.11", "fate": {"vulnerable": 2}}).to_string();
    assert_eq!(post("registries/fabrikam/images", image).await, 204);
    assert_eq!(
        post("knobs", json!({"latency_ms": 1}).to_string()).await,
        200
    );
    assert_eq!(post("knobs", json!({"lattency": 1}).to_string()).await, 400);
    assert_eq!(post("faults", "at=100,cut".into()).await, 204);
    let failure = json!({"task": "cssc-scan-image", "times": 1, "log": "unauthorized"}).to_string();
    let failures = "registries/fabrikam/runs/failures";
    assert_eq!(post(failures, failure).await, 204);
    assert_eq!(post(failures, "{}".into()).await, 400);
    let policy = admin
        .put(at("registries/fabrikam/policy"))
        .body(r#"{"version":"v1"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(policy.status(), 204);
    let state: Value = Got::from(admin.get(at("state")).send().await.unwrap())
        .await
        .json();
    assert_eq!(state["counts"]["policy_repositories"], 1);
    let fabrikam = &state["registries"][1];
    assert_eq!(fabrikam["run_failures"][0]["log"], "unauthorized");
    assert_eq!(
        azure.simulator.registry("fabrikam").policy(),
        Some(json!({"version": "v1"}))
    );
    let gone = admin
        .delete(at("registries/contoso/tasks/none"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 400);
}

#[tokio::test]
async fn the_admin_endpoint_creates_and_deletes_a_workflow_as_the_azure_cli_does() {
    let azure = Azure::new();
    let admin = client(&azure.simulator, false);
    let endpoint = azure.simulator.endpoint();
    let workflow = format!("{endpoint}/_simulator/registries/contoso/workflow");
    let create = async |body: Value| {
        let request = admin.post(&workflow).body(body.to_string());
        Got::from(request.send().await.unwrap()).await.status
    };
    assert_eq!(create(json!({"generation": "first"})).await, 400);
    let policy = json!({"version": "v1", "tag-convention": "floating", "repositories": []});
    let first = json!({"generation": "contributor", "schedule": "7d", "policy": policy});
    assert_eq!(create(first).await, 204);
    assert_eq!(azure.simulator.registry("contoso").policy(), Some(policy));
    assert_eq!(azure.simulator.leftovers()["tasks"], 3);
    assert_eq!(create(json!({})).await, 400, "the workflow already exists");
    let deleted = admin.delete(&workflow).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(azure.simulator.leftovers()["tasks"], 0);
}

#[tokio::test]
async fn arm_requests_behind_the_scenes_are_not_logged() {
    let azure = Azure::new();
    azure.put_task("cssc-scan-image", task()).await;
    azure.simulator.mark();
    let address = format!("{}/tasks/cssc-scan-image?{TASKS}", azure.registry());
    let disabled = json!({"properties": {"status": "Disabled"}});
    let (status, _) = azure
        .simulator
        .behind_the_scenes(Method::PATCH, &address, Some(&disabled));
    assert_eq!(status, 200);
    let url = format!("{}/_simulator/arm{address}", azure.simulator.endpoint());
    let got = Got::from(
        client(&azure.simulator, false)
            .get(url)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(got.json()["properties"]["status"], "Disabled");
    assert!(azure.simulator.requests().is_empty());
}
