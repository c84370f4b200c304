//! Random histories of a workflow: commands of Terraform Core, edits in the portal and Azure CLI calls, in
//! any order and with faults. After each history, an apply brings the workflow to the configuration, and
//! the next plan is empty. A destroy then deletes the whole workflow and nothing else.
//!
//! Proptest generates the histories. It shrinks and prints a history that fails. Add such a history here as
//! a test. `PROPTEST_CASES` sets the number of histories for each of the two tests, `PROPTEST_RNG_SEED` the
//! seed.
//!
//! - `step`: the steps of a history
//! - `world`: the simulated Azure and Terraform
//! - `commands`: Terraform commands
//! - `external_actors`: changes outside Terraform
//! - `outcome`: the checks at the end of a history

mod commands;
mod external_actors;
mod outcome;
mod step;
mod world;

use azure_simulator::IdCase;
use proptest::test_runner::{Config, TestRunner};
use terraform_provider_acr::patching::TaskName;

use step::{Command, Desired, Edit, Spelling, Step, Trouble, histories};
use world::World;

/// The resource group, in lower case. If Azure changes the letter case of a group, the provider can
/// recognise only the usual spellings of the original.
const GROUP: &str = "demo";

/// Two tests, so that they run on two cores. Each tries proptest's default of 256 histories.
#[test]
fn random_histories_end_as_configured() {
    try_histories();
}

#[test]
fn more_random_histories_end_as_configured() {
    try_histories();
}

fn try_histories() {
    let config = Config {
        // A failed history becomes a test in this file instead.
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let outcome = TestRunner::new(config).run(&histories(), |(steps, desired)| {
        runtime.block_on(run_history(GROUP, &steps, &desired));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

// Histories that failed before.

#[tokio::test(start_paused = true)]
async fn orphans_are_recognised_after_azure_respells_resource_ids() {
    let steps = [
        Step::Portal(Edit::SpellIds(IdCase::Lower)),
        Step::Terraform(Command::Apply(Desired::default()), Trouble::Nothing),
        Step::Portal(Edit::SpellIds(IdCase::AsStored)),
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
        Step::Portal(Edit::SpellIds(IdCase::LowerGroup)),
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
            Step::Portal(edit) => world.edit(*edit),
            // An error of the CLI is a valid step.
            Step::Cli(call) => _ = world.call(*call),
            Step::Unrelated(change) => world.change_unrelated(*change),
        }
    }
    world.end(desired).await;
}
