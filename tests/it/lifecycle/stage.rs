//! The set-up of each test: a simulated Azure, a Terraform Core and a configuration.

use std::sync::Arc;

use azure_simulator::{Knobs, Options, RegistryHandle, RegistrySpec, Simulator, roles};
use terraform_plugin::value::Value;

use crate::support::core::start_core_with;
use crate::support::wire::Wire;
use terraform_plugin_testing::core::{Action, Core};

/// A simulated Azure with a registry `contoso`, and a Terraform Core that is authenticated to it.
pub(super) struct Stage {
    pub(super) azure: Arc<Simulator>,
    pub(super) wire: Arc<Wire>,
    pub(super) terraform: Core,
}

impl Stage {
    /// Starts with a default registry.
    pub(super) async fn plain() -> Self {
        Self::of(RegistrySpec::new("contoso"), |_| ()).await
    }

    /// Starts with this registry, which is named `contoso`, and these knobs.
    pub(super) async fn of(registry: RegistrySpec, turn: impl FnOnce(&mut Knobs)) -> Self {
        let options = Options::default().registry(registry).knobs(turn);
        Self::with_provider_block(options, Value::object::<String>([])).await
    }

    /// Starts with these arguments in the provider block. They alone select the cloud, because
    /// `ARM_ENVIRONMENT` is not set.
    pub(super) async fn with_provider_block(options: Options, block: Value) -> Self {
        let azure = Arc::new(Simulator::start(options).unwrap());
        let wire = Wire::to(&azure);
        let mut environment = azure.env();
        environment.retain(|(name, _)| *name != "ARM_ENVIRONMENT");
        let environment = environment.into_iter().collect();
        let terraform = start_core_with(environment, &wire, block).await;
        Self {
            azure,
            wire,
            terraform,
        }
    }

    pub(super) fn registry(&self) -> RegistryHandle<'_> {
        self.azure.registry("contoso")
    }

    /// A small configuration for the registry `contoso`.
    pub(super) fn config(&self) -> Value {
        config(&self.registry().id())
    }

    /// Asserts that a refresh and a plan find no changes and make no write call.
    pub(super) async fn nothing_to_do(&mut self, config: &Value) {
        self.terraform.restart().await;
        self.azure.mark();
        assert_eq!(self.terraform.refresh().await, []);
        let plan = self.terraform.plan(config).await.unwrap();
        assert_eq!(&plan.planned, self.terraform.state());
        assert_eq!(plan.action, Action::Nothing);
        assert_eq!(self.writes(), [""; 0]);
    }

    /// Destroys the workflow and asserts that nothing remains.
    pub(super) async fn destroy(&mut self) {
        assert_eq!(self.terraform.destroy().await, []);
        self.nothing_left();
    }

    /// Asserts that neither Azure nor the state has any part of a workflow.
    pub(super) fn nothing_left(&self) {
        assert_eq!(self.terraform.stored, None);
        assert_eq!(self.pieces(), [""; 0]);
    }

    /// The write calls since the simulator's last mark, in alphabetical order.
    pub(super) fn writes(&self) -> Vec<String> {
        let mut writes: Vec<String> = self
            .azure
            .writes()
            .into_iter()
            .map(|entry| format!("{} {}", entry.method, self.short(&entry.path)))
            .collect();
        writes.sort();
        writes
    }

    /// The requests since the simulator's last mark, in alphabetical order, without authentication requests.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> = self
            .azure
            .requests()
            .iter()
            .filter(|entry| entry.host != "login.microsoftonline.com")
            .filter(|entry| !entry.path.starts_with("/oauth2/") && entry.path != "/v2/")
            .map(|entry| {
                let path = self.short(&entry.path);
                let path = path.split("sha256:").next().unwrap_or_default();
                let path = if path.is_empty() {
                    "the registry"
                } else {
                    path
                };
                format!("{} {path}", entry.method)
            })
            .collect();
        asked.sort();
        asked
    }

    /// The parts of a workflow in Azure, in alphabetical order, without unrelated role assignments.
    pub(super) fn pieces(&self) -> Vec<String> {
        let registry = self.registry();
        let tasks = registry.tasks().into_iter().map(|task| task.name);
        // Blobs without a manifest are no repository yet, and the registry deletes them.
        let policy = ["csscpolicies/patchpolicy"]
            .into_iter()
            .filter(|repository| !registry.tags(repository).is_empty())
            .map(str::to_owned);
        let grants = self.grants();
        let mut pieces: Vec<String> = tasks.chain(policy).chain(grants).collect();
        pieces.sort();
        pieces
    }

    /// The role assignments that the provider created, as `<task>/<role>`. The task is `orphan` if its
    /// identity no longer exists.
    fn grants(&self) -> Vec<String> {
        let (id, tasks) = (self.registry().id(), self.registry().tasks());
        let principal = |task: &azure_simulator::Task| {
            let identity = task.identity.as_ref();
            identity.map(|identity| identity.principal_id.clone())
        };
        self.azure
            .role_assignments()
            .into_iter()
            .filter(|assignment| assignment.scope.eq_ignore_ascii_case(&id))
            .filter(|assignment| !is_foreign(&assignment.name))
            .map(|assignment| {
                let holder = tasks
                    .iter()
                    .find(|task| principal(task).as_ref() == Some(&assignment.principal_id));
                let task = holder.map_or("orphan", |task| &task.name);
                format!("{task}/{}", role_name(&assignment.role))
            })
            .collect()
    }

    /// Shortens a path by the registry's ID and by generated names.
    fn short(&self, path: &str) -> String {
        let id = self.registry().id();
        let path = match path.get(..id.len()) {
            Some(start) if start.eq_ignore_ascii_case(&id) => {
                path[id.len()..].trim_start_matches('/')
            }
            _ => path,
        };
        let path = path.trim_start_matches("providers/Microsoft.Authorization/");
        match path.split_once("/uploads/") {
            Some((start, upload)) if !upload.is_empty() => format!("{start}/uploads/…"),
            _ => match path.split_once("roleAssignments/") {
                Some(_) => "roleAssignments/…".to_owned(),
                None => path.to_owned(),
            },
        }
    }
}

