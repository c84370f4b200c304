//! Resource groups, and the deletion of what they contain.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::access::covers;
use crate::options::SUBSCRIPTION;
use crate::state::World;

/// A resource group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ResourceGroup {
    pub(crate) subscription: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: BTreeMap<String, String>,
}

impl ResourceGroup {
    fn new(subscription: &str, name: &str) -> Self {
        Self {
            subscription: subscription.to_owned(),
            name: name.to_owned(),
            location: "westeurope".to_owned(),
            tags: BTreeMap::new(),
        }
    }

    /// Returns the groups of a new simulator: the group `demo` of the default subscription.
    pub(crate) fn initial() -> BTreeMap<(String, String), Self> {
        let demo = Self::new(SUBSCRIPTION, "demo");
        [(key(SUBSCRIPTION, "demo"), demo)].into()
    }

    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            self.subscription, self.name
        )
    }
}

/// Returns the key of a group.
pub(crate) fn key(subscription: &str, name: &str) -> (String, String) {
    (subscription.to_lowercase(), name.to_lowercase())
}

impl World {
    /// Returns a resource group. A group exists if a client created it, or if it contains a registry.
    pub(crate) fn group(&self, subscription: &str, name: &str) -> Option<ResourceGroup> {
        let created = self.groups.get(&key(subscription, name)).cloned();
        created.or_else(|| {
            let mut specs = self.registries.values().map(|registry| &registry.spec);
            let here = specs.find(|spec| spec.is_in(subscription, name));
            here.map(|spec| ResourceGroup::new(&spec.subscription, &spec.resource_group))
        })
    }

    /// Deletes a resource group with everything in it.
    pub(crate) fn remove_group(&mut self, group: &ResourceGroup) {
        let registries = self.registries.values().map(|registry| &registry.spec);
        let here = registries.filter(|spec| spec.is_in(&group.subscription, &group.name));
        let names: Vec<String> = here.map(|spec| spec.name.clone()).collect();
        for name in names {
            self.remove_registry(&name);
        }
        self.groups.remove(&key(&group.subscription, &group.name));
        self.remove_assignments_below(&group.id());
    }

    /// Deletes a registry with its tasks, their identities, and the role assignments at the registry.
    pub(crate) fn remove_registry(&mut self, name: &str) {
        let Some(registry) = self.registries.remove(&name.to_lowercase()) else {
            return;
        };
        for task in registry.tasks.values() {
            let principal = task.principal_id().map(str::to_owned);
            self.principals
                .retain(|known| Some(&known.id) != principal.as_ref());
        }
        self.remove_assignments_below(&registry.id());
    }

    fn remove_assignments_below(&mut self, scope: &str) {
        self.role_assignments
            .retain(|assignment| !covers(scope, &assignment.scope));
    }
}
