//! Random histories of a workflow: commands of Terraform Core, edits in the portal and Azure CLI calls, in
//! any order, with faults and late reads. After each history, an apply brings the workflow to the
//! configuration, and the next plan is empty. A destroy then deletes the whole workflow and nothing else.
//!
//! Proptest generates the histories. It shrinks and prints a history that fails. Add such a history here as
//! a test. `PROPTEST_CASES` sets the number of values for each test, `PROPTEST_RNG_SEED` the seed.
//!
//! - `step`: the steps of a history
//! - `world`: the simulated Azure and Terraform
//! - `commands`: Terraform commands
//! - `behavior`: how Azure behaves
//! - `external_actors`: changes outside Terraform
//! - `outcome`: the checks at the end of a history
//! - `calls`, `answers`: arbitrary calls of a host and arbitrary answers of Azure, apart from histories

mod answers;
mod behavior;
mod calls;
mod commands;
mod external_actors;
mod outcome;
mod step;
mod world;

use std::cell::Cell;

use azure_simulator::IdCase;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use terraform_provider_acr::patching::TaskName;
use tokio::runtime::Runtime;

use behavior::{Behavior, Lag};
use step::{Command, Desired, Edit, Spelling, Step, Trouble, histories};
use world::World;

/// The resource group, in lower case. If Azure changes the letter case of a group, the provider can
/// recognise only the usual spellings of the original.
const GROUP: &str = "demo";

/// The number of histories. The nightly script tries more of them, with new seeds.
const HISTORIES: u32 = 200;

/// Two tests with every other history, so that they run on two cores.
#[test]
fn random_histories_end_as_configured() {
    try_histories(0);
}

#[test]
fn more_random_histories_end_as_configured() {
    try_histories(1);
}

/// Tries the histories whose number has this remainder.
fn try_histories(remainder: u32) {
    let number = Cell::new(0);
    // After a failure, proptest tries smaller histories.
    let has_failed = Cell::new(false);
    try_values(HISTORIES, &histories(), |(steps, desired)| {
        let is_ours = number.replace(number.get() + 1) % 2 == remainder;
        if is_ours || has_failed.get() {
            has_failed.set(true);
            // The server tasks of a history end with its runtime. Otherwise, the timers of all earlier histories
            // would slow down the paused time of each later one.
            paused_runtime().block_on(run_history(GROUP, &steps, &desired));
            has_failed.set(false);
        }
    });
}

fn paused_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

/// Tries this number of generated values, unless the environment sets another. Fails with the smallest value that
/// panics.
fn try_values<S: Strategy>(cases: u32, values: &S, attempt: impl Fn(S::Value)) {
    let default = Config::default();
    let is_set = std::env::var_os("PROPTEST_CASES").is_some();
    let config = Config {
        cases: if is_set { default.cases } else { cases },
        // A failed value becomes a test of its own instead.
        failure_persistence: None,
        ..default
    };
    let outcome = TestRunner::new(config).run(values, |value| {
        attempt(value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

// Histories that failed before.

/// Azure still lists a deleted task when the plan reads it, so the plan expects that task's principal ID.
#[tokio::test(start_paused = true)]
async fn a_deleted_task_that_the_plan_still_saw_is_no_inconsistent_result() {
    let patched = |enabled| Desired {
        days: 1,
        repositories: [("python", (&["3.11", "3.12"][..], enabled))].into(),
        ..Desired::default()
    };
    let steps = [
        Step::Azure(Behavior::Late(Lag::DeletedTasks, 2)),
        Step::Terraform(Command::Apply(patched(None)), Trouble::Nothing),
        Step::Terraform(Command::Destroy, Trouble::Interrupt(12)),
        Step::Terraform(Command::Apply(patched(Some(false))), Trouble::Nothing),
    ];
    run_history(GROUP, &steps, &patched(None)).await;
}

#[tokio::test(start_paused = true)]
async fn orphans_are_recognised_after_azure_respells_resource_ids() {
    let steps = [
        Step::Azure(Behavior::SpellIds(IdCase::Lower)),
        Step::Terraform(Command::Apply(Desired::default()), Trouble::Nothing),
        Step::Azure(Behavior::SpellIds(IdCase::AsStored)),
        Step::Portal(Edit::RemoveIdentity(TaskName::Trigger)),
        Step::LoseState,
    ];
    run_history(GROUP, &steps, &Desired::default()).await;
}

/// The names of the orphans derive from a spelling that is in neither Azure nor the configuration. Only the
/// state shows that they belong to the workflow.
#[tokio::test(start_paused = true)]
async fn orphans_known_only_to_the_state_are_removed() {
    let apply = Desired {
        registry: Spelling::Lower,
        ..Desired::default()
    };
    let steps = [
        Step::Terraform(Command::Apply(apply), Trouble::Nothing),
        Step::Portal(Edit::RemoveIdentity(TaskName::Trigger)),
        Step::Azure(Behavior::SpellIds(IdCase::LowerGroup)),
    ];
    run_history("Demo", &steps, &Desired::default()).await;
}

/// Runs a history to its end.
async fn run_history(group: &'static str, steps: &[Step], desired: &Desired) {
    let mut world = World::new(group).await;
    for step in steps {
        match step {
            Step::Terraform(command, trouble) => world.run(command, *trouble).await,
            Step::LoseState => world.terraform.stored = None,
            Step::Portal(edit) => {
                world.edit(*edit);
                world.catch_up();
            }
            Step::Cli(call) => {
                // An error of the CLI is a valid step.
                _ = world.call(*call);
                world.catch_up();
            }
            Step::Azure(behavior) => world.azure.turn(|knobs| behavior.turn(knobs)),
            Step::CatchUp => world.catch_up(),
            Step::Unrelated(change) => world.change_unrelated(*change),
        }
    }
    world.end(desired).await;
}
