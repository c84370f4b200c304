//! The whole state as JSON, and the counts of resources that a destroyed workflow must not leave behind.

use serde_json::{Value, json};

use crate::access::RoleAssignment;
use crate::options::SUBSCRIPTION;
use crate::registry::Registry;
use crate::state::World;

/// Returns the whole state without the request log.
pub(crate) fn state(world: &World) -> Value {
    json!({
        "time": world.now(),
        "registries": world.registries.values().map(registry).collect::<Vec<_>>(),
        "role_assignments": made_by_clients(world).collect::<Vec<_>>(),
        "principals": world.principals,
        "knobs": world.knobs,
        "faults": world.faults,
        "counts": leftovers(world),
    })
}

/// Returns the counts of workflow resources. All are zero after every workflow is destroyed.
pub(crate) fn leftovers(world: &World) -> Value {
    let registries = || world.registries.values();
    let policies = registries()
        .filter(|registry| {
            registry
                .repositories
                .contains_key("csscpolicies/patchpolicy")
        })
        .count();
    json!({
        "tasks": registries().map(|registry| registry.tasks.len()).sum::<usize>(),
        "role_assignments": made_by_clients(world).count(),
        "policy_repositories": policies,
        "active_runs": registries().flat_map(|registry| &registry.runs).filter(|run| run.status.is_active()).count(),
    })
}

/// Returns the assignments below the subscription. The assignments at the subscription belong to the clients.
fn made_by_clients(world: &World) -> impl Iterator<Item = &RoleAssignment> {
    let own = format!("/subscriptions/{SUBSCRIPTION}");
    world
        .role_assignments
        .iter()
        .filter(move |assignment| assignment.scope != own)
}

fn registry(registry: &Registry) -> Value {
    let mut shown = json!(registry);
    shown["id"] = registry.id().into();
    shown["login_server"] = registry.login_server().into();
    shown
}
