//! A host and a simulated Azure, with copies of both states to return to.

use std::path::Path;

use azure_simulator::{Fate, Options, RegistrySpec, Simulator, Snapshot, roles};
use host_cli::{Host, Provider, Workspace};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use terraform_provider_acr::SOURCE_ADDRESS;

use crate::canonical::canonical;
use crate::fault::Operation;

/// A configuration of the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) version: Version,
    pub(crate) adopts: bool,
    /// Operations time out after a few seconds.
    pub(crate) is_hasty: bool,
}

/// What the workflow patches, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    First,
    Second,
}

/// A copy of everything in Azure and of the state file.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    azure: Snapshot,
    pub(crate) state: Option<String>,
}

/// A host in its own folder, and its own Azure with one registry.
pub(crate) struct Stage {
    pub(crate) azure: Simulator,
    pub(crate) workspace: Workspace,
    /// The folder of a second user, with its own state file.
    pub(crate) second: Workspace,
    /// The `TMPDIR` of the host and its plugins.
    pub(crate) temporary: TempDir,
    /// Where each operation starts.
    starts: Vec<(Operation, Position)>,
    /// Everything that is not the workflow's.
    others: Value,
}

impl Stage {
    /// Sets up a host, and the start of each operation.
    pub(crate) async fn new(host: &Host, provider: &Path) -> Self {
        let mut stage = Self::empty(host, provider).await;
        let nothing = stage.position();
        stage.configure(Wanted::from(Version::First));
        stage.workspace.apply().await.unwrap();
        let applied = stage.position();
        stage.damage();
        let damaged = stage.position();
        stage.starts = vec![
            (Operation::Create, nothing),
            (Operation::Update, applied.clone()),
            (Operation::Repair, damaged),
            (Operation::Delete, applied),
        ];
        stage
    }

    async fn empty(host: &Host, provider: &Path) -> Self {
        let azure =
            Simulator::start(Options::default().registry(RegistrySpec::new("contoso"))).unwrap();
        let temporary = tempfile::Builder::new().prefix("t-").tempdir().unwrap();
        let environment = [("TMPDIR", temporary.path().display().to_string())];
        let environment: Vec<_> = azure.env().into_iter().chain(environment).collect();
        let provider = Provider::new(SOURCE_ADDRESS, provider);
        let workspace = || {
            let workspace = Workspace::new(host, &provider, &[]).unwrap();
            workspace.with_environment(environment.clone())
        };
        let mut stage = Self {
            azure,
            workspace: workspace(),
            second: workspace(),
            temporary,
            starts: Vec::new(),
            others: Value::Null,
        };
        stage.plant();
        stage.others = stage.others_now();
        stage.configure(Wanted::from(Version::First));
        stage.workspace.init().await.unwrap();
        let second = Wanted::from(Version::Second).hcl();
        stage.second.write("main.tf", &second).unwrap();
        stage.second.init().await.unwrap();
        stage
    }

    /// Seeds images, and an unrelated task and role assignments.
    fn plant(&self) {
        let registry = self.azure.registry("contoso");
        registry.push_image("python", "3.11", Fate::Clean);
        registry.push_image("node", "22", Fate::Clean);
        let id = registry.id();
        for (n, role) in (1..).zip([roles::ACR_PULL, roles::TASKS_CONTRIBUTOR, roles::OWNER]) {
            let principal = "5a5a5a5a-0000-4000-8000-000000000001";
            self.azure
                .seed_role_assignment(Some(&other_name(n)), &id, role, principal);
        }
        let nightly = json!({
            "location": "westeurope",
            "properties": {
                "platform": {"os": "linux", "architecture": "amd64"},
                "step": {"type": "EncodedTask", "encodedTaskContent": "dmVyc2lvbjogdjEuMS4wCnN0ZXBzOgogIC0gY21kOiBiYXNoIGVjaG8gbmlnaHRseQo="},
            },
        });
        let address = format!("{id}/tasks/nightly?api-version=2025-03-01-preview");
        let (status, body) = self
            .azure
            .behind_the_scenes(Method::PUT, &address, Some(&nightly));
        assert_eq!(status, 201, "{body}");
    }

