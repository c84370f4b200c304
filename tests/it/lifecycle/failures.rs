//! Faults at each request of each operation. The error names the operation and the next step, the state loses
//! nothing, and the next apply completes the workflow.
//!
//! Each test first runs its operation without faults to record the requests. Then it runs the operation
//! once for each request, with a fault there.

use std::collections::BTreeMap;

use azure_simulator::{Entry, Fault, RegistrySpec};
use futures::{StreamExt, stream};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use crate::lifecycle::foreign_resources::{foreign, seed};
use crate::lifecycle::stage::{Stage, repositories, with};
use crate::support::fault_injection::{At, TransportFault};
use crate::support::wire::Ringing;
use terraform_plugin_testing::core::{Core, errors, has_error};

/// How many cases of one test run concurrently.
const AT_ONCE: usize = 4;

/// An operation of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Update,
    Refresh,
    Delete,
}

/// A fault at a request.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// From this request on, Azure returns 500 for every request.
    Outage,
    /// Azure returns this status for the request and each retry.
    Refusal(u16),
    /// The connection is cut once, before Azure carries out the request.
    Cut,
    /// The connection is cut once, after Azure has carried out the request.
    CutAfter,
    /// The connection is cut after Azure has carried out the request, and after each retry.
    CutAfterAlways,
    /// This fault affects the request and each retry on the way.
    Always(TransportFault),
    /// The user interrupts Terraform while the request is in flight.
    Interrupt,
}

impl Failure {
    /// Whether the operation must succeed without a diagnostic.
    fn is_retried(self) -> bool {
        matches!(self, Self::Cut | Self::CutAfter)
    }
}

/// How fast Azure completes what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    Prompt,
    /// After a few reads.
    Slow,
}

/// A request of an operation, in the form that a fault matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    method: String,
    /// A regular expression on host and path.
    address: String,
    /// The number of this request among equal requests, counted from 1.
    nth: u64,
}

/// Runs an operation once for each of its requests, with the fault there.
async fn loses_nothing(act: Act, failure: Failure, pace: Pace) {
    let steps = steps_of(act, pace).await;
    assert!(steps.len() > 5, "{steps:?}");
    stream::iter(steps.into_iter().zip(1..))
        .map(async |(step, n)| {
            let case = format!("{pace:?} {act:?}, {failure:?} at request {n}, {step:?}");
            Case::begin(act, pace, case)
                .await
                .run(failure, step, n)
                .await;
        })
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}

async fn steps_of(act: Act, pace: Pace) -> Vec<Step> {
    let mut case = Case::begin(act, pace, format!("{act:?} undisturbed")).await;
    case.stage.azure.mark();
    let said = case.carry_out().await;
    assert_eq!(said, [], "{}", case.name);
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let step = |entry: Entry| {
        let address = pattern(&entry);
        let nth = seen
            .entry((entry.method.clone(), address.clone()))
            .or_default();
        *nth += 1;
        Step {
            method: entry.method,
            address,
            nth: *nth,
        }
    };
    case.stage.azure.requests().into_iter().map(step).collect()
}

/// A pattern for the request's host and path. It matches any upload ID, because each run has another one.
fn pattern(entry: &Entry) -> String {
    let address = format!("{}{}", entry.host, entry.path).replace('.', r"\.");
    let address = match address.split_once("/uploads/") {
        Some((start, upload)) if !upload.is_empty() => format!("{start}/uploads/.+"),
        _ => address,
    };
    format!("^{address}$")
}

/// One run of an operation.
pub(super) struct Case {
    name: String,
    act: Act,
    pace: Pace,
    pub(super) stage: Stage,
    /// The configuration to apply, with the fault and after it.
    pub(super) wanted: Value,
}

impl Case {
    /// Sets up everything that exists before the operation.
    pub(super) async fn begin(act: Act, pace: Pace, name: String) -> Self {
        let mut stage = Stage::of(RegistrySpec::new("contoso"), |knobs| {
            if pace == Pace::Slow {
                knobs.async_operations = true;
                knobs.provisioning_looks = 2;
                knobs.deletion_looks = 2;
            }
        })
        .await;
        seed(&stage);
        let config = stage.config();
        let changed = with(&config, "schedule", "14d");
        let changed = with(&changed, "repositories", repositories(&[("node", &["22"])]));
        let wanted = if act == Act::Update {
            changed
        } else {
            config.clone()
        };
        if act != Act::Create {
            stage.terraform.succeed(&config).await;
        }
        stage.terraform.restart().await;
        Self {
            name,
            act,
            pace,
            stage,
            wanted,
        }
    }

