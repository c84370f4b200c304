//! Whatever somebody changes behind Terraform's back shows in a plan, under an attribute that names
//! it, and is repaired in place with the fewest writes. What is merely spelled otherwise never shows.
//!
//! # Layout
//! - `timers`, `policies`, `tasks`, `pieces`: the tables of what happens, what shows of it and what
//!   repairs it
//! - `acts`: what the tables are made of
//! - `departures`: what doesn't fit into them: other permissions, and what is gone altogether
//! - `spellings`: what is no drift

mod acts;
mod departures;
mod pieces;
mod policies;
mod spellings;
mod tasks;
mod timers;

use azure_simulator::{RegistryHandle, RegistrySpec, Simulator};
use host_cli::Host;

use crate::planned::Change;
use crate::stage::{ADDRESS, Stage, each, hosts};

/// Something that happens to one workflow of many, on a registry of its own.
struct Drift {
    /// What has happened, as the registry's name.
    registry: &'static str,
    happens: fn(&Simulator, &RegistryHandle<'_>),
    /// The paths of the attributes under which a plan shows it, in the alphabet's order.
    shows: &'static [&'static str],
    /// The writes that repair it, in the alphabet's order.
    repair: &'static [&'static str],
}

#[tokio::test]
async fn whatever_happens_to_a_timer_shows_and_is_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, timers::DRIFTS).await;
    }
}

#[tokio::test]
async fn whatever_happens_to_a_policy_shows_and_is_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, policies::DRIFTS).await;
    }
}

#[tokio::test]
async fn whatever_happens_to_a_task_shows_and_is_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, tasks::DRIFTS).await;
    }
}

#[tokio::test]
async fn whatever_goes_missing_shows_and_is_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, pieces::DRIFTS).await;
    }
}

/// Makes a workflow for each row, lets everything happen, and holds every plan and the repair to
/// what the rows say. Everything that isn't so is told at once.
async fn assert_shown_and_repaired(host: &Host, drifts: &[Drift]) {
    let names: Vec<&str> = drifts.iter().map(|drift| drift.registry).collect();
    let registries = names.iter().map(|name| RegistrySpec::new(name));
    let stage = Stage::with(host, registries, &each(&names)).await;
    stage.apply().await;
    for drift in drifts {
        (drift.happens)(&stage.azure, &stage.azure.registry(drift.registry));
    }

    let mut surprises = Vec::new();
    let mut expect = |drift: &Drift, what: &str, is: &[String], should_be: &[&str]| {
        if is != should_be {
            let name = drift.registry;
            surprises.push(format!(
                "{name}: {what} {is:#?}, and should be {should_be:#?}"
            ));
        }
    };
    let (plan, refresh) = (
        stage.planned(&[]).await,
        stage.planned(&["-refresh-only"]).await,
    );
    for drift in drifts {
        let address = address(drift.registry);
        let shown = |change: Option<&Change>| match change {
            Some(change) if change.actions == "update" => change.attributes.clone(),
            other => vec![format!("{other:?}")],
        };
        expect(
            drift,
            "the plan shows",
            &shown(plan.changes.get(&address)),
            drift.shows,
        );
        expect(
            drift,
            "a refresh shows",
            &shown(refresh.drift.get(&address)),
            drift.shows,
        );
    }
    assert_eq!(
        (plan.finished.code, refresh.finished.code),
        (Some(2), Some(2))
    );

    stage.apply().await;
    for drift in drifts {
        let writes = stage.writes_to(drift.registry);
        expect(drift, "the repair takes", &writes, drift.repair);
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    stage.assert_no_changes().await;
    stage.destroy().await;
}

/// The address of the workflow on a registry, in a configuration of [`each`].
fn address(registry: &str) -> String {
    format!("{ADDRESS}[\"{registry}\"]")
}
