//! Where Azure is, and as whom it is asked: other clouds, hosts that tell of one, endpoints of one's
//! own, further tenants, and registries that take another audience's tokens.

use std::collections::BTreeSet;

use azure_simulator::{CLIENT_ID, Cloud, Entry, Options, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::Stage;

/// A workflow's life with these arguments in the provider block. Gives the hosts that were asked.
async fn lives(options: Options, block: Value) -> BTreeSet<String> {
    let mut stage = Stage::told(options.registry(RegistrySpec::new("contoso")), block).await;
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
async fn in_the_clouds_of_governments() {
    for cloud in [Cloud::Public, Cloud::UsGovernment, Cloud::China] {
        let asked = lives(
            Options::default().cloud(cloud),
            block([("environment", cloud.environment())]),
        )
        .await;
        assert_eq!(asked, hosts_of(cloud));
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_cloud_that_a_host_tells_of() {
    const TELLS: &str = "metadata.contoso.example";
    let options = Options::default()
        .cloud(Cloud::UsGovernment)
        .metadata_host(TELLS);
    let asked = lives(options, block([("metadata_host", TELLS)])).await;
    let mut expected = hosts_of(Cloud::UsGovernment);
    expected.insert(TELLS.to_owned());
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn at_endpoints_of_ones_own() {
    let cloud = Cloud::China;
    let at = |host: &str| format!("https://{host}/");
    let endpoint = block([
        ("active_directory_authority_host", &*at(cloud.login_host())),
        ("resource_manager_endpoint", &at(cloud.arm_host())),
        ("resource_manager_audience", &at(cloud.arm_host())),
    ]);
    let arguments = Value::object([("endpoint", endpoint)]);
    let asked = lives(Options::default().cloud(cloud), arguments).await;
    assert_eq!(asked, hosts_of(cloud));
}

#[tokio::test(start_paused = true)]
async fn with_further_tenants() {
    const TENANTS: [&str; 2] = [
        "22222222-2222-4222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
    ];
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let tenants = Value::List(TENANTS.map(Value::from).into());
    let mut stage = Stage::told(options, Value::object([("auxiliary_tenant_ids", tenants)])).await;
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
async fn where_the_registries_audience_is_unknown_or_refused() {
    for unknown in [true, false] {
        let options = Options::default().knobs(|knobs| {
            knobs.acr_audience_unknown = unknown;
            knobs.acr_audience_refused = !unknown;
        });
        let asked = lives(options, block([])).await;
        assert_eq!(asked, hosts_of(Cloud::Public));
    }
}
