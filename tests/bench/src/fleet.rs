//! Many workflows in one process, also while Azure throttles.

use std::path::Path;
use std::time::Instant;

use azure_simulator::{Entry, Options, RegistrySpec, Simulator};
use futures::stream::{self, StreamExt as _};
use terraform_plugin_testing::core::{Core, Stored, has_error};

use crate::figure::Figure;
use crate::provider_process::{config, configured, push_images};
use crate::samples::Samples;

const PART: &str = "fleet";

/// How many workflows change while Azure throttles. They exceed the burst of writes.
const THROTTLED: usize = 100;

/// How many operations Terraform runs at once by default.
const PARALLELISM: usize = 10;

/// The target for the peak of memory at the largest size, in MiB.
const MEMORY_TARGET: f64 = 64.0;

/// The documented limits of Resource Manager: the bucket size, and the refill rate per second.
const LIMITS: [(&str, f64, f64); 3] = [
    ("arm/reads", 250.0, 25.0),
    ("arm/writes", 200.0, 10.0),
    ("arm/deletes", 200.0, 10.0),
];

/// An operation on every workflow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Create,
    Refresh,
    Destroy,
}

/// What one phase needed.
struct Cost {
    /// Seconds on the clock.
    wall: f64,
    /// Seconds of the provider's CPU time.
    cpu: f64,
    /// The peak of the provider's memory in MiB.
    peak: f64,
}

/// A registry's workflow: its ID, and its resource in the state.
type Workflow = (String, Option<Stored>);

impl Phase {
    const ALL: [Self; 3] = [Self::Create, Self::Refresh, Self::Destroy];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Refresh => "Refresh",
            Self::Destroy => "Destroy",
        }
    }
}

pub(crate) async fn figures(provider: &Path, sizes: &[usize]) -> Vec<Figure> {
    let mut figures = Vec::new();
    // The CPU time of a workflow in the smallest fleet that is large enough for the resolution of CPU time.
    let mut linear = [None; Phase::ALL.len()];
    for &size in sizes {
        let (azure, mut workflows) = azure(size, false);
        for (phase, linear) in Phase::ALL.into_iter().zip(&mut linear) {
            let cost = run(provider, &azure, phase, &mut workflows).await;
            let row = |what: &str, unit, value| {
                let name = format!("{} of {size} workflows: {what}", phase.name());
                Figure::new(PART, name, unit, Samples::one(value))
            };
            #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
            let count = size as f64;
            let cpu = row("CPU time", "s", cost.cpu);
            let cpu = match *linear {
                Some(each) => cpu.against(each * count, "linear growth from 10"),
                None => cpu,
            };
            if size == 10 {
                *linear = Some(cost.cpu / count);
            }
            let memory = row("peak of memory", "MiB", cost.peak);
            let memory = match size {
                1000 => memory.against(MEMORY_TARGET, "the target"),
                _ => memory,
            };
            figures.extend([row("time", "s", cost.wall), cpu, memory]);
        }
        assert_eq!(azure.leftovers()["tasks"], 0);
    }
    figures.extend(throttled(provider).await);
    figures
}

/// An Azure with this many registries, and their workflows, which don't exist yet.
fn azure(size: usize, throttling: bool) -> (Simulator, Vec<Workflow>) {
    let name = |n| format!("contoso{n:04}");
    let options = (0..size).fold(Options::default(), |options, n| {
        options.registry(RegistrySpec::new(&name(n)))
    });
    let azure = Simulator::start(options.knobs(|it| it.throttling = throttling)).unwrap();
    let workflow = |n| {
        let registry = azure.registry(&name(n));
        push_images(&registry, 2);
        (registry.id(), None)
    };
    let workflows = (0..size).map(workflow).collect();
    (azure, workflows)
}

/// Runs a phase for every workflow in a new process.
async fn run(provider: &Path, azure: &Simulator, phase: Phase, workflows: &mut [Workflow]) -> Cost {
    let (process, core) = configured(provider, azure).await;
    let start = Instant::now();
    stream::iter(workflows)
        .for_each_concurrent(PARALLELISM, async |(id, stored)| {
            let mut core = core.another_resource();
            core.stored = stored.take();
            step(phase, id, &mut core).await;
            *stored = core.stored.take();
        })
        .await;
    Cost {
        wall: start.elapsed().as_secs_f64(),
        cpu: process.cpu(),
        peak: process.memory().1,
    }
}

async fn step(phase: Phase, id: &str, core: &mut Core) {
    match phase {
        Phase::Create => {
            let config = config(id, "7d", 2);
            let plan = core.plan(&config).await.unwrap();
            let said = core.apply(&plan, &config).await;
            assert!(!has_error(&said), "{said:#?}");
        }
        Phase::Refresh => {
            assert_eq!(core.refresh().await, []);
        }
        Phase::Destroy => {
            assert_eq!(core.destroy().await, []);
        }
    }
}

/// The time of a create and a destroy while Azure throttles, against what its limits allow.
async fn throttled(provider: &Path) -> Vec<Figure> {
    let mut figures = Vec::new();
    let (azure, mut workflows) = azure(THROTTLED, true);
    for phase in [Phase::Create, Phase::Destroy] {
        azure.mark();
        let cost = run(provider, &azure, phase, &mut workflows).await;
        let name = format!("{} of {THROTTLED} throttled workflows", phase.name());
        let figure = Figure::new(PART, name, "s", Samples::one(cost.wall));
        figures.push(figure.against(bound(&azure.requests()), "the limits of Resource Manager"));
        // The buckets are full again after this time.
        azure.advance(std::time::Duration::from_secs(60));
    }
    figures
}

/// The seconds that the limits require for the requests that Azure served.
fn bound(log: &[Entry]) -> f64 {
    let needed = LIMITS.map(|(bucket, burst, per_second)| {
        let served = log
            .iter()
            .filter(|entry| entry.bucket.as_deref() == Some(bucket) && entry.status != 429);
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let served = served.count() as f64;
        (served - burst) / per_second
    });
    needed.into_iter().fold(0.0, f64::max)
}
