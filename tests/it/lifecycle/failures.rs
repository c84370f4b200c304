//! Whatever goes wrong at whichever request: the user is told what was tried and what to do next,
//! nothing is lost, and the next apply goes on from there.
//!
//! Each operation is first run undisturbed, to learn its requests. Then it is run once for each
//! request and each thing that can go wrong there.

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

/// How many cases of one test go on at a time.
const AT_ONCE: usize = 4;

/// What a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Update,
    Refresh,
    Delete,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// From this request on, Azure answers nothing but 500.
    Outage,
    /// This request gets this status, however often it is sent.
    Refusal(u16),
    /// The connection is cut before the request is carried out, once.
    Cut,
    /// The connection is cut once the request has been carried out.
    CutAfter,
    /// The same, however often it is sent.
    CutAfterAlways,
    /// This goes wrong on the way, however often it is sent.
    Always(TransportFault),
    /// The user interrupts Terraform while the request is on its way.
    Interrupt,
}

impl Trouble {
    /// Whether the user hears nothing of it.
    fn passes_unnoticed(self) -> bool {
        matches!(self, Self::Cut | Self::CutAfter)
    }
}

/// How Azure works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// What it accepts is done.
    Prompt,
    /// What it accepts is done a few looks later.
    Slow,
}

/// A request of an operation, as a fault recognises it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    method: String,
    /// A regular expression on host and path.
    address: String,
    /// The how-manieth such request of the operation it is.
    nth: u64,
}

