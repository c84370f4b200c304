//! The whole state as JSON or as a copy, and the counts of resources that a destroyed workflow must not leave
//! behind.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::{Principal, RoleAssignment};
use crate::echo::Echoes;
use crate::options::SUBSCRIPTION;
use crate::registry::Registry;
use crate::resource_group::ResourceGroup;
use crate::state::World;
use crate::storage::LogLinks;
use crate::{acr, arm};

/// A copy of everything that exists in Azure.
#[derive(Clone, Debug)]
pub struct Snapshot {
    principals: Vec<Principal>,
    role_assignments: Vec<RoleAssignment>,
    groups: BTreeMap<(String, String), ResourceGroup>,
    registries: BTreeMap<String, Registry>,
    uploads: acr::Uploads,
    operations: arm::Operations,
    links: LogLinks,
    echoes: Echoes,
}

impl Snapshot {
    pub(crate) fn of(world: &World) -> Self {
        Self {
            principals: world.principals.clone(),
            role_assignments: world.role_assignments.clone(),
            groups: world.groups.clone(),
            registries: world.registries.clone(),
            uploads: world.uploads.clone(),
            operations: world.operations.clone(),
            links: world.links.clone(),
            echoes: world.echoes.clone(),
        }
    }

    pub(crate) fn restore(&self, world: &mut World) {
        let Self {
            principals,
            role_assignments,
            groups,
            registries,
            uploads,
            operations,
            links,
            echoes,
        } = self.clone();
        world.principals = principals;
        world.role_assignments = role_assignments;
        world.groups = groups;
        world.registries = registries;
        world.uploads = uploads;
        world.operations = operations;
        world.links = links;
        world.echoes = echoes;
    }
}

/// Returns the whole state without the request log.
pub(crate) fn state(world: &World) -> Value {
    json!({
        "time": world.now(),
        "resource_groups": world.groups.values().collect::<Vec<_>>(),
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
    // Blobs without a manifest are no repository, and a registry deletes them.
    let has_policy = |registry: &&Registry| {
        let repository = registry.repositories.get("csscpolicies/patchpolicy");
        repository.is_some_and(|repository| !repository.manifests.is_empty())
    };
    let policies = registries().filter(has_policy).count();
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
