//! Many concurrent workflows against an Azure that throttles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use azure_simulator::{Entry, Options, RegistrySpec, Simulator};
use futures::future::join_all;

use crate::lifecycle::stage::config;
use crate::support::core::start_core;
use crate::support::wire::Wire;
use terraform_plugin_testing::core::{Core, has_error};

const WORKFLOWS: usize = 50;

/// The documented limits of Resource Manager: the bucket size, and the refill rate per second.
const LIMITS: [(&str, f64, f64); 3] = [
    ("arm/reads", 250.0, 25.0),
    ("arm/writes", 200.0, 10.0),
    ("arm/deletes", 200.0, 10.0),
];

#[tokio::test(start_paused = true)]
async fn fifty_concurrent_workflows_keep_to_the_limits_of_resource_manager() {
    let name = |n| format!("contoso{n:02}");
    let options = (0..WORKFLOWS).fold(Options::default(), |options, n| {
        options.registry(RegistrySpec::new(&name(n)))
    });
    let azure = Arc::new(Simulator::start(options.knobs(|it| it.throttling = true)).unwrap());
    azure.hold_clock();
    let wire = Wire::to(&azure);
    let environment = azure.env().into_iter().collect();
    let first = start_core(environment, &wire).await;
    let mut all: Vec<Core> = (0..WORKFLOWS).map(|_| first.another_resource()).collect();

    azure.mark();
    join_all(all.iter_mut().enumerate().map(async |(n, terraform)| {
        let config = config(&azure.registry(&name(n)).id());
        let plan = terraform.plan(&config).await.unwrap();
        let said = terraform.apply(&plan, &config).await;
        assert!(!has_error(&said), "{said:#?}");
    }))
    .await;
    assert_eq!(azure.leftovers()["tasks"], 150);
    assert_within_the_limits(&azure.requests());

    // The buckets refill in this time.
    tokio::time::sleep(Duration::from_secs(60)).await;
    azure.mark();
    join_all(all.iter_mut().map(async |terraform| {
        assert_eq!(terraform.destroy().await, []);
    }))
    .await;
    for (what, left) in azure.leftovers().as_object().unwrap() {
        assert_eq!(left, 0, "{what}");
    }
    assert_within_the_limits(&azure.requests());
}

/// Asserts that requests keep to the rate after the first 429, and that the work takes little longer than the
/// limits allow.
fn assert_within_the_limits(log: &[Entry]) {
    let start = log[0].time;
    let seconds = |entry: &Entry| entry.time.duration_since(start).as_secs_f64();
    let mut bound = 0.0_f64;
    let mut report = String::new();
    for (bucket, burst, per_second) in LIMITS {
        let of_bucket = |entry: &&Entry| entry.bucket.as_deref() == Some(bucket);
        let entries: Vec<&Entry> = log.iter().filter(of_bucket).collect();
        let served = entries.iter().filter(|entry| entry.status != 429).count();
        let refused: Vec<f64> = entries
            .iter()
            .filter(|entry| entry.status == 429)
            .map(|entry| seconds(entry))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred requests")]
        let needed = (served as f64 - burst) / per_second;
        bound = bound.max(needed);
        report += &format!("{bucket}: {served} served, {} refused\n", refused.len());
        let Some(first) = refused.first() else {
            continue;
        };
        // Azure also returns 429 for the requests that were in flight at the first 429.
        let wave = first + 0.5;
        let late = refused.iter().filter(|time| **time > wave).count();
        assert_eq!(late, 0, "{report}: refused again at {refused:?}");
        let mut by_second = BTreeMap::<u64, u32>::new();
        for entry in entries.iter().filter(|entry| seconds(entry) > wave) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some minutes"
            )]
            let second = seconds(entry) as u64;
            *by_second.entry(second).or_default() += 1;
        }
        let most = by_second.values().max().copied().unwrap_or_default();
        assert!(f64::from(most) <= per_second, "{report}: {by_second:?}");
    }
    let took = log.last().map(seconds).unwrap_or_default();
    assert!(
        took <= bound.max(10.0) * 1.2,
        "{report}: took {took} s, {bound} s expected"
    );
    eprintln!("{report}took {took:.1} s; the limits allow {bound:.1} s");
}
