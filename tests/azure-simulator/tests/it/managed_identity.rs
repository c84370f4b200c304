//! Managed identity tokens of virtual machines and App Service.

use azure_simulator::Fault;
use reqwest::RequestBuilder;

use crate::client::{Azure, Got, REGISTRIES, client};

const QUERY: &str = "api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";
const USER: &str = "55555555-5555-4555-8555-555555555555";

#[tokio::test]
async fn imds_issues_tokens_for_assigned_identities() {
    let azure = Azure::new();
    let identity = azure.simulator.managed_identity();
    let ask = async |query: &str| send(imds(&azure, query)).await;

    let nobody = ask(QUERY).await;
    assert_eq!(nobody.status, 400);
    assert_eq!(nobody.json()["error_description"], "Identity not found");

    let system = identity.assign_system();
    let got = ask(QUERY).await.json();
    assert_eq!(got["token_type"], "Bearer");
    assert!(got["expires_on"].as_str().unwrap().parse::<i64>().unwrap() > 1_700_000_000);
    let token = got["access_token"].as_str().unwrap();
    let url = format!(
        "https://management.azure.com{}?{REGISTRIES}",
        azure.registry()
    );
    azure.simulator.mark();
    assert_eq!(
        send(azure.http.get(url).bearer_auth(token)).await.status,
        200
    );
    assert_eq!(azure.simulator.requests()[0].principal, Some(system));

    let by_id = format!("{QUERY}&client_id={USER}");
    assert_eq!(ask(&by_id).await.status, 400);
    identity.assign_user(USER);
    assert_eq!(ask(&by_id).await.json()["client_id"], USER);
    identity.remove_all();
    assert_eq!(ask(&by_id).await.status, 400);
}

#[tokio::test]
async fn imds_rejects_forwarded_and_malformed_requests() {
    let azure = Azure::new();
    azure.simulator.managed_identity().assign_system();
    let http = client(&azure.simulator, false);
    let url = format!("{}?{QUERY}", azure.simulator.managed_identity().endpoint());
    assert_eq!(send(http.get(&url)).await.status, 400);
    let forwarded = imds(&azure, QUERY).header("x-forwarded-for", "1.2.3.4");
    assert_eq!(send(forwarded).await.status, 400);
    let unversioned = imds(&azure, "resource=https://management.azure.com");
    assert_eq!(send(unversioned).await.status, 400);
    let elsewhere = imds(
        &azure,
        "api-version=2018-02-01&resource=https://example.com",
    );
    assert_eq!(send(elsewhere).await.json()["error"], "invalid_resource");
}

#[tokio::test]
async fn faults_and_the_log_identify_imds_by_its_address() {
    let azure = Azure::new();
    azure.simulator.managed_identity().assign_system();
    azure.simulator.fault(
        Fault::on("GET", "^169.254.169.254/metadata/identity/")
            .status(410)
            .times(2),
    );
    azure.simulator.mark();
    let statuses = [
        send(imds(&azure, QUERY)).await.status,
        send(imds(&azure, QUERY)).await.status,
        send(imds(&azure, QUERY)).await.status,
    ];
    assert_eq!(statuses, [410, 410, 200]);
    let log = azure.simulator.requests();
    assert_eq!((log.len(), log[0].operation.as_str()), (3, "identity/imds"));
}

#[tokio::test]
async fn app_service_requires_its_header() {
    let azure = Azure::new();
    let identity = azure.simulator.managed_identity();
    identity.assign_system();
    let http = client(&azure.simulator, false);
    let resource = "resource=https://containerregistry.azure.net";
    let url = format!(
        "{}?api-version=2019-08-01&{resource}",
        identity.app_service_endpoint()
    );
    let ask = async |header: &str| send(http.get(&url).header("x-identity-header", header)).await;
    let got = ask(&identity.app_service_header()).await;
    assert_eq!(got.status, 200);
    assert!(got.json()["expires_on"].is_string());
    assert_eq!(ask("wrong").await.status, 401);
}

fn imds(azure: &Azure, query: &str) -> RequestBuilder {
    let endpoint = azure.simulator.managed_identity().endpoint();
    client(&azure.simulator, false)
        .get(format!("{endpoint}?{query}"))
        .header("metadata", "true")
}

async fn send(request: RequestBuilder) -> Got {
    Got::from(request.send().await.unwrap()).await
}
