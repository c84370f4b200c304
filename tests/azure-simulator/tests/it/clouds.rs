//! The other clouds, and their metadata endpoints.

use azure_simulator::{CLIENT_ID, CLIENT_SECRET, Cloud, Options, RegistrySpec, TENANT};
use serde_json::json;

use crate::client::{Azure, Got, REGISTRIES, client};

#[tokio::test]
async fn each_cloud_serves_only_its_own_hosts() {
    for cloud in [Cloud::UsGovernment, Cloud::China] {
        let options = Options::default()
            .cloud(cloud)
            .registry(RegistrySpec::new("contoso"));
        let azure = Azure::with(options);
        let arm = format!("https://{}", cloud.arm_host());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("scope", &format!("{arm}/.default")),
        ];
        let url = format!("https://{}/{TENANT}/oauth2/v2.0/token", cloud.login_host());
        let token = azure.form(&url, &form).await.json();
        let token = token["access_token"].as_str().unwrap();
        let url = format!("{arm}{}?{REGISTRIES}", azure.registry());
        let got = Got::from(azure.http.get(url).bearer_auth(token).send().await.unwrap()).await;
        let server = format!("contoso.{}", cloud.registry_suffix());
        assert_eq!(got.json()["properties"]["loginServer"], server.as_str());
        azure.access(&server, "registry:catalog:*").await;
        for elsewhere in [
            "management.azure.com",
            "login.microsoftonline.com",
            "contoso.azurecr.io",
        ] {
            let url = format!("https://{elsewhere}/");
            assert!(azure.http.get(url).send().await.is_err(), "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn arm_and_the_metadata_host_list_the_endpoints() {
    let options = Options::default()
        .cloud(Cloud::UsGovernment)
        .metadata_host("metadata.contoso.example");
    let azure = Azure::with(options);
    for host in ["metadata.contoso.example", "management.usgovcloudapi.net"] {
        let url = format!("https://{host}/metadata/endpoints?api-version=2022-09-01");
        let got = Got::from(azure.http.get(url).send().await.unwrap())
            .await
            .json();
        assert_eq!(got["name"], "AzureUSGovernment");
        assert_eq!(
            got["resourceManager"],
            "https://management.usgovcloudapi.net/"
        );
        assert_eq!(
            got["authentication"]["loginEndpoint"],
            "https://login.microsoftonline.us/"
        );
        assert_eq!(got["suffixes"]["acrLoginServer"], "azurecr.us");
    }
    let old = "https://metadata.contoso.example/metadata/endpoints?api-version=2019-05-01";
    let got = Got::from(azure.http.get(old).send().await.unwrap())
        .await
        .json();
    assert_eq!(got[0]["name"], "AzureUSGovernment");
    let elsewhere = azure
        .http
        .get("https://metadata.contoso.example/subscriptions");
    assert_eq!(elsewhere.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_loopback_endpoint_returns_its_own_address() {
    let azure = Azure::new();
    let endpoint = azure.simulator.endpoint();
    let url = format!("{endpoint}/metadata/endpoints?api-version=2022-09-01");
    let http = client(&azure.simulator, false);
    let got = Got::from(http.get(url).send().await.unwrap()).await.json();
    assert_eq!(got["resourceManager"], format!("{endpoint}/"));
    assert_eq!(got["authentication"]["audiences"], json!([endpoint]));
}
