//! The steps of the demo. Terraform creates and changes a workflow, and the workflow patches images.
//! The Azure CLI then changes the workflow, and Terraform repairs and destroys it.

use std::io::Write;

use azure_simulator::{Fate, Options, RegistryHandle, RegistrySpec, Simulator};
use host_cli::run::Finished;
use host_cli::{Error, Host, Plan, Provider, Workspace};

use crate::Failure;
use crate::narrator::{Counts, Narrator};

const FILES: [(&str, &str); 3] = [
    ("main.tf", include_str!("../../../examples/demo/main.tf")),
    (
        "variables.tf",
        include_str!("../../../examples/demo/variables.tf"),
    ),
    (
        "outputs.tf",
        include_str!("../../../examples/demo/outputs.tf"),
    ),
];

const REGISTRY: &str = "contoso";
const TRIGGER: &str = "cssc-trigger-workflow";

/// Runs the steps with one host on a new Azure, and returns the counts of remaining objects.
pub(crate) async fn play(
    host: &Host,
    provider: &Provider,
    narrator: &mut Narrator<impl Write>,
) -> Result<Counts, Failure> {
    let azure = Simulator::start(Options::default().registry(RegistrySpec::new(REGISTRY)))?;
    let workspace = Workspace::new(host, provider, &FILES)?.with_environment(azure.env());
    let mut scene = Scene {
        azure: &azure,
        workspace: &workspace,
        narrator,
    };
    scene.prepare();
    scene.set_variables("7d", "[\"3.11\"]")?;
    scene.create().await?;
    scene.change().await?;
    scene.patch();
    scene.drift_and_repair().await?;
    scene.destroy().await?;
    Ok(Counts::of(&azure))
}

struct Scene<'a, W> {
    azure: &'a Simulator,
    workspace: &'a Workspace,
    narrator: &'a mut Narrator<W>,
}

