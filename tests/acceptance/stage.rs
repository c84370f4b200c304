//! The set-up of a test: a host in a temporary folder, and a local Azure.

use std::path::Path;
use std::sync::OnceLock;

use azure_simulator::{Entry, Options, RegistrySpec, Simulator};
use host_cli::{Host, Plan, Provider, Workspace};
use serde_json::{Value, json};
use terraform_provider_acr::SOURCE_ADDRESS;

/// The resource in most of the configurations.
pub(crate) const ADDRESS: &str = "acr_continuous_patching_workflow.test";

/// A workflow of the registry `contoso`. Tests that change it replace parts of this text.
pub(crate) const WORKFLOW: &str = r#"
resource "acr_continuous_patching_workflow" "test" {
  registry_id    = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
  schedule       = "7d"
  start_time     = "02:30"
  tag_convention = "incremental"
  enabled        = true
  repositories = {
    "python" = { tags = ["3.11"] }
  }
}
"#;

/// A host and a simulated Azure.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) azure: Simulator,
    pub(crate) workspace: Workspace,
}

/// The hosts that are installed on this machine.
pub(crate) fn hosts() -> &'static [Host] {
    static HOSTS: OnceLock<Vec<Host>> = OnceLock::new();
    HOSTS.get_or_init(|| Host::all().unwrap_or_else(|error| panic!("{error}")))
}

impl Stage {
    /// Sets up a host with the registry `contoso` and this configuration.
    pub(crate) async fn new(host: &Host, configuration: &str) -> Self {
        Self::with(host, [RegistrySpec::new("contoso")], configuration).await
    }

    /// Sets up a host with these registries and this configuration.
    pub(crate) async fn with(
        host: &Host,
        registries: impl IntoIterator<Item = RegistrySpec>,
        configuration: &str,
    ) -> Self {
        eprintln!("under {host}");
        let options = registries
            .into_iter()
            .fold(Options::default(), Options::registry);
        let azure = Simulator::start(options).unwrap();
        let workspace = workspace(host).with_environment(azure.env());
        let stage = Self { azure, workspace };
        stage.configure(configuration);
        stage.workspace.init().await.unwrap();
        stage
    }

    /// Sets an environment variable, or removes it.
    pub(crate) fn with_variable(self, name: &str, value: Option<&str>) -> Self {
        let others = self
            .azure
            .env()
            .into_iter()
            .filter(|(other, _)| *other != name);
        let changed = value.map(|value| (name, value.to_owned()));
        let environment: Vec<_> = others.chain(changed).collect();
        let Self { azure, workspace } = self;
        Self {
            azure,
            workspace: workspace.with_environment(environment),
        }
    }