    /// Runs the operation.
    pub(super) async fn carry_out(&mut self) -> Vec<pb::Diagnostic> {
        let terraform = &mut self.stage.terraform;
        match self.act {
            Act::Create | Act::Update => match terraform.plan(&self.wanted).await {
                Ok(plan) => terraform.apply(&plan, &self.wanted).await,
                Err(diagnostics) => diagnostics,
            },
            Act::Refresh => terraform.refresh().await,
            Act::Delete => terraform.destroy().await,
        }
    }

    async fn run(mut self, failure: Failure, step: Step, n: usize) {
        let before = self.stage.terraform.stored.clone();
        let others = foreign(&self.stage);
        self.stage.azure.mark();
        let said = self.carry_out_with(failure, &step, n).await;
        self.stage.azure.clear_faults();
        self.stage.wire.clear_fault();
        self.errors_name_the_next_step(&said);
        if failure.is_retried() {
            assert_eq!(said, [], "{}", self.name);
        }
        let untouched = self.stage.writes().is_empty();
        if untouched {
            // Azure is unchanged, so the next apply would be the same as one without a fault. But if the first
            // write gets no answer, the workflow may exist.
            if !matches!(failure, Failure::Always(TransportFault::Hang)) {
                assert_eq!(self.stage.terraform.stored, before, "{}", self.name);
            }
            assert!(
                has_error(&said) || self.act == Act::Refresh,
                "{}",
                self.name
            );
        }
        self.state_is_complete().await;
        if !untouched {
            self.next_apply_completes().await;
            assert_eq!(self.stage.terraform.destroy().await, [], "{}", self.name);
            assert_eq!(self.stage.terraform.stored, None, "{}", self.name);
            assert_eq!(self.stage.pieces(), [""; 0], "{}", self.name);
        }
        assert_eq!(foreign(&self.stage), others, "{}", self.name);
    }

    async fn carry_out_with(
        &mut self,
        failure: Failure,
        step: &Step,
        n: usize,
    ) -> Vec<pb::Diagnostic> {
        let here = Fault::on(&step.method, &step.address).nth(step.nth);
        let fault = match failure {
            Failure::Interrupt => return self.interrupted_at(n).await,
            Failure::Always(fault) => {
                self.stage.wire.inject_fault(fault, At::Always(n));
                return self.carry_out().await;
            }
            Failure::Outage => Fault::at(n as u64).status(500).times(u64::MAX),
            Failure::Refusal(status) => here.status(status).times(u64::MAX),
            Failure::Cut => here.cut(),
            Failure::CutAfter => here.cut_after(),
            Failure::CutAfterAlways => here.cut_after().times(u64::MAX),
        };
        self.stage.azure.fault(fault);
        self.carry_out().await
    }

    async fn interrupted_at(&mut self, n: usize) -> Vec<pb::Diagnostic> {
        let Ringing { rung, go } = self.stage.wire.ring_at(n);
        let client = self.stage.terraform.client();
        let interrupt = async {
            if rung.await.is_ok() {
                Core::stop(client).await;
            }
            drop(go);
            std::future::pending().await
        };
        tokio::select! {
            said = self.carry_out() => said,
            () = interrupt => unreachable!("it waits"),
        }
    }

    /// Each error names the operation and its ID, and ends with the next step. One that refers to an earlier
    /// error needs neither.
    fn errors_name_the_next_step(&self, said: &[pb::Diagnostic]) {
        for error in errors(said) {
            if error.detail.contains("An earlier error has the cause") {
                continue;
            }
            // Nothing is known about an injected refusal, so it may have no next step.
            let (happened, next) = match error.detail.rsplit_once("\n\n") {
                Some(parts) => parts,
                None if error.detail.contains("Azure answered") => (error.detail.as_str(), "."),
                None => panic!("{}: no next step in {error:?}", self.name),
            };
            let names_something = [
                "/subscriptions/",
                "azurecr.io",
                "igning in ",
                "etting a token for ",
            ]
            .iter()
            .any(|word| happened.contains(word));
            assert!(names_something, "{}: {error:?}", self.name);
            assert!(next.ends_with('.'), "{}: {error:?}", self.name);
        }
    }

