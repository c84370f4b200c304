//! The handle on one registry of a running simulator, for tests to seed, change and inspect it.

use bytes::Bytes;
use serde_json::Value;

use crate::cli::{CliCreate, CliError, CliStep, Generation};
use crate::registry::{Registry, RegistrySpec};
use crate::repository::Fate;
use crate::run::{Run, RunFailure};
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

    /// Returns the registry's resource ID.
    #[must_use]
    pub fn id(&self) -> String {
        self.read(Registry::id)
    }

    /// Returns the registry's login server.
    #[must_use]
    pub fn login_server(&self) -> String {
        self.read(Registry::login_server)
    }

    /// Pushes a Linux image and sets the result of its scan and patch.
    pub fn push_image(&self, repository: &str, tag: &str, fate: Fate) -> &Self {
        self.push_image_for("linux", repository, tag, fate)
    }

    /// Pushes an image for an operating system.
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

    /// Pushes an artifact with an empty config of this media type, such as a Helm chart.
    pub fn push_artifact(&self, repository: &str, tag: &str, config_type: &str) -> &Self {
        let mut world = self.simulator.world();
        world.seed(&self.name, repository, |stored, nonce, now| {
            stored.push_single(Some(tag), config_type, Bytes::from("{}"), nonce, now);
        });
        drop(world);
        self
    }

    /// Pushes one image under `count` tags, starting at `v00001`.
    pub fn push_tags(&self, repository: &str, count: usize) -> &Self {
        let mut world = self.simulator.world();
        world.seed(&self.name, repository, |stored, nonce, now| {
            stored.push_tags(count, nonce, now);
        });
        drop(world);
        self
    }

    /// Adds a cache rule: `source` such as `docker.io/library/*`, `target` such as `cache/*`.
    ///
    /// Only [`RegistryHandle::push_image`] and the other methods of this handle can fill its repositories.
    pub fn add_cache_rule(&self, source: &str, target: &str) -> &Self {
        let mut world = self.simulator.world();
        let created = world.now();
        if let Some(found) = world.registry_mut(&self.name) {
            found.add_cache_rule(source, target, created);
        }
        drop(world);
        self
    }

    /// Returns the tags of a repository in alphabetical order; empty if the repository does not exist.
    #[must_use]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.read(|registry| {
            let found = registry.repositories.get(repository);
            found
                .map(|found| found.tags.keys().cloned().collect())
                .unwrap_or_default()
        })
    }

    /// Returns the names of the repositories.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        self.read(|registry| registry.repositories.keys().cloned().collect())
    }

    /// Returns the stored policy document; `None` if it does not exist or is not JSON.
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

    /// Stores a policy document as the Azure CLI does.
    pub fn push_policy(&self, document: &str) -> &Self {
        self.simulator.world().push_policy(&self.name, document);
        self
    }

    /// Deletes the policy's repository.
    pub fn remove_policy(&self) -> &Self {
        self.simulator.world().remove_policy(&self.name);
        self
    }

    /// Returns the tasks in alphabetical order.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        self.read(|registry| registry.tasks.values().cloned().collect())
    }

    /// Returns a task by name.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<Task> {
        self.read(|registry| registry.tasks.get(&name.to_lowercase()).cloned())
    }

    /// Changes a task directly, without a request.
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

    /// Hides the principal ID of an existing task for this number of its reads; `u32::MAX` means for good.
    pub fn hide_identity(&self, task: &str, looks: u32) -> &Self {
        let found = self.task(task);
        if let Some(principal) = found.as_ref().and_then(Task::principal_id) {
            let mut world = self.simulator.world();
            world.echoes.identities.keep(principal, None, looks);
        }
        self
    }

    /// Deletes a task with its identity, as in the portal, and returns whether it existed.
    ///
    /// Its role assignments remain.
    pub fn delete_task(&self, name: &str) -> bool {
        self.simulator.world().remove_task(&self.name, name)
    }

    /// Runs `az acr supply-chain workflow create` of a generation of the CLI.
    ///
    /// # Errors
    /// The workflow already exists, or ARM refused a step. The resources created before the failed step remain.
    pub fn cli_create(&self, create: impl Into<CliCreate>) -> Result<(), CliError> {
        let mut world = self.simulator.world();
        world.cli_create(&self.name, &create.into(), None)
    }

    /// Runs `workflow create` and interrupts it before a step.
    ///
    /// # Panics
    /// The create fails before that step.
    pub fn cli_create_failing_at(&self, step: CliStep, create: impl Into<CliCreate>) -> &Self {
        let mut world = self.simulator.world();
        let failed = world.cli_create(&self.name, &create.into(), Some(step));
        drop(world);
        let code = failed.map_err(|error| error.code);
        assert_eq!(code, Err("Interrupted".to_owned()));
        self
    }

    /// Runs `az acr supply-chain workflow update`.
    ///
    /// It replaces task definitions that differ from the generation's definitions. If given, it stores
    /// `policy`, and sets `schedule` at the current hour and minute.
    ///
    /// # Errors
    /// A task is missing, or ARM refused a step.
    pub fn cli_update(
        &self,
        generation: Generation,
        schedule: Option<&str>,
        policy: Option<&str>,
    ) -> Result<(), CliError> {
        let mut world = self.simulator.world();
        world.cli_update(&self.name, generation, schedule, policy)
    }

    /// Runs `az acr supply-chain workflow delete`. It deletes only the role assignments of existing tasks.
    ///
    /// # Errors
    /// ARM refused a step. The resources deleted before it stay deleted.
    pub fn cli_delete(&self) -> Result<(), CliError> {
        self.simulator.world().cli_delete(&self.name)
    }

    /// Changes the registry itself, such as its SKU, network access or RBAC mode.
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

    /// Revokes all refresh and access tokens of the registry.
    pub fn revoke_tokens(&self) -> &Self {
        let server = self.login_server();
        let mut world = self.simulator.world();
        world.tokens.revoke(|grant| grant.is_for(&server));
        drop(world);
        self
    }

    /// Returns the runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.read(|registry| registry.runs.clone())
    }

    /// Changes a run directly, such as its creation time or its status.
    pub fn edit_run(&self, id: &str, edit: impl FnOnce(&mut Run)) -> &Self {
        let mut world = self.simulator.world();
        if let Some(run) = world.run_mut(&self.name, id) {
            edit(run);
        }
        drop(world);
        self
    }

    /// Replaces a run's log with these bytes, or removes the log if `None`.
    pub fn store_log(&self, id: &str, log: Option<Vec<u8>>) -> &Self {
        let mut world = self.simulator.world();
        if let Some(found) = world.registry_mut(&self.name) {
            found.stored_logs.insert(id.to_owned(), log);
        }
        drop(world);
        self
    }

    /// Lets the next `times` runs of a task fail with this log.
    pub fn fail_runs(&self, task: &str, times: u32, log: &str) -> &Self {
        let mut world = self.simulator.world();
        if let Some(found) = world.registry_mut(&self.name) {
            found.run_failures.push(RunFailure {
                task: task.to_owned(),
                times,
                log: log.to_owned(),
            });
        }
        drop(world);
        self
    }

    /// Fires a task's timer and returns the run's ID.
    ///
    /// Returns `None` if the task is missing, is disabled, or has no enabled timer.
    pub fn fire_timer(&self, task: &str) -> Option<String> {
        self.simulator.world().fire_timer(&self.name, task)
    }

    /// Completes all runs, and the runs that they queue.
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
