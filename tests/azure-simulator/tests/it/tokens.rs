//! Revoked and expired tokens, the list of secrets, and compressed responses.

use std::time::Duration;

use azure_simulator::{AppCertificate, CLIENT_ID, CLIENT_SECRET, PFX_PASSWORD};
use reqwest::Method;

use crate::client::{Azure, Got, REGISTRIES};

const ARM: &str = "https://management.azure.com";
const ACR: &str = "https://containerregistry.azure.net";
const SERVER: &str = "contoso.azurecr.io";
const CATALOG: &str = "registry:catalog:*";

#[tokio::test]
async fn a_revoked_token_is_refused_immediately() {
    let azure = Azure::new();
    let token = azure.simulator.token(ARM);
    azure.simulator.revoke_tokens();
    let url = format!("{ARM}{}?{REGISTRIES}", azure.registry());
    let got = Got::from(
        azure
            .http
            .get(&url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        got.refusal(),
        (401, "InvalidAuthenticationToken".to_owned())
    );
    assert!(
        got.header("www-authenticate")
            .contains("error=\"invalid_token\"")
    );
    let fresh = azure.simulator.token(ARM);
    assert_eq!(
        azure
            .http
            .get(&url)
            .bearer_auth(fresh)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn registry_tokens_are_revoked_separately() {
    let azure = Azure::new();
    let list = async |token: &str| azure.acr(Method::GET, "/acr/v1/_catalog", token, "").await;
    let token = azure.access(SERVER, CATALOG).await;
    azure.simulator.registry("contoso").revoke_tokens();
    let refused = list(&token).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .contains("error=\"invalid_token\"")
    );
    assert_eq!(list(&azure.access(SERVER, CATALOG).await).await.status, 200);
}

#[tokio::test]
async fn each_token_type_has_its_own_lifetime() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| {
        knobs.token_lifetime_s = 100;
        knobs.refresh_token_lifetime_s = 50;
        knobs.registry_token_lifetime_s = 10;
    });
    let entra = azure.simulator.token(ACR);
    let refresh = exchange(&azure, &entra).await.json()["refresh_token"].clone();
    let refresh = refresh.as_str().unwrap();
    let access = async || {
        let form = [
            ("grant_type", "refresh_token"),
            ("service", SERVER),
            ("scope", CATALOG),
            ("refresh_token", refresh),
        ];
        azure
            .form(&format!("https://{SERVER}/oauth2/token"), &form)
            .await
    };
    let token = access().await.json()["access_token"].clone();
    let list = async || {
        let token = token.as_str().unwrap();
        azure
            .acr(Method::GET, "/acr/v1/_catalog", token, "")
            .await
            .status
    };
    assert_eq!(list().await, 200);
    azure.simulator.advance(Duration::from_secs(10));
    assert_eq!((list().await, access().await.status), (401, 200));
    azure.simulator.advance(Duration::from_secs(40));
    assert_eq!(
        (access().await.status, exchange(&azure, &entra).await.status),
        (401, 200)
    );
    azure.simulator.advance(Duration::from_secs(50));
    assert_eq!(exchange(&azure, &entra).await.status, 401);
}

#[tokio::test]
async fn the_acr_audience_can_be_unknown_or_refused() {
    let azure = Azure::new();
    let acr = azure.simulator.token(ACR);
    azure
        .simulator
        .turn(|knobs| knobs.acr_audience_refused = true);
    assert_eq!(exchange(&azure, &acr).await.status, 401);
    assert_eq!(
        exchange(&azure, &azure.simulator.token(ARM)).await.status,
        200
    );

    azure
        .simulator
        .turn(|knobs| knobs.acr_audience_unknown = true);
    let got = azure.sign_in_for(&format!("{ACR}/.default")).await;
    assert_eq!(got.json()["error"], "invalid_resource");
    assert_eq!(
        (got.status, &got.json()["error_codes"][0]),
        (400, &500_011.into())
    );
}

#[tokio::test]
async fn secrets_lists_every_secret() {
    let azure = Azure::new();
    let application = azure.simulator.application(CLIENT_ID);
    application.add_certificate(AppCertificate::Rsa4096);
    let token = azure.access(SERVER, CATALOG).await;
    let oidc = azure.simulator.oidc();
    let cluster = oidc.token(Duration::from_secs(60));
    let secrets = azure.simulator.secrets();
    for secret in [
        CLIENT_SECRET,
        PFX_PASSWORD,
        &token,
        &cluster,
        &oidc.github_request_token(),
        &azure.simulator.managed_identity().app_service_header(),
        AppCertificate::Rsa4096.key_pem().lines().nth(1).unwrap(),
    ] {
        assert!(secrets.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn large_responses_are_compressed_if_the_client_accepts_gzip() {
    let azure = Azure::new();
    let url = format!("{ARM}{}?{REGISTRIES}", azure.registry());
    let token = azure.simulator.token(ARM);
    let get = async |accepted: &str| {
        let request = azure.http.get(&url).bearer_auth(&token);
        let response = request
            .header("accept-encoding", accepted)
            .send()
            .await
            .unwrap();
        let coding = response.headers().get("content-encoding").cloned();
        (coding.is_some(), response.bytes().await.unwrap().len())
    };
    let (compressed, small) = get("gzip").await;
    let (plain, large) = get("identity").await;
    assert!(compressed && !plain && small < large && large > 1024);
}

async fn exchange(azure: &Azure, entra: &str) -> Got {
    let form = [
        ("grant_type", "access_token"),
        ("service", SERVER),
        ("access_token", entra),
    ];
    azure
        .form(&format!("https://{SERVER}/oauth2/exchange"), &form)
        .await
}
