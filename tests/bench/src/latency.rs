//! The time of each operation on one workflow, at several latencies of Azure.

use std::path::Path;
use std::time::Instant;

use azure_simulator::{Options, RegistrySpec, Simulator};
use terraform_plugin::value::Value;
use terraform_plugin_testing::core::{Core, Stored, has_error};

use crate::figure::Figure;
use crate::provider_process::{config, configured, push_images, without_preflight};
use crate::samples::{Samples, milliseconds};

const PART: &str = "latency";

/// The latencies of every request, in ms.
const LATENCIES: [u64; 3] = [0, 50, 100];

const RUNS: usize = 3;

/// An operation. The test `round_trips` holds its dependent round trips in plan and apply. The Azure CLI took this
/// many ms for the same at 100 ms, recorded on the same simulator.
struct Operation {
    name: &'static str,
    round_trips: f64,
    azure_cli: Option<f64>,
}

const OPERATIONS: [Operation; 6] = [
    Operation {
        name: "Create",
        round_trips: 15.0,
        azure_cli: Some(4550.0),
    },
    Operation {
        name: "Create without preflight",
        round_trips: 9.0,
        azure_cli: None,
    },
    Operation {
        name: "Refresh",
        round_trips: 4.0,
        azure_cli: None,
    },
    Operation {
        name: "Update of the policy",
        round_trips: 16.0,
        azure_cli: Some(3800.0),
    },
    Operation {
        name: "Update of the schedule",
        round_trips: 10.0,
        azure_cli: None,
    },
    Operation {
        name: "Destroy",
        round_trips: 13.0,
        azure_cli: Some(5360.0),
    },
];

pub(crate) async fn figures(provider: &Path) -> Vec<Figure> {
    let mut figures = Vec::new();
    for latency in LATENCIES {
        let mut times: [Vec<f64>; OPERATIONS.len()] = Default::default();
        for _ in 0..RUNS {
            let once = lifecycle(provider, latency).await;
            for (times, time) in times.iter_mut().zip(once) {
                times.push(time);
            }
        }
        for (operation, times) in OPERATIONS.iter().zip(times) {
            figures.extend(rows(operation, latency, Samples::new(times)));
        }
    }
    figures
}

/// The rows of one operation: against the bound, and against the Azure CLI.
fn rows(operation: &Operation, latency: u64, samples: Samples) -> Vec<Figure> {
    let Operation {
        name, round_trips, ..
    } = operation;
    let figure = Figure::new(PART, format!("{name} at {latency} ms"), "ms", samples);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let bound = round_trips * latency as f64;
    let mut rows = Vec::new();
    if let (Some(recorded), 100) = (operation.azure_cli, latency) {
        let name = format!("{name} at {latency} ms, against the Azure CLI");
        let against = Figure {
            name,
            ..figure.clone()
        };
        rows.push(against.against(recorded, "the Azure CLI, recorded"));
    }
    let figure = match latency {
        0 => figure,
        _ => figure.against(bound, format!("{round_trips} round trips")),
    };
    rows.insert(0, figure);
    rows
}

/// Runs the operations once, and returns the ms of each. A host plans and applies in two processes, so the
/// sign-in of both counts.
async fn lifecycle(provider: &Path, latency: u64) -> [f64; OPERATIONS.len()] {
    let registries = ["contoso", "fabrikam"].map(RegistrySpec::new);
    let options = registries
        .into_iter()
        .fold(Options::default(), Options::registry);
    let azure = Simulator::start(options.knobs(|it| it.latency_ms = latency)).unwrap();
    let ids = ["contoso", "fabrikam"].map(|name| {
        push_images(&azure.registry(name), 3);
        azure.registry(name).id()
    });
    let [first, wider, later] = [("7d", 2), ("7d", 3), ("14d", 3)]
        .map(|(schedule, repositories)| config(&ids[0], schedule, repositories));
    let unchecked = without_preflight(&config(&ids[1], "7d", 2));
    let stage = || Stage {
        provider,
        azure: &azure,
        stored: None,
    };
    let (mut checked, mut other) = (stage(), stage());
    let create = checked.apply(&first).await;
    let create_unchecked = other.apply(&unchecked).await;
    let refresh = checked.refresh().await;
    let policy = checked.apply(&wider).await;
    let schedule = checked.apply(&later).await;
    let destroy = checked.destroy().await;
    other.destroy().await;
    assert_eq!(azure.leftovers()["tasks"], 0);
    [create, create_unchecked, refresh, policy, schedule, destroy]
}

/// One resource over several processes.
struct Stage<'a> {
    provider: &'a Path,
    azure: &'a Simulator,
    stored: Option<Stored>,
}

impl Stage<'_> {
    /// Plans in one process and applies in another, as `terraform apply` does after a refresh.
    async fn apply(&mut self, config: &Value) -> f64 {
        let (_process, mut core) = configured(self.provider, self.azure).await;
        core.stored = self.stored.take();
        let start = Instant::now();
        refreshed(&mut core).await;
        let plan = core.plan(config).await.unwrap();
        let planning = start.elapsed();
        let stored = core.stored.take();
        let (_process, mut core) = configured(self.provider, self.azure).await;
        core.stored = stored;
        let start = Instant::now();
        let said = core.apply(&plan, config).await;
        let applying = start.elapsed();
        assert!(!has_error(&said), "{said:#?}");
        self.stored = core.stored.take();
        milliseconds(planning + applying)
    }

    async fn refresh(&mut self) -> f64 {
        let (_process, mut core) = configured(self.provider, self.azure).await;
        core.stored = self.stored.take();
        let start = Instant::now();
        refreshed(&mut core).await;
        let time = start.elapsed();
        self.stored = core.stored.take();
        milliseconds(time)
    }

    async fn destroy(&mut self) -> f64 {
        let (_process, mut core) = configured(self.provider, self.azure).await;
        core.stored = self.stored.take();
        let start = Instant::now();
        refreshed(&mut core).await;
        let planning = start.elapsed();
        let stored = core.stored.take();
        let (_process, mut core) = configured(self.provider, self.azure).await;
        core.stored = stored;
        let start = Instant::now();
        assert_eq!(core.destroy().await, []);
        milliseconds(planning + start.elapsed())
    }
}

/// Refreshes the resource, if the state has one.
async fn refreshed(core: &mut Core) {
    if core.stored.is_some() {
        assert_eq!(core.refresh().await, []);
    }
}
