//! The provider's own computations, in process and without Azure's latency.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use azure_simulator::{Options, RegistrySpec, Simulator};
use terraform_plugin::framework::Provider;
use terraform_plugin::value::Value;
use terraform_plugin_testing::core::Core;
use terraform_provider_acr::patching::policy::{Policy, Repository, TagConvention};
use terraform_provider_acr::patching::run_log::Markers;
use terraform_provider_acr::patching::selection::select;
use terraform_provider_acr::provider::AcrProvider;

use crate::figure::Figure;
use crate::provider_process::{config, without_preflight};
use crate::samples::{Samples, milliseconds, timed};

const PART: &str = "computation";

const RUNS: usize = 20;

/// The bytes that the provider reads from each end of a log.
const END_OF_LOG: usize = 64 << 10;

pub(crate) async fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    for repositories in [1, 100, 1000] {
        let name = format!("Decode, plan and encode {repositories} repositories");
        figures.push(Figure::new(PART, name, "ms", plans(repositories).await));
    }
    figures.extend([
        Figure::new(
            PART,
            "Digest of a policy with 1,000 repositories",
            "ms",
            digests(),
        ),
        Figure::new(
            PART,
            "Select `*` of 100,000 tags",
            "ms",
            selections(&every_tag()),
        ),
        Figure::new(
            PART,
            "Select 100 names of 100,000 tags",
            "ms",
            selections(&hundred_names()),
        ),
        Figure::new(PART, "Read the logs of 20 runs", "ms", logs()),
    ]);
    figures
}

/// Plans a create over the plugin protocol. The preflight is off, so the plan sends no requests.
async fn plans(repositories: usize) -> Samples {
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let azure = Simulator::start(options).unwrap();
    let environment: Vec<_> = azure.env();
    let start = move || {
        let environment = environment.iter().cloned().collect();
        Arc::new(AcrProvider::new(environment)) as Arc<dyn Provider>
    };
    let nothing = Value::object::<String>([]);
    let core = Core::new("acr_continuous_patching_workflow", nothing, start).await;
    let config = without_preflight(&config(&azure.registry("contoso").id(), "7d", repositories));
    core.plan(&config).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        core.plan(&config).await.unwrap();
        times.push(milliseconds(start.elapsed()));
    }
    Samples::new(times)
}

fn digests() -> Samples {
    let repository = Repository {
        tags: ["3.11", "latest"].map(str::to_owned).into(),
        enabled: true,
    };
    let policy = Policy {
        convention: TagConvention::Incremental,
        repositories: (0..1000)
            .map(|n| (format!("team/app-{n:04}"), repository.clone()))
            .collect(),
    };
    timed(RUNS, || policy.digest())
}

/// 100,000 tags: 25,000 versions, each with three patches.
fn tags() -> BTreeSet<String> {
    let version = |n: usize| format!("{}.{}.{}", n / 2500, n / 50 % 50, n % 50);
    let patches = |n| ["", "-1", "-2", "-10"].map(|end| format!("{}{end}", version(n)));
    (0..25_000).flat_map(patches).collect()
}

fn every_tag() -> BTreeSet<String> {
    BTreeSet::from(["*".to_owned()])
}

fn hundred_names() -> BTreeSet<String> {
    (0..100)
        .map(|n| format!("{}.7.{}", n / 10, n % 10))
        .collect()
}

fn selections(wanted: &BTreeSet<String>) -> Samples {
    let tags = tags();
    assert_eq!(tags.len(), 100_000);
    timed(RUNS, || select(TagConvention::Incremental, wanted, &tags))
}

/// Logs of the longest length that the provider reads. One line of sixteen is an error.
fn logs() -> Samples {
    let step = "2026/11/30 02:30:00 A step of the task prints a line of about this length.\n";
    let error =
        "2026/11/30 02:30:00 Error: a package of https://mirror.example/?sig=x was not found.\n";
    let block = format!("{}{error}", step.repeat(15));
    let log = block.repeat(END_OF_LOG / block.len());
    let log = log.as_bytes();
    timed(RUNS, || {
        (0..20)
            .map(|_| Markers::read(log, Some(log)))
            .collect::<Vec<_>>()
    })
}
