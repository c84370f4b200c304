//! The handle on one registry of a running simulator: what a test seeds, breaks and looks at.

use serde_json::Value;

use crate::cli::{CliCreate, CliError, CliStep, Generation};
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

    /// Pushes an image for several platforms, such as `[("linux", "amd64"), ("windows", "amd64")]`.
    pub fn push_index(&self, repository: &str, tag: &str, platforms: &[(&str, &str)]) -> &Self {
        let mut world = self.simulator.world();
        world.seed(&self.name, repository, |stored, nonce, now| {
            stored.push_index(tag, platforms, nonce, now);
        });
        drop(world);
        self
    }

    /// Pushes one image under that many tags, `v00001` and on.
    pub fn push_tags(&self, repository: &str, count: usize) -> &Self {
        let mut world = self.simulator.world();
        world.seed(&self.name, repository, |stored, nonce, now| {
            stored.push_tags(count, nonce, now);
        });
        drop(world);
        self
    }

    /// Feeds repositories from another registry: `source` such as `docker.io/library/*`, `target` such as `cache/*`.
    /// They are filled by [`RegistryHandle::push_image`], and nobody else can push to them.
    pub fn add_cache_rule(&self, source: &str, target: &str) -> &Self {
        let mut world = self.simulator.world();
        let created = world.now();
        if let Some(found) = world.registry_mut(&self.name) {
            found.add_cache_rule(source, target, created);
        }
        drop(world);
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
        world.echo_task(&self.name, name);
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

    /// `az acr supply-chain workflow create`: the workflow as that generation of the CLI leaves it.
    ///
    /// # Errors
    /// As the CLI's: the workflow is there, or ARM refused a step; what was made until then stays.
    pub fn cli_create(&self, create: impl Into<CliCreate>) -> Result<(), CliError> {
        let mut world = self.simulator.world();
        world.cli_create(&self.name, &create.into(), None)
    }

    /// The same, left half-done: that step and those after it never happen.
    ///
    /// # Panics
    /// When it fails before that step: a test that wants it otherwise is wrong.
    pub fn cli_create_failing_at(&self, step: CliStep, create: impl Into<CliCreate>) -> &Self {
        let mut world = self.simulator.world();
        let failed = world.cli_create(&self.name, &create.into(), Some(step));
        drop(world);
        let code = failed.map_err(|error| error.code);
        assert_eq!(code, Err("Interrupted".to_owned()));
        self
    }

    /// `az acr supply-chain workflow update`: stores the policy, moves the timer to the minute of the call, and puts the
    /// generation's own definitions in the place of others.
    ///
    /// # Errors
    /// As the CLI's: a task is missing, or ARM refused a step.
    pub fn cli_update(
        &self,
        generation: Generation,
        schedule: Option<&str>,
        policy: Option<&str>,
    ) -> Result<(), CliError> {
        let mut world = self.simulator.world();
        world.cli_update(&self.name, generation, schedule, policy)
    }

    /// `az acr supply-chain workflow delete`: looks for the role assignments of the tasks that are there, and of no others.
    ///
    /// # Errors
    /// As the CLI's: ARM refused a step; what was deleted until then is gone.
    pub fn cli_delete(&self) -> Result<(), CliError> {
        self.simulator.world().cli_delete(&self.name)
    }

    /// Changes the registry itself: SKU, network, RBAC mode.
    pub fn reconfigure(&self, change: impl FnOnce(RegistrySpec) -> RegistrySpec) -> &Self {
        let mut world = self.simulator.world();
        let (key, looks) = (self.name.to_lowercase(), world.knobs.stale_registry_looks);
        if let Some(found) = world.registry_mut(&self.name) {
            let before = found.spec.clone();
            found.spec = change(before.clone());
            world.echoes.registries.keep(&key, Some(before), looks);
        }
        drop(world);
        self
    }

    /// Takes back all its refresh and access tokens.
    pub fn revoke_tokens(&self) -> &Self {
        let server = self.login_server();
        let mut world = self.simulator.world();
        world.tokens.revoke(|grant| grant.is_for(&server));
        drop(world);
        self
    }

    /// Its runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.read(|registry| registry.runs.clone())
    }

    /// Changes a run behind everybody's back: when it was queued, where it has got to.
    pub fn edit_run(&self, id: &str, edit: impl FnOnce(&mut Run)) -> &Self {
        let mut world = self.simulator.world();
        if let Some(run) = world.run_mut(&self.name, id) {
            edit(run);
        }
        drop(world);
        self
    }

    /// Puts these bytes in the place of a run's log, or takes the log away.
    pub fn store_log(&self, id: &str, log: Option<Vec<u8>>) -> &Self {
        let mut world = self.simulator.world();
        if let Some(found) = world.registry_mut(&self.name) {
            found.stored_logs.insert(id.to_owned(), log);
        }
        drop(world);
        self
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
