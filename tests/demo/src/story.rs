//! The steps of the demo. Terraform creates and changes a workflow, and the workflow patches images.
//! The Azure CLI then changes the workflow, and Terraform repairs and destroys it.

use std::io::Write;

use azure_simulator::{
    CliCreate, Fate, Generation, Options, RegistryHandle, RegistrySpec, Simulator,
};
use host_cli::run::Finished;
use host_cli::{Error, Host, Plan, Provider, Workspace};

use crate::Failure;
use crate::blocks::Block;
use crate::counts::Counts;
use crate::narrator::Narrator;

const WORKFLOW: &[(&str, &str)] = &[
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
const REPORTS: &[(&str, &str)] = &[(
    "main.tf",
    include_str!("../../../examples/demo/reports/main.tf"),
)];
const IMPORT: &[(&str, &str)] = &[(
    "main.tf",
    include_str!("../../../examples/demo/import/main.tf"),
)];

const REGISTRY: &str = "contoso";
/// The registry whose workflow the Azure CLI created.
const OTHER: &str = "fabrikam";
const TRIGGER: &str = "cssc-trigger-workflow";

/// The policy that the Azure CLI stored.
const WEB: &str = r#"{"version": "v1", "tag-convention": "incremental", "repositories": [
    {"repository": "web", "tags": ["*"], "enabled": true}]}"#;

/// What an apply changed.
const CHANGE: &[Block] = &[Block::Resource, Block::Counts, Block::Result];

/// Runs the steps with one host on a new Azure, and returns the counts of remaining objects.
pub(crate) async fn play(
    host: &Host,
    provider: &Provider,
    narrator: &mut Narrator<impl Write>,
) -> Result<Counts, Failure> {
    let registries = [REGISTRY, OTHER].map(RegistrySpec::new);
    let options = registries
        .into_iter()
        .fold(Options::default(), Options::registry);
    let azure = Simulator::start(options)?;
    let folder = |files: &[(&str, &str)]| {
        // Hosts write colours also to a pipe.
        let colours = ("TF_CLI_ARGS", String::new());
        let variables = azure.env().into_iter().chain([colours]);
        Ok::<_, Failure>(Workspace::new(host, provider, files)?.with_environment(variables))
    };
    let mut scene = Scene {
        azure: &azure,
        workflow: &folder(WORKFLOW)?,
        reports: &folder(REPORTS)?,
        import: &folder(IMPORT)?,
        narrator,
    };
    scene.prepare()?;
    scene.create().await?;
    scene.dry_run().await?;
    scene.change().await?;
    scene.patch().await?;
    scene.drift_and_repair().await?;
    scene.import().await?;
    scene.destroy().await?;
    Ok(Counts::of(&azure))
}

struct Scene<'a, W> {
    azure: &'a Simulator,
    workflow: &'a Workspace,
    reports: &'a Workspace,
    import: &'a Workspace,
    narrator: &'a mut Narrator<W>,
}

