//! The number of requests of each operation, and of those that depend on each other.
//!
//! A host plans and applies in separate provider processes, so each phase signs in again.

use std::time::Duration;

use azure_simulator::{Fate, RegistrySpec, longest_chain};
use terraform_plugin::value::Value;
use tokio::time::Instant;

use crate::lifecycle::stage::{Stage, config as config_of, repositories, with};

const LATENCY: Duration = Duration::from_millis(100);

/// One phase of an operation.
struct Phase {
    name: String,
    /// The dependent round trips.
    chain: Vec<String>,
    requests: usize,
    /// The time that the phase took, in round trips.
    lasted: f64,
}

/// Runs phases, and measures each.
struct Measurement {
    stage: Stage,
    phases: Vec<Phase>,
    start: Instant,
}

impl Measurement {
    /// Starts with a registry that gets the images of [`Stage::config`].
    async fn start(registry: RegistrySpec) -> Self {
        let stage = Stage::of(registry, |_| ()).await;
        for tag in ["3.11", "3.12", "3.13"] {
            stage.registry().push_image("python", tag, Fate::Clean);
        }
        stage.wire.set_latency(LATENCY);
        Self {
            stage,
            phases: Vec::new(),
            start: Instant::now(),
        }
    }

    /// Starts the provider process of the next phase.
    async fn next(&mut self) {
        self.stage.terraform.restart().await;
        self.stage.azure.mark();
        self.start = Instant::now();
    }

    fn end(&mut self, name: &str) {
        let log = self.stage.azure.requests();
        let chain = longest_chain(&log);
        let shown = chain
            .iter()
            .map(|entry| format!("{} {}{}", entry.method, entry.host, entry.path));
        self.phases.push(Phase {
            name: name.to_owned(),
            chain: shown.collect(),
            requests: log.len(),
            lasted: self.start.elapsed().as_secs_f64() / LATENCY.as_secs_f64(),
        });
    }

    /// Plans and applies a configuration.
    async fn apply(&mut self, name: &str, config: &Value) {
        self.next().await;
        assert_eq!(self.stage.terraform.refresh().await, []);
        let plan = self.stage.terraform.plan(config).await.unwrap();
        self.end(&format!("{name}: plan"));
        self.next().await;
        assert_eq!(self.stage.terraform.apply(&plan, config).await, []);
        self.end(&format!("{name}: apply"));
    }

    async fn destroy(&mut self, name: &str) {
        self.next().await;
        assert_eq!(self.stage.terraform.refresh().await, []);
        self.end(&format!("{name}: plan"));
        self.next().await;
        self.stage.destroy().await;
        self.end(&format!("{name}: apply"));
    }

    /// Refreshes the workflows of two registries, one after the other, in one process.
    async fn refresh_two(&mut self, config: &Value) {
        let second = self.stage.azure.add_registry(RegistrySpec::new("fabrikam"));
        let other = config_of(&second.id());
        self.stage.terraform.succeed(config).await;
        let mut fabrikam = self.stage.terraform.another_resource();
        fabrikam.succeed(&with(&other, "preflight", "off")).await;
        self.next().await;
        assert_eq!(self.stage.terraform.refresh().await, []);
        self.end("refresh of the first workflow");
        let mut again = self.stage.terraform.another_resource();
        again.stored.clone_from(&fabrikam.stored);
        self.stage.azure.mark();
        self.start = Instant::now();
        assert_eq!(again.refresh().await, []);
        self.end("refresh of the next workflow");
    }

    /// One line per phase: the dependent round trips, all requests, and the time in round trips.
    fn table(&self) -> String {
        let row = |phase: &Phase| {
            let chain = phase.chain.len();
            format!(
                "{:32}{chain:>3}{:>4}{:>6.1}\n",
                phase.name, phase.requests, phase.lasted
            )
        };
        for phase in &self.phases {
            eprintln!("{}\n  {}", phase.name, phase.chain.join("\n  "));
        }
        self.phases.iter().map(row).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn each_operation_needs_few_dependent_round_trips() {
    let mut measured = Measurement::start(RegistrySpec::new("contoso")).await;
    let config = measured.stage.config();
    let quiet = with(&config, "preflight", "off");
    let added = repositories(&[("python", &["3.11", "3.12", "3.13"])]);

    measured.apply("create", &config).await;
    let more = with(&config, "repositories", added.clone());
    measured.apply("update", &more).await;
    measured.apply("no change", &more).await;
    measured.destroy("destroy").await;
    measured.apply("create, no preflight", &quiet).await;
    let more = with(&quiet, "repositories", added);
    measured.apply("update, no preflight", &more).await;
    let sooner = with(&more, "schedule", "3d");
    measured.apply("other schedule", &sooner).await;
    measured.destroy("destroy, no preflight").await;
    measured.refresh_two(&config).await;
    insta::assert_snapshot!(measured.table(), @"
    create: plan                      4   9   4.0
    create: apply                    11  33  11.0
    update: plan                      6  12   6.0
    update: apply                    10  20  10.0
    no change: plan                   4   8   4.0
    no change: apply                  0   0   0.0
    destroy: plan                     4   8   4.0
    destroy: apply                    9  23   9.0
    create, no preflight: plan        0   0   0.0
    create, no preflight: apply       9  27   9.0
    update, no preflight: plan        4   8   4.0
    update, no preflight: apply       8  15   8.0
    other schedule: plan              4   8   4.0
    other schedule: apply             6  12   6.0
    destroy, no preflight: plan       4   8   4.0
    destroy, no preflight: apply      9  23   9.0
    refresh of the first workflow     4   8   4.0
    refresh of the next workflow      3   6   3.0
    ");
}

#[tokio::test(start_paused = true)]
async fn a_domain_name_label_costs_one_round_trip_before_the_login_server_is_known() {
    let registry = RegistrySpec::new("contoso").domain_label("abc123");
    let mut measured = Measurement::start(registry).await;
    let config = measured.stage.config();
    let added = repositories(&[("python", &["3.11", "3.12", "3.13"])]);
    measured.apply("create", &config).await;
    let more = with(&config, "repositories", added);
    measured.apply("update", &more).await;
    measured.destroy("destroy").await;
    let quiet = with(&config, "preflight", "off");
    measured.apply("create, no preflight", &quiet).await;
    insta::assert_snapshot!(measured.table(), @"
    create: plan                      5   9   5.0
    create: apply                    12  33  12.0
    update: plan                      6  12   6.0
    update: apply                    10  20  10.0
    destroy: plan                     4   8   4.0
    destroy: apply                    9  23   9.0
    create, no preflight: plan        0   0   0.0
    create, no preflight: apply      10  27  10.0
    ");
}
