//! Drift: a plan shows each change made outside Terraform under the attribute that it affects. The apply
//! repairs it in place with the fewest writes. A different spelling of an equal value is no drift.
//!
//! # Layout
//! - `timers`, `policies`, `tasks`, `pieces`: tables of changes, the attributes that show them, and the
//!   writes that repair them
//! - `acts`: helpers for the tables
//! - `departures`: cases outside the tables, such as another permissions mode and a deleted workflow
//! - `spellings`: differences that are no drift

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

/// A change to the workflow on one registry.
struct Drift {
    /// The registry's name, which describes the change.
    registry: &'static str,
    change: fn(&Simulator, &RegistryHandle<'_>),
    /// The paths of the attributes that the plan changes, in alphabetical order.
    shows: &'static [&'static str],
    /// The writes that repair it, in alphabetical order.
    repair: &'static [&'static str],
}

#[tokio::test]
async fn timer_drift_is_shown_and_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, timers::DRIFTS).await;
    }
}

#[tokio::test]
async fn policy_drift_is_shown_and_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, policies::DRIFTS).await;
    }
}

#[tokio::test]
async fn task_drift_is_shown_and_repaired_in_place() {
    for host in hosts() {
        assert_shown_and_repaired(host, tasks::DRIFTS).await;
    }
}

#[tokio::test]
async fn missing_tasks_and_role_assignments_are_shown_and_recreated() {
    for host in hosts() {
        assert_shown_and_repaired(host, pieces::DRIFTS).await;
    }
}

/// Creates a workflow for each row, makes all changes, and compares the plans and the repair with the rows.
/// Reports all differences at once.
async fn assert_shown_and_repaired(host: &Host, drifts: &[Drift]) {
    let names: Vec<&str> = drifts.iter().map(|drift| drift.registry).collect();
    let registries = names.iter().map(|name| RegistrySpec::new(name));
    let stage = Stage::with(host, registries, &each(&names)).await;
    stage.apply().await;
    for drift in drifts {
        (drift.change)(&stage.azure, &stage.azure.registry(drift.registry));
    }

    let mut differences = Vec::new();
    let mut expect = |drift: &Drift, what: &str, is: &[String], should_be: &[&str]| {
        if is != should_be {
            let name = drift.registry;
            differences.push(format!("{name}: {what} {is:#?}, expected {should_be:#?}"));
        }
    };
    let (plan, refresh) = (
        stage.planned(&[]).await,
        stage.planned(&["-refresh-only"]).await,
    );
    for drift in drifts {
        let address = address(drift.registry);
        let shown = |change: Option<&Change>| match change {
            Some(change) if change.actions == "update" => without_orphan_names(change),
            other => vec![format!("{other:?}")],
        };
        expect(
            drift,
            "a plan shows",
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
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    stage.assert_no_changes().await;
    stage.destroy().await;
}

/// Returns the changed attributes, with one entry for all orphans. Their names are hashes.
fn without_orphan_names(change: &Change) -> Vec<String> {
    const ORPHAN: &str = "role_assignments/orphan";
    let mut attributes = change.attributes.clone();
    for attribute in &mut attributes {
        if attribute.starts_with(ORPHAN) {
            ORPHAN.clone_into(attribute);
        }
    }
    attributes.dedup();
    attributes
}

/// The address of a registry's workflow in a configuration made by [`each`].
fn address(registry: &str) -> String {
    format!("{ADDRESS}[\"{registry}\"]")
}