impl<W: Write> Scene<'_, W> {
    fn prepare(&mut self) -> Result<(), Failure> {
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
        self.set_variables("7d", "[\"3.11\"]")?;
        for (workspace, registry) in [(self.reports, REGISTRY), (self.import, OTHER)] {
            let id = self.azure.registry(registry).id();
            workspace.write("terraform.tfvars", &format!("registry_id = {id:?}\n"))?;
        }
        Ok(())
    }

    async fn create(&mut self) -> Result<(), Failure> {
        self.narrator.step("Install the provider");
        let installed = self.workflow.init().await?;
        self.narrator.command(&installed, &[Block::Installed]);

        self.narrator.step("Create the workflow");
        self.apply(
            self.workflow,
            &[
                Block::Resource,
                Block::Counts,
                Block::Result,
                Block::Outputs,
            ],
        )
        .await?;

        self.narrator.step("Plan again without changes");
        self.plan_without_changes(self.workflow).await
    }

    async fn dry_run(&mut self) -> Result<(), Failure> {
        self.narrator
            .step("Dry run: list the images that the next run selects");
        self.reports.init().await?;
        self.apply(self.reports, &[Block::Outputs]).await
    }

    async fn change(&mut self) -> Result<(), Failure> {
        self.narrator.step("Run every 14 days instead of every 7");
        self.set_variables("14d", "[\"3.11\"]")?;
        self.apply(self.workflow, CHANGE).await?;

        self.narrator.step("Patch another tag");
        self.set_variables("14d", "[\"3.11\", \"3.12\"]")?;
        self.apply(self.workflow, CHANGE).await
    }

    async fn patch(&mut self) -> Result<(), Failure> {
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

        self.narrator.step("Read the status of each image");
        self.apply(self.reports, &[Block::Outputs]).await
    }

    async fn drift_and_repair(&mut self) -> Result<(), Failure> {
        self.narrator
            .pictured_step("Change the workflow outside Terraform, with the Azure CLI");
        self.narrator.typed(
            "az acr supply-chain workflow update --registry contoso --resource-group demo \\\n    \
             --type continuouspatchv1 --schedule 1d --config edited.json",
        );
        self.change_by_cli();

        self.narrator.pictured_step("The plan shows the drift");
        let plan = self.workflow.plan(&[]).await?;
        match &plan {
            Plan::Changes(finished) => self.narrator.command(finished, CHANGE),
            Plan::Empty(finished) | Plan::Failed(finished) => return Err(unexpected(finished)),
        }

        self.narrator.pictured_step("Repair the workflow in place");
        self.apply(self.workflow, &[Block::Result]).await?;
        self.plan_without_changes(self.workflow).await
    }

    async fn import(&mut self) -> Result<(), Failure> {
        self.narrator
            .step("Import a workflow that the Azure CLI created, and upgrade it");
        self.narrator.typed(
            "az acr supply-chain workflow create --registry fabrikam --resource-group demo \\\n    \
             --type continuouspatchv1 --schedule 7d --config continuouspatching.json",
        );
        self.azure
            .registry(OTHER)
            .push_image("web", "2.0", Fate::Vulnerable(5));
        let create = CliCreate::new(Generation::Contributor)
            .schedule("7d")
            .policy(WEB);
        self.azure.registry(OTHER).cli_create(create)?;
        self.import.init().await?;
        self.apply(self.import, CHANGE).await?;
        self.plan_without_changes(self.import).await
    }

    async fn destroy(&mut self) -> Result<(), Failure> {
        self.narrator.step("Destroy both workflows");
        for workspace in [self.workflow, self.import] {
            self.azure.mark();
            let destroyed = workspace.destroy().await?;
            self.narrator.command(&destroyed, &[Block::Result]);
            self.narrator.writes(&self.azure.writes());
        }
        Ok(())
    }

    /// Applies, and writes the calls of the apply.
    async fn apply(&mut self, workspace: &Workspace, relevant: &[Block]) -> Result<(), Failure> {
        self.azure.mark();
        let applied = workspace.apply().await?;
        self.narrator.command(&applied, relevant);
        self.narrator.writes(&self.azure.writes());
        Ok(())
    }

    async fn plan_without_changes(&mut self, workspace: &Workspace) -> Result<(), Failure> {
        self.azure.mark();
        match workspace.plan(&[]).await? {
            Plan::Empty(finished) => self.narrator.command(&finished, &[Block::NoChanges]),
            Plan::Changes(finished) | Plan::Failed(finished) => return Err(unexpected(&finished)),
        }
        self.narrator.writes(&self.azure.writes());
        Ok(())
    }

    fn set_variables(&self, schedule: &str, python_tags: &str) -> std::io::Result<()> {
        let id = self.registry().id();
        let variables =
            format!("registry_id = {id:?}\nschedule = {schedule:?}\npython_tags = {python_tags}\n");
        self.workflow.write("terraform.tfvars", &variables)
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
