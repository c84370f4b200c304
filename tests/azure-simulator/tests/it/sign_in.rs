//! Entra's tokens, and the services that accept them.

use std::time::Duration;

use azure_simulator::{CLIENT_ID, CLIENT_SECRET, TENANT, roles};
use reqwest::Method;

use crate::client::{Azure, Got, REGISTRIES, TASKS, task};

#[tokio::test]
async fn a_wrong_secret_client_or_tenant_returns_entras_error() {
    let azure = Azure::new();
    let scope = "https://management.azure.com/.default";
    for (tenant, client, secret, status, code) in [
        (TENANT, CLIENT_ID, "wrong", 401, 7_000_215),
        (
            TENANT,
            "22222222-2222-2222-2222-222222222222",
            CLIENT_SECRET,
            400,
            700_016,
        ),
        (
            "33333333-3333-3333-3333-333333333333",
            CLIENT_ID,
            CLIENT_SECRET,
            400,
            90002,
        ),
    ] {
        let got = azure.sign_in(tenant, client, secret, scope).await;
        assert_eq!(
            (got.status, &got.json()["error_codes"][0]),
            (status, &code.into())
        );
        assert!(
            got.json()["error_description"]
                .as_str()
                .unwrap()
                .contains("\r\nTrace ID: ")
        );
    }
    let unknown = azure.sign_in_for("https://example.com/.default").await;
    assert_eq!(unknown.json()["error_codes"][0], 500_011);
}

#[tokio::test]
async fn arm_accepts_only_valid_tokens_for_its_audience() {
    let azure = Azure::new();
    let url = format!(
        "https://management.azure.com{}?{REGISTRIES}",
        azure.registry()
    );
    let get = async |token: &str| {
        Got::from(
            azure
                .http
                .get(&url)
                .bearer_auth(token)
                .send()
                .await
                .unwrap(),
        )
        .await
    };

    let signed_in = azure
        .sign_in_for("https://management.azure.com/.default")
        .await
        .json();
    let token = signed_in["access_token"].as_str().unwrap();
    assert_eq!(get(token).await.status, 200);

    let other = azure
        .sign_in_for("https://containerregistry.azure.net/.default")
        .await
        .json();
    let refused = get(other["access_token"].as_str().unwrap()).await;
    assert_eq!(
        refused.refusal(),
        (401, "InvalidAuthenticationTokenAudience".to_owned())
    );
    assert_eq!(
        get("nonsense").await.refusal(),
        (401, "InvalidAuthenticationToken".to_owned())
    );

    azure.simulator.advance(Duration::from_secs(3601));
    assert_eq!(
        get(token).await.refusal(),
        (401, "ExpiredAuthenticationToken".to_owned())
    );

    let nobody = Got::from(azure.http.get(&url).send().await.unwrap()).await;
    assert_eq!(nobody.refusal(), (401, "AuthenticationFailed".to_owned()));
}

#[tokio::test]
async fn a_principal_can_do_only_what_its_roles_allow() {
    let azure = Azure::new();
    azure
        .simulator
        .add_application("reader", "secret", &[(roles::READER, &azure.registry())]);
    let token = azure
        .sign_in(
            TENANT,
            "reader",
            "secret",
            "https://management.azure.com/.default",
        )
        .await
        .json();
    let token = token["access_token"].as_str().unwrap();
    let url = format!(
        "https://management.azure.com{}/tasks/cssc-scan-image?{TASKS}",
        azure.registry()
    );

    let read = Got::from(
        azure
            .http
            .get(&url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(read.status, 404);
    let written = Got::from(
        azure
            .http
            .put(&url)
            .bearer_auth(token)
            .json(&task())
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(written.refusal(), (403, "AuthorizationFailed".to_owned()));
    assert!(written.text.contains(
        "perform action 'Microsoft.ContainerRegistry/registries/tasks/write' over scope"
    ));
}

#[tokio::test]
async fn a_denied_action_is_forbidden_for_every_principal() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| {
        knobs
            .denied_actions
            .push("Microsoft.ContainerRegistry/registries/tasks/write".into())
    });
    assert_eq!(
        azure.put_task("cssc-scan-image", task()).await.refusal(),
        (403, "AuthorizationFailed".to_owned())
    );
    let listed = azure
        .arm(
            Method::GET,
            &format!("{}/tasks", azure.registry()),
            TASKS,
            None,
        )
        .await;
    assert_eq!(listed.status, 200);
}
