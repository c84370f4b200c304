//! The setting of a history: an Azure with one registry and a Terraform Core, and their contents.

use std::collections::BTreeSet;
use std::sync::Arc;

use azure_simulator::{Options, RegistryHandle, RegistrySpec, RoleAssignment, Simulator, Task};
use http::Method;
use serde_json::Value;
use terraform_provider_acr::patching::role::Role;
use terraform_provider_acr::patching::{Permissions, TaskName};

use crate::support::core::start_core;
use crate::support::wire::Wire;
use terraform_plugin_testing::core::Core;

const REGISTRY: &str = "contoso";
pub(super) const POLICY: &str = "csscpolicies/patchpolicy";
/// The prefix of the names of unrelated role assignments.
const FOREIGN: &str = "f0e1f0e1-";
const TASK_API: &str = "api-version=2025-03-01-preview";
const ROLE_API: &str = "api-version=2022-04-01";

/// A simulated Azure with a registry, and a Terraform Core that is authenticated to it.
pub(super) struct World {
    pub(super) azure: Arc<Simulator>,
    pub(super) wire: Arc<Wire>,
    pub(super) terraform: Core,
    /// The registry's permissions mode.
    pub(super) permissions: Permissions,
    /// The resource group.
    group: &'static str,
    /// The number of unrelated role assignments so far.
    unrelated_assignments: u32,
    /// Whether Azure's reads may lag behind what a failed command has written.
    pub(super) is_behind: bool,
}

/// Everything in the registry that does not belong to the workflow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Others {
    assignments: Vec<RoleAssignment>,
    tasks: Vec<Task>,
    repositories: Vec<(String, Vec<String>)>,
}

impl World {
    /// Starts with a registry in this resource group that never had a workflow.
    pub(super) async fn new(group: &'static str) -> Self {
        let options = Options::default().registry(spec(group));
        let azure = Arc::new(Simulator::start(options).unwrap());
        let wire = Wire::to(&azure);
        let terraform = start_core(azure.env().into_iter().collect(), &wire).await;
        Self {
            azure,
            wire,
            terraform,
            permissions: Permissions::Registry,
            group,
            unrelated_assignments: 0,
            is_behind: false,
        }
    }

    pub(super) fn registry(&self) -> RegistryHandle<'_> {
        self.azure.registry(REGISTRY)
    }

    /// Switches the registry to the other permissions mode.
    pub(super) fn switch_permissions(&mut self) {
        let (permissions, spec) = match self.permissions {
            Permissions::Registry => (Permissions::Repository, spec(self.group).abac()),
            Permissions::Repository => (Permissions::Registry, spec(self.group)),
        };
        self.permissions = permissions;
        self.registry().reconfigure(|_| spec);
    }

    /// Lets so much time pass that Azure's reads return the current state.
    pub(super) fn catch_up(&mut self) {
        self.azure.catch_up();
        self.is_behind = false;
    }

    /// The tasks that exist.
    pub(super) fn tasks(&self) -> Vec<TaskName> {
        let there = |task: &TaskName| self.task(*task).is_some();
        TaskName::ALL.into_iter().filter(there).collect()
    }

    /// Whether an interrupted apply left the workflow incomplete. The next apply completes it.
    pub(super) fn is_unfinished(&self) -> bool {
        let trigger = self.task(TaskName::Trigger);
        trigger.is_some_and(|task| task.tags.contains_key("cssc-unfinished"))
    }

    pub(super) fn task(&self, name: TaskName) -> Option<Task> {
        self.registry().task(name.as_str())
    }

    /// The parts of the workflow: its tasks, its policy, and its role assignments as `<task>/<role>`. The
    /// task is `orphan` if its identity no longer exists.
    pub(super) fn workflow(&self) -> BTreeSet<String> {
        let tasks = self.tasks();
        let has_policy = !self.registry().tags(POLICY).is_empty();
        let policy = has_policy.then(|| POLICY.to_owned());
        let grants = self.grants().into_iter().map(|grant| {
            let holds = |task: &&TaskName| {
                let task = self.task(**task);
                task.and_then(|task| task.identity)
                    .is_some_and(|identity| identity.principal_id == grant.principal_id)
            };
            let task = tasks
                .iter()
                .find(holds)
                .map_or("orphan", |task| task.as_str());
            match Role::from_definition_id(&grant.role) {
                Some(role) => format!("{task}/{role}"),
                None => format!("{task}/{}", grant.role),
            }
        });
        let names = tasks.iter().map(ToString::to_string);
        names.chain(policy).chain(grants).collect()
    }

    /// The role assignments at the registry that belong to the workflow.
    pub(super) fn grants(&self) -> Vec<RoleAssignment> {
        self.assignments(|name| !name.starts_with(FOREIGN))
    }

    /// Everything in the registry that does not belong to the workflow.
    pub(super) fn others(&self) -> Others {
        let registry = self.registry();
        let mut tasks = registry.tasks();
        tasks.retain(|task| TaskName::from_name(&task.name).is_none());
        for task in &mut tasks {
            // The simulator decrements this counter with each read.
            task.progress.looks_left = 0;
        }
        let mut repositories = registry.repositories();
        repositories.retain(|name| name != POLICY);
        let tagged = |name: String| {
            let tags = registry.tags(&name);
            (name, tags)
        };
        Others {
            assignments: self.assignments(|name| name.starts_with(FOREIGN)),
            tasks,
            repositories: repositories.into_iter().map(tagged).collect(),
        }
    }

    /// Adds a role assignment outside the provider.
    pub(super) fn grant(&mut self, role: &str, principal: &str) {
        self.unrelated_assignments += 1;
        let name = format!("{FOREIGN}0000-4000-8000-{:012}", self.unrelated_assignments);
        let scope = self.registry().id();
        self.azure
            .seed_role_assignment(Some(&name), &scope, role, principal);
    }

    /// Deletes a role assignment outside the provider.
    pub(super) fn revoke(&self, assignment: &RoleAssignment) {
        let address = format!("{}?{ROLE_API}", assignment.id());
        self.azure.behind_the_scenes(Method::DELETE, &address, None);
    }

    /// Puts or patches a task outside the provider.
    pub(super) fn write_task(&self, method: Method, name: &str, body: &Value) {
        let address = format!("{}/tasks/{name}?{TASK_API}", self.registry().id());
        let (status, answer) = self.azure.behind_the_scenes(method, &address, Some(body));
        assert!((200..300).contains(&status), "{answer}");
    }

    fn assignments(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<RoleAssignment> {
        let id = self.registry().id();
        let mut assignments = self.azure.role_assignments();
        assignments.retain(|assignment| {
            assignment.scope.eq_ignore_ascii_case(&id) && is_wanted(&assignment.name)
        });
        assignments
    }
}

fn spec(group: &str) -> RegistrySpec {
    RegistrySpec::new(REGISTRY).resource_group(group)
}