/// The prefix of the names of unrelated role assignments.
const FOREIGN: &str = "f0e1f0e1-";

/// Whether a role assignment with this name is unrelated to the workflow.
pub(super) fn is_foreign(name: &str) -> bool {
    name.starts_with(FOREIGN)
}

/// The name of the `n`th unrelated role assignment.
pub(super) fn foreign_name(n: u32) -> String {
    format!("{FOREIGN}0000-4000-8000-{n:012}")
}

/// A small configuration for a registry.
pub(super) fn config(registry_id: &str) -> Value {
    Value::object([
        ("registry_id", registry_id.into()),
        ("schedule", "7d".into()),
        ("start_time", "02:30".into()),
        (
            "repositories",
            repositories(&[("python", &["3.11", "3.12"])]),
        ),
    ])
}

/// The configuration with another value for one argument.
pub(super) fn with(config: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut arguments = config.as_map().unwrap().clone();
    arguments.insert(name.to_owned(), value.into());
    Value::Object(arguments)
}

/// The argument `repositories` with these repositories and tags.
pub(super) fn repositories(entries: &[(&str, &[&str])]) -> Value {
    let entry = |(name, tags): &(&str, &[&str])| {
        let tags = tags.iter().copied().map(Value::from).collect();
        let repository = [("tags", Value::Set(tags)), ("enabled", Value::Null)];
        ((*name).to_owned(), Value::object(repository))
    };
    Value::Map(entries.iter().map(entry).collect())
}

fn role_name(id: &str) -> String {
    let known = [
        (roles::ACR_PULL, "AcrPull"),
        (roles::ACR_PUSH, "AcrPush"),
        (roles::TASKS_CONTRIBUTOR, "TasksContributor"),
        (roles::REPOSITORY_READER, "RepositoryReader"),
        (roles::REPOSITORY_WRITER, "RepositoryWriter"),
        (roles::CATALOG_LISTER, "CatalogLister"),
    ];
    known
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(id))
        .map_or(id.to_owned(), |(_, name)| name.to_owned())
}