    /// Asserts that the state covers everything in Azure after a refresh.
    async fn state_is_complete(&mut self) {
        let pieces = self.stage.pieces();
        let name = &self.name;
        if !pieces.is_empty() {
            assert!(
                self.stage.terraform.stored.is_some(),
                "{name}: lost {pieces:?}"
            );
        }
        // The same process refreshes, because the fault must leave no trace in it.
        assert_eq!(self.stage.terraform.refresh().await, [], "{name}");
        if self.pace == Pace::Slow {
            // The simulator still counts objects that it is deleting, but Terraform does not see them.
            return;
        }
        let state = self.stage.terraform.state();
        let keys = |attribute| {
            let map = state.get(attribute).as_map();
            map.map_or(0, std::collections::BTreeMap::len)
        };
        let is_task = |piece: &&String| !piece.contains('/');
        let is_policy = |piece: &&String| piece.starts_with("csscpolicies/");
        let count = |is: &dyn Fn(&&String) -> bool| pieces.iter().filter(is).count();
        let known = keys("tasks")
            + keys("role_assignments")
            + usize::from(!state.get("policy_digest").is_null());
        assert_eq!(known, pieces.len(), "{name}: {pieces:?}, {state:?}");
        assert_eq!(keys("tasks"), count(&is_task), "{name}");
        assert_eq!(
            state.get("policy_digest").is_null(),
            count(&is_policy) == 0,
            "{name}"
        );
    }

    /// Asserts that the next apply completes the workflow and that the plan after it is empty.
    async fn next_apply_completes(&mut self) {
        let plan = self.stage.terraform.plan(&self.wanted).await.unwrap();
        let said = self.stage.terraform.apply(&plan, &self.wanted).await;
        assert!(!has_error(&said), "{}: {said:#?}", self.name);
        assert_eq!(self.stage.pieces().len(), 9, "{}", self.name);
        let policy = self.stage.registry().policy().unwrap();
        let wanted = self.wanted.get("repositories").as_map().unwrap();
        assert_eq!(
            policy["repositories"][0]["repository"].as_str(),
            wanted.keys().next().map(String::as_str),
            "{}",
            self.name
        );
        let wanted = self.wanted.clone();
        self.stage.nothing_to_do(&wanted).await;
    }
}

/// A test of each operation with the same fault.
macro_rules! lose_nothing {
    ($($name:ident: $failure:expr, $pace:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn during_a_create() {
                loses_nothing(Act::Create, $failure, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn during_an_update() {
                loses_nothing(Act::Update, $failure, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn during_a_refresh() {
                loses_nothing(Act::Refresh, $failure, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn during_a_destroy() {
                loses_nothing(Act::Delete, $failure, $pace).await;
            }
        }
    )*};
}

lose_nothing! {
    an_outage_loses_nothing: Failure::Outage, Pace::Prompt;
    a_permanent_server_error_loses_nothing: Failure::Refusal(500), Pace::Prompt;
    a_missing_permission_loses_nothing: Failure::Refusal(403), Pace::Prompt;
    a_rejected_token_loses_nothing: Failure::Refusal(401), Pace::Prompt;
    permanent_throttling_loses_nothing: Failure::Always(TransportFault::Status(429, Some("120"))), Pace::Prompt;
    an_untrusted_certificate_loses_nothing: Failure::Always(TransportFault::Untrusted), Pace::Prompt;
    a_response_that_is_too_large_loses_nothing: Failure::Always(TransportFault::TooLong), Pace::Prompt;
    a_conflict_loses_nothing: Failure::Refusal(409), Pace::Prompt;
    a_lost_request_loses_nothing: Failure::Cut, Pace::Prompt;
    a_lost_response_loses_nothing: Failure::CutAfter, Pace::Prompt;
    permanently_lost_responses_lose_nothing: Failure::CutAfterAlways, Pace::Prompt;
    an_unreachable_host_loses_nothing: Failure::Always(TransportFault::NoConnection), Pace::Prompt;
    a_request_that_hangs_loses_nothing: Failure::Always(TransportFault::Hang), Pace::Prompt;
    a_response_that_never_arrives_loses_nothing: Failure::Always(TransportFault::HangAfter), Pace::Prompt;
    an_unrelated_response_loses_nothing: Failure::Always(TransportFault::Garbled), Pace::Prompt;
    a_proxys_not_found_page_loses_nothing: Failure::Always(TransportFault::NoPage), Pace::Prompt;
    a_truncated_response_loses_nothing: Failure::Always(TransportFault::Halved), Pace::Prompt;
    a_redirect_to_another_host_loses_nothing: Failure::Always(TransportFault::Redirected), Pace::Prompt;
    an_interrupt_loses_nothing: Failure::Interrupt, Pace::Prompt;
    an_interrupt_during_slow_operations_loses_nothing: Failure::Interrupt, Pace::Slow;
}
