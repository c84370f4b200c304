//! Arbitrary answers of Azure to a configured provider: real responses with arbitrary changes of their bodies and
//! headers, at any request. Each operation ends, and none panics.

use std::time::Duration;

use corpus::changes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use terraform_plugin::value::Value;
use terraform_plugin_testing::data_source::Source;
use terraform_provider_acr::provider::{AcrProvider, Environment};

use crate::property::step::Desired;
use crate::property::world::World;
use crate::property::{GROUP, paused_runtime, try_values};
use crate::support::wire::Distortion;

/// More than any timeout of an operation, in paused time.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The headers that the provider reads.
const HEADERS: [&str; 8] = [
    "azure-asyncoperation",
    "content-type",
    "docker-content-digest",
    "link",
    "location",
    "range",
    "retry-after",
    "www-authenticate",
];

#[derive(Clone, Copy, Debug)]
enum Operation {
    Create,
    Refresh,
    Update,
    Destroy,
    DataSource(&'static str),
}

const OPERATIONS: [Operation; 7] = [
    Operation::Create,
    Operation::Refresh,
    Operation::Update,
    Operation::Destroy,
    Operation::DataSource("acr_continuous_patching_workflow"),
    Operation::DataSource("acr_continuous_patching_images"),
    Operation::DataSource("acr_continuous_patching_status"),
];

#[test]
fn arbitrary_answers_of_azure_end_each_operation_without_a_panic() {
    try_values(100, &cases(), |(operation, distortions)| {
        paused_runtime().block_on(async {
            let mut world = World::new(GROUP).await;
            let desired = Desired::default();
            let config = desired.config(&world.registry().id());
            if !matches!(operation, Operation::Create) {
                world.terraform.succeed(&config).await;
            }
            world.terraform.restart().await;
            world.wire.distort(&distortions);
            let answer = tokio::time::timeout(DAY, carry_out(&mut world, operation, &config));
            let answer = answer.await.expect("an operation hangs");
            assert!(!answer.contains("panicked"), "{answer}");
        });
    });
}

async fn carry_out(world: &mut World, operation: Operation, config: &Value) -> String {
    let registry_id = world.registry().id();
    let terraform = &mut world.terraform;
    match operation {
        Operation::Refresh => format!("{:?}", terraform.refresh().await),
        Operation::Destroy => format!("{:?}", terraform.destroy().await),
        Operation::Create | Operation::Update => {
            let mut config = config.as_map().unwrap().clone();
            if matches!(operation, Operation::Update) {
                config.insert("schedule".to_owned(), "14d".into());
            }
            let config = Value::Object(config);
            match terraform.plan(&config).await {
                Ok(plan) => format!("{:?}", terraform.apply(&plan, &config).await),
                Err(diagnostics) => format!("{diagnostics:?}"),
            }
        }
        Operation::DataSource(name) => {
            let provider = AcrProvider::new(Environment::default());
            let source = Source::of(&provider, name);
            let config = Value::object([("registry_id", Value::from(registry_id))]);
            let answer = source.read(terraform, &config).await;
            answer.lines().join("\n")
        }
    }
}

fn cases() -> impl Strategy<Value = (Operation, Vec<(usize, Distortion)>)> {
    let header = prop_oneof![
        3 => Just(None),
        1 => select(&HEADERS[..]).prop_map(Some),
    ];
    let distortion =
        (header, changes(3)).prop_map(|(header, changes)| Distortion { header, changes });
    (
        select(&OPERATIONS[..]),
        vec((1..45_usize, distortion), 1..4),
    )
}
