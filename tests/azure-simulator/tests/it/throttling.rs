//! Throttling by ARM and by registries.

use std::time::Duration;

use azure_simulator::{Options, RegistrySpec};
use reqwest::Method;

use crate::client::{Azure, Got, REGISTRIES, TASKS, task};

#[tokio::test]
async fn arm_limits_reads_writes_and_deletes_separately() {
    let azure = throttled();
    let get = async || {
        azure
            .arm(Method::GET, &azure.registry(), REGISTRIES, None)
            .await
    };
    let left = "x-ms-ratelimit-remaining-subscription-reads";
    assert_eq!(get().await.header(left), "1");
    assert_eq!(get().await.header(left), "0");
    let refused = get().await;
    assert_eq!(
        refused.refusal(),
        (429, "SubscriptionRequestsThrottled".to_owned())
    );
    assert_eq!(
        (refused.header("retry-after"), refused.header(left)),
        ("1", "0")
    );
    assert_eq!(azure.put_task("cssc-scan-image", task()).await.status, 201);
    let path = format!("{}/tasks/cssc-scan-image", azure.registry());
    let deleted = azure.arm(Method::DELETE, &path, TASKS, None).await;
    assert!(deleted.status < 300);
    assert_eq!(
        deleted.header("x-ms-ratelimit-remaining-subscription-deletes"),
        "1"
    );

    azure.simulator.advance(Duration::from_secs(1));
    assert_eq!(get().await.status, 200);
    let log = azure.simulator.log();
    let refused = log.iter().filter(|entry| entry.status == 429).count();
    let reads = log
        .iter()
        .filter(|entry| entry.bucket.as_deref() == Some("arm/reads"));
    assert_eq!((refused, reads.count()), (1, 4));
}

#[tokio::test]
async fn each_principal_has_its_own_limits() {
    let azure = throttled();
    azure.simulator.add_application("other", "secret", &[]);
    for _ in 0..3 {
        azure
            .arm(Method::GET, &azure.registry(), REGISTRIES, None)
            .await;
    }
    let scope = "https://management.azure.com/.default";
    let token = azure
        .sign_in(azure_simulator::TENANT, "other", "secret", scope)
        .await
        .json();
    let url = format!(
        "https://management.azure.com{}?{REGISTRIES}",
        azure.registry()
    );
    let request = azure.http.get(url);
    let request = request.bearer_auth(token["access_token"].as_str().unwrap());
    assert_eq!(Got::from(request.send().await.unwrap()).await.status, 403);
}

#[tokio::test]
async fn registry_limits_are_per_minute() {
    let azure = throttled();
    azure
        .simulator
        .turn(|knobs| knobs.registry_reads_per_minute = Some(3));
    let token = azure
        .access("contoso.azurecr.io", "registry:catalog:*")
        .await;
    let list = async || azure.acr(Method::GET, "/acr/v1/_catalog", &token, "").await;
    for _ in 0..3 {
        assert_eq!(list().await.status, 200);
    }
    let refused = list().await;
    assert_eq!(refused.refusal(), (429, "TOOMANYREQUESTS".to_owned()));
    assert_eq!(refused.header("retry-after"), "20");
    azure.simulator.advance(Duration::from_secs(19));
    assert_eq!(list().await.header("retry-after"), "1");
    azure.simulator.advance(Duration::from_secs(1));
    assert_eq!(list().await.status, 200);
}

/// Starts a simulator with a stopped clock, and a limit of two reads plus one per second.
fn throttled() -> Azure {
    let options = Options::default()
        .registry(RegistrySpec::new("contoso"))
        .knobs(|knobs| {
            knobs.throttling = true;
            knobs.arm_reads = 2;
            knobs.arm_reads_per_s = 1;
            knobs.arm_deletes = 2;
        });
    let azure = Azure::with(options);
    azure.simulator.hold_clock();
    azure
}
