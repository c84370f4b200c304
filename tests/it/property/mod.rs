//! Whatever people have done to a workflow - by Core, in the portal, by the Azure CLI, in any
//! order, with anything going wrong meanwhile - the next apply makes it what is wanted, with an
//! empty plan after it, and a destroy leaves nothing of it and everything of others.
//!
//! The histories are generated. One that fails is shrunk and printed; it belongs here as a test of
//! its own. `PROPTEST_CASES` sets how many are tried by each half, `PROPTEST_RNG_SEED` which.
//!
//! - `step`: what may happen
//! - `world`: where it happens
//! - `commands`, `external_actors`: who does it
//! - `outcome`: what comes of it

mod commands;
mod external_actors;
mod outcome;
mod step;
mod world;

use azure_simulator::IdCase;
use proptest::test_runner::{Config, TestRunner};
use terraform_provider_acr::patching::TaskName;

use step::{Command, Edit, Spelling, Step, Trouble, Wish, histories};
use world::World;

/// In lower case: where Azure respells a group, nobody can tell how it was spelled before, but for
/// the usual spellings.
const GROUP: &str = "demo";

/// Two tests, so that two cores have something to do: each tries proptest's usual 256 histories.
#[test]
fn any_history_ends_well() {
    try_histories();
}

#[test]
fn any_other_history_ends_well() {
    try_histories();
}

fn try_histories() {
    let config = Config {
        // A history that fails is kept as a test here instead.
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let outcome = TestRunner::new(config).run(&histories(), |(steps, wish)| {
        runtime.block_on(live_through(GROUP, &steps, &wish));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

// Histories that once ended badly.

#[tokio::test(start_paused = true)]
async fn orphans_are_recognised_after_azure_has_changed_how_it_spells_ids() {
    let steps = [
        Step::Portal(Edit::SpellIds(IdCase::Lower)),
        Step::Terraform(Command::Apply(Wish::default()), Trouble::Nothing),
        Step::Portal(Edit::SpellIds(IdCase::AsStored)),
        Step::Portal(Edit::RemoveIdentity(TaskName::Trigger)),
        Step::LoseState,
    ];
    live_through(GROUP, &steps, &Wish::default()).await;
}

/// The names of the orphans are made of a spelling that neither Azure nor the configuration has any
/// more, so only the state can tell that they are ours.
#[tokio::test(start_paused = true)]
async fn orphans_that_only_the_state_knows_are_removed() {
    let apply = Wish {
        registry: Spelling::Lower,
        ..Wish::default()
    };
    let steps = [
        Step::Terraform(Command::Apply(apply), Trouble::Nothing),
        Step::Portal(Edit::RemoveIdentity(TaskName::Trigger)),
        Step::Portal(Edit::SpellIds(IdCase::LowerGroup)),
    ];
    live_through("Demo", &steps, &Wish::default()).await;
}

/// Plays a history to its end.
async fn live_through(group: &'static str, steps: &[Step], wish: &Wish) {
    let mut world = World::new(group).await;
    for step in steps {
        match step {
            Step::Terraform(command, trouble) => world.run(command, *trouble).await,
            Step::LoseState => world.terraform.stored = None,
            Step::Portal(edit) => world.edit(*edit),
            // A CLI that refuses is as good as any other.
            Step::Cli(call) => _ = world.call(*call),
            Step::Others(business) => world.mind(*business),
        }
    }
    world.end(wish).await;
}