    /// Changes the workflow as a user of the portal could. A task is missing, the policy is different, and role
    /// assignments have no principal.
    pub(crate) fn damage(&self) {
        let registry = self.azure.registry("contoso");
        registry.delete_task("cssc-scan-image");
        registry.push_policy(r#"{"version": "v1", "repositories": []}"#);
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, wanted: Wanted) {
        self.workspace.write("main.tf", &wanted.hcl()).unwrap();
    }

    /// Returns a copy of both states.
    pub(crate) fn position(&self) -> Position {
        Position {
            azure: self.azure.snapshot(),
            state: self.workspace.state_file().unwrap(),
        }
    }

    /// Returns to both states.
    pub(crate) fn restore(&self, position: &Position) {
        self.azure.restore(&position.azure);
        self.workspace
            .restore_state_file(position.state.as_deref())
            .unwrap();
    }

    /// Returns to the start of an operation.
    pub(crate) fn start(&self, operation: Operation) {
        let found = self.starts.iter().find(|(other, _)| *other == operation);
        self.restore(&found.unwrap().1);
    }

    /// Returns a text that is the same for the same states.
    pub(crate) fn canonical(&self) -> String {
        let state = self.workspace.state_file().unwrap();
        canonical(&self.azure.state(), state.as_deref())
    }

    /// Whether the state file has the workflow.
    pub(crate) fn is_known(&self) -> bool {
        let state = self.workspace.state_file().unwrap().unwrap_or_default();
        let state: Value = serde_json::from_str(&state).unwrap_or_default();
        state["resources"]
            .as_array()
            .is_some_and(|resources| !resources.is_empty())
    }

    /// What exists of the workflow in Azure, as the simulator's counts without what others own.
    pub(crate) fn leftovers(&self) -> Value {
        let mut counts = self.azure.leftovers();
        let others = [("tasks", 1), ("role_assignments", 3)];
        for (name, count) in others {
            let all = counts[name].as_u64().unwrap_or_default();
            counts[name] = json!(all.saturating_sub(count));
        }
        counts
    }

    /// Whether Azure has nothing of the workflow.
    pub(crate) fn is_clean(&self) -> bool {
        let counts = self.leftovers();
        counts
            .as_object()
            .is_some_and(|counts| counts.values().all(|count| *count == 0))
    }

    /// Whether everything that is not the workflow's is as at the start.
    pub(crate) fn others_are_untouched(&self) -> bool {
        self.others_now() == self.others
    }

    fn others_now(&self) -> Value {
        let mut state = self.azure.state();
        let mut assignments = state["role_assignments"].take();
        if let Some(assignments) = assignments.as_array_mut() {
            let names: Vec<String> = (1..=3).map(other_name).collect();
            assignments.retain(|it| names.iter().any(|name| it["name"] == name.as_str()));
        }
        let registry = &state["registries"][0];
        json!({
            "task": registry["tasks"]["nightly"],
            "images": [registry["repositories"]["python"], registry["repositories"]["node"]],
            "assignments": assignments,
        })
    }
}

impl Wanted {
    fn hcl(self) -> String {
        let (schedule, repositories) = match self.version {
            Version::First => ("7d", r#"{ "python" = { tags = ["3.11"] } }"#),
            Version::Second => ("14d", r#"{ "node" = { tags = ["22"] } }"#),
        };
        let adopts = match self.adopts {
            true => "  adopt_existing = true\n",
            false => "",
        };
        let timeouts = match self.is_hasty {
            true => {
                "  timeouts {\n    create = \"8s\"\n    read   = \"8s\"\n    update = \"8s\"\n    delete = \"8s\"\n  }\n"
            }
            false => "",
        };
        format!(
            "terraform {{\n  required_providers {{\n    acr = {{ source = \"{SOURCE_ADDRESS}\" }}\n  }}\n}}\n\n\
             resource \"acr_continuous_patching_workflow\" \"test\" {{\n  \
             registry_id    = \"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso\"\n  \
             schedule       = \"{schedule}\"\n  start_time     = \"02:30\"\n  tag_convention = \"incremental\"\n  \
             enabled        = true\n  repositories   = {repositories}\n{adopts}{timeouts}}}\n"
        )
    }
}

impl From<Version> for Wanted {
    fn from(version: Version) -> Self {
        Self {
            version,
            adopts: false,
            is_hasty: false,
        }
    }
}

impl From<Operation> for Wanted {
    fn from(operation: Operation) -> Self {
        Self::from(match operation {
            Operation::Update => Version::Second,
            Operation::Create | Operation::Repair | Operation::Delete => Version::First,
        })
    }
}

/// The name of an unrelated role assignment.
fn other_name(n: u32) -> String {
    format!("0f0f0f0f-0000-4000-8000-{n:012}")
}