    /// Replaces the authentication variables.
    pub(crate) fn signing_in_by(self, variables: Vec<(&'static str, String)>) -> Self {
        let mut environment = self.azure.connection_env();
        environment.retain(|(name, _)| variables.iter().all(|(chosen, _)| chosen != name));
        environment.extend(variables);
        let Self { azure, workspace } = self;
        Self {
            azure,
            workspace: workspace.with_environment(environment),
        }
    }

    /// Replaces the configuration. It gets a requirement for the provider unless it has its own.
    pub(crate) fn configure(&self, configuration: &str) {
        let required = if configuration.contains("required_providers") {
            String::new()
        } else {
            let provider = provider();
            let source = provider.source();
            format!(
                "terraform {{\n  required_providers {{\n    acr = {{ source = \"{source}\" }}\n  }}\n}}\n"
            )
        };
        self.workspace.write("terraform.tf", &required).unwrap();
        self.workspace.write("main.tf", configuration).unwrap();
    }

    /// Applies, and returns the write calls in alphabetical order.
    pub(crate) async fn apply(&self) -> Vec<String> {
        self.azure.mark();
        self.workspace.apply().await.unwrap();
        self.writes()
    }

    /// Destroys, and asserts that neither Azure nor the state keeps any part of a workflow.
    pub(crate) async fn destroy(&self) {
        self.workspace.destroy().await.unwrap();
        assert_eq!(self.azure.leftovers(), nothing());
        assert_eq!(self.resources().await, Vec::<Value>::new());
    }

    /// Asserts that a plan shows no changes and writes nothing.
    pub(crate) async fn assert_no_changes(&self) {
        self.azure.mark();
        let plan = self.workspace.plan(&[]).await.unwrap();
        assert!(matches!(plan, Plan::Empty(_)), "{}", plan.finished());
        assert_eq!(self.writes(), Vec::<String>::new());
    }

    /// Asserts that a plan shows changes, and returns its output.
    pub(crate) async fn assert_changes(&self) -> String {
        let plan = self.workspace.plan(&[]).await.unwrap();
        assert!(matches!(plan, Plan::Changes(_)), "{}", plan.finished());
        plan.finished().text()
    }

    /// The write calls since the last mark. They run in parallel, so they are sorted alphabetically.
    pub(crate) fn writes(&self) -> Vec<String> {
        let mut writes: Vec<String> = self.azure.writes().iter().map(brief).collect();
        writes.sort();
        writes
    }

    /// The write calls for one registry, in alphabetical order.
    pub(crate) fn writes_to(&self, registry: &str) -> Vec<String> {
        let mut writes = self.writes_in_order(registry);
        writes.sort();
        writes
    }

    /// The write calls for one registry, in the order of their responses.
    pub(crate) fn writes_in_order(&self, registry: &str) -> Vec<String> {
        let (host, id) = (format!("{registry}."), format!("/registries/{registry}/"));
        let mut writes = self.azure.writes();
        writes.retain(|call| call.host.starts_with(&host) || call.path.contains(&id));
        writes.iter().map(brief).collect()
    }

    /// The resources in the state.
    pub(crate) async fn resources(&self) -> Vec<Value> {
        let state = self.workspace.state().await.unwrap();
        let resources = state["values"]["root_module"]["resources"].as_array();
        resources.cloned().unwrap_or_default()
    }

    /// The value of an output in the state.
    pub(crate) async fn output(&self, name: &str) -> Value {
        let state = self.workspace.state().await.unwrap();
        state["values"]["outputs"][name]["value"].clone()
    }

    /// The attributes of a resource in the state.
    pub(crate) async fn attributes(&self, address: &str) -> Value {
        let resources = self.resources().await;
        let found = resources
            .iter()
            .find(|resource| resource["address"] == address);
        found.unwrap_or_else(|| panic!("no {address} in the state"))["values"].clone()
    }
}

/// The configuration [`WORKFLOW`] with `for_each` over these registries.
pub(crate) fn each(registries: &[&str]) -> String {
    WORKFLOW
        .replace(
            "registry_id ",
            &format!("for_each = toset({registries:?})\n  registry_id "),
        )
        .replace("registries/contoso", "registries/${each.key}")
}

/// A folder in which a host finds only the provider.
pub(crate) fn workspace(host: &Host) -> Workspace {
    Workspace::new(host, &provider(), &[]).unwrap()
}

/// The provider under test.
pub(crate) fn provider() -> Provider {
    let binary = env!("CARGO_BIN_EXE_terraform-provider-acr");
    Provider::new(SOURCE_ADDRESS, Path::new(binary))
}

/// The stand-in for azurerm. Cargo puts the binaries of the workspace next to the folder of the test binaries.
pub(crate) fn azurerm() -> Provider {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("terraform-provider-azurerm");
    assert!(
        binary.exists(),
        "{} is missing. Run `cargo build --workspace` to build it.",
        binary.display()
    );
    let stand_in = Provider::new("registry.terraform.io/hashicorp/azurerm", &binary);
    stand_in.with_version("4.99.0")
}

/// The simulator's counts when Azure has no workflow.
pub(crate) fn nothing() -> Value {
    json!({"tasks": 0, "role_assignments": 0, "policy_repositories": 0, "active_runs": 0})
}

/// The resource ID of a registry in the resource group `demo`.
pub(crate) fn registry_id(name: &str) -> String {
    format!(
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/{name}"
    )
}

/// Shortens a call to its method and the end of its path, without the names that differ between runs.
fn brief(call: &Entry) -> String {
    let mut parts = call.path.split('/').rev();
    let last = parts.next().unwrap_or_default();
    let kind = parts.next().unwrap_or_default();
    match kind {
        "roleAssignments" | "uploads" => format!("{} {kind}", call.method),
        _ => format!("{} {kind}/{last}", call.method),
    }
}
