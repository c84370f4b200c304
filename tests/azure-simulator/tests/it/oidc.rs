//! ID tokens of GitHub jobs and Azure DevOps pipelines.

use azure_simulator::{CLIENT_ID, TENANT};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::client::{Azure, Got};

const AUDIENCE: &str = "api://AzureADTokenExchange";

#[tokio::test]
async fn a_github_job_exchanges_its_token() {
    let azure = Azure::new();
    let oidc = azure.simulator.oidc();
    let url = format!("{}&audience={AUDIENCE}", oidc.github_request_url());
    let get = async |url: &str, token: &str| {
        Got::from(azure.http.get(url).bearer_auth(token).send().await.unwrap()).await
    };
    let request_token = oidc.github_request_token();
    azure.simulator.mark();
    let got = get(&url, &request_token).await.json();
    assert_eq!(azure.simulator.requests()[0].operation, "oidc/github");
    assert_eq!(exchange(&azure, &got["value"]).await, 200);

    assert_eq!(get(&url, "wrong").await.status, 401);
    assert_eq!(
        get(&url.replace("idtoken", "x"), &request_token)
            .await
            .status,
        404
    );
    // The default audience is the repository's owner, and Entra refuses it.
    let for_owner = get(&oidc.github_request_url(), &request_token).await.json();
    assert_eq!(
        claims(&for_owner["value"])["aud"],
        "https://github.com/contoso"
    );
    assert_eq!(exchange(&azure, &for_owner["value"]).await, 401);
}

#[tokio::test]
async fn an_azure_devops_pipeline_exchanges_its_service_connection_token() {
    let azure = Azure::new();
    let oidc = azure.simulator.oidc();
    let connection = oidc.service_connection_id();
    let url = |connection: &str| {
        format!(
            "{}?api-version=7.1&serviceConnectionId={connection}&audience={AUDIENCE}",
            oidc.azure_devops_request_url()
        )
    };
    let post = async |url: &str, token: &str| {
        let request = azure.http.post(url).bearer_auth(token);
        let request = request.header("x-tfs-fedauthredirect", "Suppress");
        Got::from(request.send().await.unwrap()).await
    };
    let request_token = oidc.azure_devops_request_token();
    let got = post(&url(connection), &request_token).await.json();
    assert_eq!(exchange(&azure, &got["oidcToken"]).await, 200);

    assert_eq!(post(&url("other"), &request_token).await.status, 404);
    assert_eq!(post(&url(connection), "wrong").await.status, 401);
    let get = azure.http.get(url(connection)).bearer_auth(&request_token);
    let got = Got::from(get.send().await.unwrap()).await;
    assert_eq!(got.status, 405);
    let message = &got.json()["value"]["Message"];
    assert!(message.as_str().unwrap().ends_with("'GET'."), "{message}");
    let unversioned = url(connection).replace("api-version=7.1&", "");
    assert_eq!(post(&unversioned, &request_token).await.status, 400);
    let browser = azure.http.post(url(connection)).send().await.unwrap();
    assert_eq!(browser.status(), 302);
}

#[tokio::test]
async fn oidc_tokens_have_the_configured_lifetime() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| knobs.oidc_token_lifetime_s = 42);
    let oidc = azure.simulator.oidc();
    let url = oidc.github_request_url();
    let request = azure.http.get(url).bearer_auth(oidc.github_request_token());
    let got = Got::from(request.send().await.unwrap()).await.json();
    let claims = claims(&got["value"]);
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 42);
}

fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn exchange(azure: &Azure, token: &Value) -> u16 {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", token.as_str().unwrap()),
        ("scope", "https://management.azure.com/.default"),
    ];
    let url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
    azure.form(&url, &form).await.status
}
