//! The life cycle of a workflow in a registry of the user, for `make testacc`.
//!
//! The variable `ACR_TEST_REGISTRY_ID` names a registry without a workflow, and the provider signs in with the
//! user's `ARM_*` variables. The test creates a workflow, changes it behind the provider's back, repairs it and
//! destroys it. The timer is disabled, so that no run starts and nothing costs money.

use azure_simulator::{Generation, Options, RegistrySpec, Simulator};
use host_cli::{Host, Plan, Workspace};

use crate::stage::{hosts, nothing, provider, registry_id, workspace};

/// Any error. The test does not distinguish errors.
type Failure = Box<dyn std::error::Error>;

const REGISTRY: &str = "ACR_TEST_REGISTRY_ID";

/// The beginnings of the variables that a user's provider may read.
const OF_THE_USER: [&str; 9] = [
    "ARM_",
    "AZURE_",
    "ACTIONS_",
    "SYSTEM_",
    "IDENTITY_",
    "MSI_",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_",
];

#[tokio::test]
async fn the_users_registry_gets_a_workflow_and_loses_it() {
    let Ok(registry) = std::env::var(REGISTRY) else {
        // `make testacc` says so too, because the test runner hides this.
        eprintln!("{REGISTRY} is not set, so no real registry was tested");
        return;
    };
    let is_of_the_user = |name: &str| OF_THE_USER.iter().any(|start| name.starts_with(start));
    let variables: Vec<_> = std::env::vars()
        .filter(|(name, _)| is_of_the_user(name))
        .collect();
    for host in hosts() {
        let outcome = life_cycle(host, &registry, &variables).await;
        outcome.unwrap_or_else(|problem| panic!("under {host}: {problem}"));
    }
}

#[tokio::test]
async fn the_life_cycle_leaves_nothing_in_a_registry_without_a_workflow() {
    for host in hosts() {
        let azure =
            Simulator::start(Options::default().registry(RegistrySpec::new("contoso"))).unwrap();
        azure.mark();
        life_cycle(host, &registry_id("contoso"), &azure.env())
            .await
            .unwrap();
        assert!(
            azure.writes().len() > 20,
            "a create, two updates and a destroy"
        );
        assert_eq!(azure.leftovers(), nothing());
    }
}

#[tokio::test]
async fn the_life_cycle_refuses_a_registry_that_has_a_workflow() {
    for host in hosts() {
        let azure =
            Simulator::start(Options::default().registry(RegistrySpec::new("contoso"))).unwrap();
        azure
            .registry("contoso")
            .cli_create(Generation::Contributor)
            .unwrap();
        azure.mark();
        let refused = life_cycle(host, &registry_id("contoso"), &azure.env()).await;
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "{REGISTRY} names a registry that already has a workflow. Choose another registry."
            )
        );
        assert_eq!(azure.writes().len(), 0);
    }
}

#[tokio::test]
async fn the_life_cycle_removes_the_workflow_if_a_step_fails() {
    for host in hosts() {
        let azure =
            Simulator::start(Options::default().registry(RegistrySpec::new("contoso"))).unwrap();
        // Only the second write to the trigger task after its create belongs to a later step.
        azure.fault(
            azure_simulator::Fault::on("PATCH", "/tasks/cssc-trigger-workflow")
                .nth(2)
                .status(403),
        );
        let failed = life_cycle(host, &registry_id("contoso"), &azure.env()).await;
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .contains("cssc-trigger-workflow")
        );
        assert_eq!(azure.leftovers(), nothing());
    }
}

#[tokio::test]
async fn the_life_cycle_names_the_registry_if_the_destroy_fails() {
    for host in hosts() {
        let azure =
            Simulator::start(Options::default().registry(RegistrySpec::new("contoso"))).unwrap();
        azure.fault(
            azure_simulator::Fault::on("DELETE", "/tasks/cssc-trigger-workflow").status(403),
        );
        let failed = life_cycle(host, &registry_id("contoso"), &azure.env()).await;
        let text = failed.unwrap_err().to_string();
        let begin = format!("{} may still have the workflow.", registry_id("contoso"));
        assert!(text.starts_with(&begin), "{text}");
    }
}