/// Runs an act once for each of its requests, with trouble there.
async fn survive(act: Act, trouble: Trouble, pace: Pace) {
    let steps = steps_of(act, pace).await;
    assert!(steps.len() > 5, "{steps:?}");
    stream::iter(steps.into_iter().zip(1..))
        .map(async |(step, n)| {
            let case = format!("{pace:?} {act:?}, {trouble:?} at request {n}, {step:?}");
            Case::begin(act, pace, case)
                .await
                .run(trouble, step, n)
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

/// The request's host and path; what is another each time may be anything.
fn pattern(entry: &Entry) -> String {
    let address = format!("{}{}", entry.host, entry.path).replace('.', r"\.");
    let address = match address.split_once("/uploads/") {
        Some((start, upload)) if !upload.is_empty() => format!("{start}/uploads/.+"),
        _ => address,
    };
    format!("^{address}$")
}

/// One run of an act.
pub(super) struct Case {
    name: String,
    act: Act,
    pace: Pace,
    pub(super) stage: Stage,
    /// What the user wants when it begins, and still wants when it is over.
    pub(super) wanted: Value,
}

impl Case {
    /// Everything is as it is before the act.
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

    /// Does what is to be done.
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

    async fn run(mut self, trouble: Trouble, step: Step, n: usize) {
        let before = self.stage.terraform.stored.clone();
        let others = foreign(&self.stage);
        self.stage.azure.mark();
        let said = self.carry_out_with(trouble, &step, n).await;
        self.stage.azure.clear_faults();
        self.stage.wire.clear_fault();
        self.told_what_to_do(&said);
        if trouble.passes_unnoticed() {
            assert_eq!(said, [], "{}", self.name);
        }
        let untouched = self.stage.writes().is_empty();
        if untouched {
            // Everything is as it was, and the way from there is no other than without trouble.
            assert_eq!(self.stage.terraform.stored, before, "{}", self.name);
            assert!(
                has_error(&said) || self.act == Act::Refresh,
                "{}",
                self.name
            );
        }
        self.nothing_is_lost().await;
        if !untouched {
            self.goes_on().await;
            assert_eq!(self.stage.terraform.destroy().await, [], "{}", self.name);
            assert_eq!(self.stage.terraform.stored, None, "{}", self.name);
            assert_eq!(self.stage.pieces(), [""; 0], "{}", self.name);
        }
        assert_eq!(foreign(&self.stage), others, "{}", self.name);
    }

    async fn carry_out_with(
        &mut self,
        trouble: Trouble,
        step: &Step,
        n: usize,
    ) -> Vec<pb::Diagnostic> {
        let here = Fault::on(&step.method, &step.address).nth(step.nth);
        let fault = match trouble {
            Trouble::Interrupt => return self.interrupted_at(n).await,
            Trouble::Always(fault) => {
                self.stage.wire.inject_fault(fault, At::Always(n));
                return self.carry_out().await;
            }
            Trouble::Outage => Fault::at(n as u64).status(500).times(u64::MAX),
            Trouble::Refusal(status) => here.status(status).times(u64::MAX),
            Trouble::Cut => here.cut(),
            Trouble::CutAfter => here.cut_after(),
            Trouble::CutAfterAlways => here.cut_after().times(u64::MAX),
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
    fn told_what_to_do(&self, said: &[pb::Diagnostic]) {
        for error in errors(said) {
            if error.detail.contains("this run has already reported") {
                continue;
            }
            let (happened, next) = error
                .detail
                .rsplit_once("\n\n")
                .unwrap_or_else(|| panic!("{}: no next step in {error:?}", self.name));
            let names_something = ["/subscriptions/", "azurecr.io", "igning in "]
                .iter()
                .any(|word| happened.contains(word));
            assert!(names_something, "{}: {error:?}", self.name);
            assert!(next.ends_with('.'), "{}: {error:?}", self.name);
        }
    }

    /// Whatever there is in Azure, the state knows of it, or finds out at the next refresh.
    async fn nothing_is_lost(&mut self) {
        let pieces = self.stage.pieces();
        let name = &self.name;
        if !pieces.is_empty() {
            assert!(
                self.stage.terraform.stored.is_some(),
                "{name}: lost {pieces:?}"
            );
        }
        // By the same process: nothing of the trouble may stick to it.
        assert_eq!(self.stage.terraform.refresh().await, [], "{name}");
        if self.pace == Pace::Slow {
            // What is being deleted is there for us to count, but not for Terraform.
            return;
        }
        let state = self.stage.terraform.state();
        let keys = |attribute| {
            let map = state.get(attribute).as_map();
            map.map_or(0, std::collections::BTreeMap::len)
        };
        let is_task = |piece: &&String| !piece.contains('/');
        let is_policy = |piece: &&String| piece.starts_with("csscpolicies/");
        let is_orphan = |piece: &&String| piece.starts_with("nobody/");
        let count = |is: &dyn Fn(&&String) -> bool| pieces.iter().filter(is).count();
        let known = keys("tasks")
            + keys("role_assignments")
            + usize::from(!state.get("policy_digest").is_null());
        assert_eq!(
            known,
            pieces.len() - count(&is_orphan),
            "{name}: {pieces:?}, {state:?}"
        );
        assert_eq!(keys("tasks"), count(&is_task), "{name}");
        assert_eq!(
            state.get("policy_digest").is_null(),
            count(&is_policy) == 0,
            "{name}"
        );
    }

    /// The next apply reaches what was wanted, after which there is nothing to do.
    async fn goes_on(&mut self) {
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

/// A test for each act, all with the same trouble.
macro_rules! survives {
    ($($name:ident: $trouble:expr, $pace:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn while_creating() {
                survive(Act::Create, $trouble, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn while_updating() {
                survive(Act::Update, $trouble, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn while_refreshing() {
                survive(Act::Refresh, $trouble, $pace).await;
            }

            #[tokio::test(start_paused = true)]
            async fn while_destroying() {
                survive(Act::Delete, $trouble, $pace).await;
            }
        }
    )*};
}

survives! {
    an_outage_loses_nothing: Trouble::Outage, Pace::Prompt;
    a_request_that_always_fails_loses_nothing: Trouble::Refusal(500), Pace::Prompt;
    a_missing_permission_loses_nothing: Trouble::Refusal(403), Pace::Prompt;
    a_sign_in_that_is_no_longer_taken_loses_nothing: Trouble::Refusal(401), Pace::Prompt;
    a_throttle_that_never_ends_loses_nothing: Trouble::Always(TransportFault::Status(429, Some("120"))), Pace::Prompt;
    a_certificate_that_is_not_trusted_loses_nothing: Trouble::Always(TransportFault::Untrusted), Pace::Prompt;
    an_answer_that_is_too_long_loses_nothing: Trouble::Always(TransportFault::TooLong), Pace::Prompt;
    a_conflict_loses_nothing: Trouble::Refusal(409), Pace::Prompt;
    a_lost_request_loses_nothing: Trouble::Cut, Pace::Prompt;
    a_lost_answer_loses_nothing: Trouble::CutAfter, Pace::Prompt;
    an_answer_that_is_always_lost_loses_nothing: Trouble::CutAfterAlways, Pace::Prompt;
    a_network_that_is_away_loses_nothing: Trouble::Always(TransportFault::NoConnection), Pace::Prompt;
    a_request_that_hangs_loses_nothing: Trouble::Always(TransportFault::Hang), Pace::Prompt;
    an_answer_that_never_comes_loses_nothing: Trouble::Always(TransportFault::HangAfter), Pace::Prompt;
    an_answer_of_somebody_else_loses_nothing: Trouble::Always(TransportFault::Garbled), Pace::Prompt;
    half_an_answer_loses_nothing: Trouble::Always(TransportFault::Halved), Pace::Prompt;
    a_way_that_leads_astray_loses_nothing: Trouble::Always(TransportFault::Redirected), Pace::Prompt;
    an_interrupt_loses_nothing: Trouble::Interrupt, Pace::Prompt;
    an_interrupt_of_a_slow_azure_loses_nothing: Trouble::Interrupt, Pace::Slow;
}
