//! The handle on one registry of a running simulator: what a test seeds, breaks and looks at.

use serde_json::Value;

use crate::registry::{Registry, RegistrySpec};
use crate::repository::Fate;
use crate::run::Run;
use crate::simulator::Simulator;
use crate::task::Task;

/// One registry of a running simulator.
#[derive(Debug)]
pub struct RegistryHandle<'simulator> {
    simulator: &'simulator Simulator,
    name: String,
}

impl<'simulator> RegistryHandle<'simulator> {
    pub(crate) fn new(simulator: &'simulator Simulator, name: String) -> Self {
        Self { simulator, name }
    }

    /// Its ARM id.
    #[must_use]
    pub fn id(&self) -> String {
        self.read(Registry::id)
    }

    /// Its login server.
    #[must_use]
    pub fn login_server(&self) -> String {
        self.read(Registry::login_server)
    }

    /// Pushes a Linux image, and decides what a scan will find in it.
    pub fn push_image(&self, repository: &str, tag: &str, fate: Fate) -> &Self {
        self.push_image_for("linux", repository, tag, fate)
    }

    /// Pushes an image for that operating system.
    pub fn push_image_for(&self, os: &str, repository: &str, tag: &str, fate: Fate) -> &Self {
        self.simulator
            .world()
            .push_image(&self.name, repository, tag, os, fate);
        self
    }

    /// The names of a repository's tags, in the alphabet's order; empty if there is no such repository.
    #[must_use]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.read(|registry| {
            let found = registry.repositories.get(repository);
            found
                .map(|found| found.tags.keys().cloned().collect())
                .unwrap_or_default()
        })
    }

    /// The names of its repositories.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        self.read(|registry| registry.repositories.keys().cloned().collect())
    }

    /// The stored policy document, if there is one that parses.
    #[must_use]
    pub fn policy(&self) -> Option<Value> {
        let layer = self.read(|registry| {
            registry
                .repositories
                .get("csscpolicies/patchpolicy")
                .and_then(|stored| stored.last_layer("v1").cloned())
        });
        serde_json::from_slice(&layer?).ok()
    }

    /// Stores a policy document the way the Azure CLI does.
    pub fn push_policy(&self, document: &str) -> &Self {
        self.simulator.world().push_policy(&self.name, document);
        self
    }

    /// Deletes the policy's repository.
    pub fn remove_policy(&self) -> &Self {
        self.simulator.world().remove_policy(&self.name);
        self
    }

    /// Its tasks, in the alphabet's order.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        self.read(|registry| registry.tasks.values().cloned().collect())
    }

    /// A task by name.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<Task> {
        self.read(|registry| registry.tasks.get(&name.to_lowercase()).cloned())
    }

    /// Changes a task behind everybody's back.
    pub fn edit_task(&self, name: &str, edit: impl FnOnce(&mut Task)) -> &Self {
        let mut world = self.simulator.world();
        if let Some(task) = world
            .registry_mut(&self.name)
            .and_then(|found| found.tasks.get_mut(&name.to_lowercase()))
        {
            edit(task);
        }
        drop(world);
        self
    }

    /// Deletes a task with its identity, as in the portal; its role assignments stay. Says whether it was there.
    pub fn delete_task(&self, name: &str) -> bool {
        self.simulator.world().remove_task(&self.name, name)
    }

    /// Changes the registry itself: SKU, network, RBAC mode.
    pub fn reconfigure(&self, change: impl FnOnce(RegistrySpec) -> RegistrySpec) -> &Self {
        if let Some(found) = self.simulator.world().registry_mut(&self.name) {
            found.spec = change(found.spec.clone());
        }
        self
    }

    /// Its runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.read(|registry| registry.runs.clone())
    }

    /// Lets a task's timer fire; gives the run's id.
    pub fn fire_timer(&self, task: &str) -> Option<String> {
        self.simulator.world().fire_timer(&self.name, task)
    }

    /// Drives all runs, and the runs that these queue, to their ends.
    pub fn settle_runs(&self) -> &Self {
        self.simulator.world().settle_runs(&self.name);
        self
    }

    fn read<T: Default>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        self.simulator
            .world()
            .registry(&self.name)
            .map(read)
            .unwrap_or_default()
    }
}
