//! Other clouds, a metadata host, custom endpoints, auxiliary tenants, and the token audience of registries.

use std::collections::BTreeSet;

use azure_simulator::{CLIENT_ID, Cloud, Entry, Options, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::Stage;

/// Creates and destroys a workflow with these arguments in the provider block. Returns the hosts of all
/// requests.
async fn create_and_destroy(options: Options, block: Value) -> BTreeSet<String> {
    let mut stage =
        Stage::with_provider_block(options.registry(RegistrySpec::new("contoso")), block).await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
    let log = stage.azure.log();
    log.into_iter().map(|entry| entry.host).collect()
}

fn block<const N: usize>(arguments: [(&str, &str); N]) -> Value {
    Value::object(arguments.map(|(name, value)| (name, Value::from(value))))
}

fn hosts_of(cloud: Cloud) -> BTreeSet<String> {
    let registry = format!("contoso.{}", cloud.registry_suffix());
    [cloud.login_host(), cloud.arm_host(), &registry]
        .map(str::to_owned)
        .into()
}

#[tokio::test(start_paused = true)]
async fn each_environment_uses_the_hosts_of_its_cloud() {
    for cloud in [Cloud::Public, Cloud::UsGovernment, Cloud::China] {
        let asked = create_and_destroy(
            Options::default().cloud(cloud),
            block([("environment", cloud.environment())]),
        )
        .await;
        assert_eq!(asked, hosts_of(cloud));
    }
}

#[tokio::test(start_paused = true)]
async fn a_metadata_host_supplies_the_endpoints() {
    const HOST: &str = "metadata.contoso.example";
    let options = Options::default()
        .cloud(Cloud::UsGovernment)
        .metadata_host(HOST);
    let asked = create_and_destroy(options, block([("metadata_host", HOST)])).await;
    let mut expected = hosts_of(Cloud::UsGovernment);
    expected.insert(HOST.to_owned());
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn custom_endpoints_are_used() {
    let cloud = Cloud::China;
    let at = |host: &str| format!("https://{host}/");
    let endpoint = block([
        ("active_directory_authority_host", &*at(cloud.login_host())),
        ("resource_manager_endpoint", &at(cloud.arm_host())),
        ("resource_manager_audience", &at(cloud.arm_host())),
    ]);
    let arguments = Value::object([("endpoint", endpoint)]);
    let asked = create_and_destroy(Options::default().cloud(cloud), arguments).await;
    assert_eq!(asked, hosts_of(cloud));
}

#[tokio::test(start_paused = true)]
async fn auxiliary_tokens_are_sent_to_resource_manager_only() {
    const TENANTS: [&str; 2] = [
        "22222222-2222-4222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
    ];
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let tenants = Value::List(TENANTS.map(Value::from).into());
    let mut stage =
        Stage::with_provider_block(options, Value::object([("auxiliary_tenant_ids", tenants)]))
            .await;
    for tenant in TENANTS {
        stage.azure.application(CLIENT_ID).join_tenant(tenant);
    }
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    let asked = stage.azure.log();
    let brought = |entry: &Entry| (entry.host.clone(), entry.auxiliary_tokens);
    let brought: BTreeSet<_> = asked.iter().map(brought).collect();
    let expected = [
        ("contoso.azurecr.io", 0),
        ("login.microsoftonline.com", 0),
        ("management.azure.com", 2),
    ];
    let expected: BTreeSet<_> = expected.map(|(host, n)| (host.to_owned(), n)).into();
    assert_eq!(brought, expected);
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn the_resource_manager_audience_is_the_fallback_for_registries() {
    for unknown in [true, false] {
        let options = Options::default().knobs(|knobs| {
            knobs.acr_audience_unknown = unknown;
            knobs.acr_audience_refused = !unknown;
        });
        let asked = create_and_destroy(options, block([])).await;
        assert_eq!(asked, hosts_of(Cloud::Public));
    }
}