impl<W: Write> Scene<'_, W> {
    fn prepare(&mut self) {
        self.narrator
            .step("Start a local Azure with a registry and images");
        let images = [
            (
                "python",
                "3.11",
                Fate::Vulnerable(12),
                "12 vulnerabilities that a patch fixes",
            ),
            ("python", "3.12", Fate::Clean, "nothing to patch"),
            (
                "team/api",
                "1.0",
                Fate::Vulnerable(3),
                "3 vulnerabilities that a patch fixes",
            ),
            (
                "team/api",
                "0.9",
                Fate::EndOfLife,
                "operating system is past its end of life",
            ),
        ];
        for (repository, tag, fate, words) in images {
            self.registry().push_image(repository, tag, fate);
            self.narrator
                .note(&format!("{:<14} {words}", format!("{repository}:{tag}")));
        }
    }

    async fn create(&mut self) -> Result<(), Failure> {
        self.narrator.step("Install the provider");
        let installed = self.workspace.init().await?;
        self.narrator
            .command(&installed, |line| line.starts_with("- Installed"));

        self.narrator.step("Create the workflow");
        self.apply(is_result).await?;

        self.narrator.step("Plan again without changes");
        self.plan_without_changes().await
    }

    async fn change(&mut self) -> Result<(), Failure> {
        self.narrator.step("Run every 14 days instead of every 7");
        self.set_variables("14d", "[\"3.11\"]")?;
        self.apply(is_change).await?;

        self.narrator.step("Patch another tag");
        self.set_variables("14d", "[\"3.11\", \"3.12\"]")?;
        self.apply(is_change).await
    }

    fn patch(&mut self) {
        self.narrator
            .step("The timer fires, and Azure scans and patches the images");
        self.registry().fire_timer(TRIGGER);
        self.registry().settle_runs();
        for run in self.registry().runs() {
            let image = match (
                run.values.get("SOURCE_REPOSITORY"),
                run.values.get("SOURCE_IMAGE_TAG"),
            ) {
                (Some(repository), Some(tag)) => format!("{repository}:{tag}"),
                _ => String::new(),
            };
            self.narrator.note(&format!(
                "{:<22} {image:<14} {}",
                run.task,
                run.status.as_str()
            ));
        }
        for repository in ["python", "team/api"] {
            let tags = self.registry().tags(repository).join(", ");
            self.narrator
                .note(&format!("{repository} now has the tags {tags}"));
        }
    }

    async fn drift_and_repair(&mut self) -> Result<(), Failure> {
        self.narrator
            .step("Change the workflow outside Terraform, with the Azure CLI");
        self.narrator.note(
            "$ az acr supply-chain workflow update --registry contoso --resource-group demo \\\n    \
             --type continuouspatchv1 --schedule 1d --config edited.json",
        );
        self.change_by_cli();

        self.narrator.step("The plan shows the drift");
        let plan = self.workspace.plan(&[]).await?;
        match &plan {
            Plan::Changes(finished) => self.narrator.command(finished, is_change),
            Plan::Empty(finished) | Plan::Failed(finished) => return Err(unexpected(finished)),
        }

        self.narrator.step("Repair the workflow in place");
        self.apply(|line| line.starts_with("Apply complete"))
            .await?;
        self.plan_without_changes().await
    }

    async fn destroy(&mut self) -> Result<(), Failure> {
        self.narrator.step("Destroy the workflow");
        self.azure.mark();
        let destroyed = self.workspace.destroy().await?;
        self.narrator
            .command(&destroyed, |line| line.starts_with("Destroy complete"));
        self.narrator.writes(&self.azure.writes());
        Ok(())
    }

    /// Applies, and writes the calls of the apply.
    async fn apply(&mut self, is_relevant: fn(&str) -> bool) -> Result<(), Failure> {
        self.azure.mark();
        let applied = self.workspace.apply().await?;
        self.narrator.command(&applied, is_relevant);
        self.narrator.writes(&self.azure.writes());
        Ok(())
    }

    async fn plan_without_changes(&mut self) -> Result<(), Failure> {
        self.azure.mark();
        match self.workspace.plan(&[]).await? {
            Plan::Empty(finished) => self
                .narrator
                .command(&finished, |line| line.starts_with("No changes")),
            Plan::Changes(finished) | Plan::Failed(finished) => return Err(unexpected(&finished)),
        }
        self.narrator.writes(&self.azure.writes());
        Ok(())
    }

    fn set_variables(&self, schedule: &str, python_tags: &str) -> std::io::Result<()> {
        let id = self.registry().id();
        let variables =
            format!("registry_id = {id:?}\nschedule = {schedule:?}\npython_tags = {python_tags}\n");
        self.workspace.write("terraform.tfvars", &variables)
    }

    /// Changes the workflow like `az acr supply-chain workflow update`. That command stores another
    /// policy, and moves the timer to the minute of the call.
    fn change_by_cli(&self) {
        const EDITED: &str = r#"{"version": "v1", "tag-convention": "incremental", "repositories": [
            {"repository": "python", "tags": ["*"], "enabled": true}]}"#;
        self.registry().push_policy(EDITED);
        self.registry().edit_task(TRIGGER, |task| {
            for timer in task
                .properties
                .trigger
                .iter_mut()
                .flat_map(|trigger| &mut trigger.timer_triggers)
            {
                timer.schedule = "18 18 */1 * *".to_owned();
            }
        });
    }

    fn registry(&self) -> RegistryHandle<'_> {
        self.azure.registry(REGISTRY)
    }
}

fn unexpected(finished: &Finished) -> Failure {
    Error::Unexpected(Box::new(finished.clone())).into()
}

/// Whether a line of a host's output shows the result of an apply: counts and outputs.
fn is_result(line: &str) -> bool {
    ["Plan:", "Apply complete", "schedule_cron =", "\"cssc-"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Whether a line of a host's output shows a change.
fn is_change(line: &str) -> bool {
    ["~ ", "+ ", "- ", "Plan:", "Apply complete"]
        .iter()
        .any(|start| line.starts_with(start))
}