/// Runs the life cycle. Returns what went wrong. The workflow is destroyed in any case.
async fn life_cycle<N: AsRef<str>>(
    host: &Host,
    registry: &str,
    variables: &[(N, String)],
) -> Result<(), Failure> {
    let workspace = prepared(host, variables).await?;
    if has_workflow(&workspace, registry).await? {
        return Err(format!(
            "{REGISTRY} names a registry that already has a workflow. Choose another registry."
        )
        .into());
    }
    let steps = steps(&workspace, &prepared(host, variables).await?, registry).await;
    if let Err(left) = workspace.destroy().await {
        let failed = steps.err().map(|it| it.to_string()).unwrap_or_default();
        return Err(format!("{registry} may still have the workflow. {left}\n{failed}").into());
    }
    steps?;
    match has_workflow(&workspace, registry).await? {
        true => Err(format!("{registry} still has a workflow after the destroy.").into()),
        false => Ok(()),
    }
}

/// Creates, changes and repairs the workflow. `other` changes it behind the provider's back.
async fn steps(workspace: &Workspace, other: &Workspace, registry: &str) -> Result<(), Failure> {
    configure(workspace, &workflow(registry, "7d"))?;
    workspace.apply().await?;
    expect_no_changes(workspace).await?;

    let adopting =
        workflow(registry, "14d").replace("schedule", "adopt_existing = true\n  schedule");
    configure(other, &adopting)?;
    other.apply().await?;
    match workspace.plan(&[]).await? {
        Plan::Changes(plan) if plan.stdout.contains("14d") => {}
        plan => {
            return Err(format!("The plan does not show the drift.\n{}", plan.finished()).into());
        }
    }
    workspace.apply().await?;
    expect_no_changes(workspace).await?;

    configure(workspace, &workflow(registry, "30d"))?;
    workspace.apply().await?;
    expect_no_changes(workspace).await
}

async fn expect_no_changes(workspace: &Workspace) -> Result<(), Failure> {
    match workspace.plan(&[]).await? {
        Plan::Empty(_) => Ok(()),
        plan => Err(format!("The plan after an apply is not empty.\n{}", plan.finished()).into()),
    }
}

async fn has_workflow(workspace: &Workspace, registry: &str) -> Result<bool, Failure> {
    let lookup = format!(
        "data \"acr_continuous_patching_workflow\" \"existing\" {{\n  registry_id = {registry:?}\n}}\n"
    );
    configure(workspace, &lookup)?;
    match workspace.plan(&[]).await? {
        Plan::Empty(_) | Plan::Changes(_) => Ok(true),
        Plan::Failed(plan) if plan.text().contains("The registry has no workflow") => Ok(false),
        Plan::Failed(plan) => Err(plan.to_string().into()),
    }
}

async fn prepared<N: AsRef<str>>(
    host: &Host,
    variables: &[(N, String)],
) -> Result<Workspace, Failure> {
    let variables = variables
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_str()));
    let workspace = workspace(host).with_environment(variables);
    let source = provider().source().to_owned();
    let required = format!(
        "terraform {{\n  required_providers {{\n    acr = {{ source = {source:?} }}\n  }}\n}}\n"
    );
    workspace.write("terraform.tf", &required)?;
    workspace.init().await?;
    Ok(workspace)
}

fn configure(workspace: &Workspace, configuration: &str) -> std::io::Result<()> {
    workspace.write("main.tf", configuration)
}

/// A workflow that never runs.
fn workflow(registry: &str, schedule: &str) -> String {
    format!(
        r#"
resource "acr_continuous_patching_workflow" "test" {{
  registry_id = {registry:?}
  schedule    = "{schedule}"
  enabled     = false
  preflight   = "off"
  repositories = {{
    "terraform-provider-acr/test" = {{ tags = ["latest"] }}
  }}
}}
"#
    )
}
