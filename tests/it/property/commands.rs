//! Commands of Terraform Core, each with a new provider process and an optional fault, and the conditions
//! that hold after each command.

use azure_simulator::Fault;
use terraform_plugin::protocol::generated as pb;

use crate::property::step::{Command, Failure, Trouble};
use crate::property::world::World;
use crate::support::wire::Ringing;
use terraform_plugin_testing::core::{Core, has_error};
use terraform_plugin_testing::host::lines;

/// The hosts of Resource Manager and of registries.
const OF_RESOURCES: &str = r"^(management\.azure\.com|[^/]*\.azurecr\.io)/";

impl World {
    /// Runs a command and asserts the conditions that hold after it.
    pub(super) async fn run(&mut self, command: &Command, trouble: Trouble) {
        let imports = matches!(command, Command::Import(_));
        if imports && self.terraform.stored.is_some() {
            return;
        }
        self.terraform.restart().await;
        let others = self.others();
        let was_stored = self.terraform.stored.is_some();
        let (workflow, tasks) = (self.workflow(), self.tasks());
        let is_unfinished = self.is_unfinished();

        let said = self.carry_out_despite(command, trouble).await;

        assert_eq!(
            self.others(),
            others,
            "{command:?} changes unrelated resources"
        );
        let now = self.workflow();
        if self.terraform.stored.is_none() {
            let lost: Vec<&String> = now
                .iter()
                .filter(|piece| was_stored || !workflow.contains(*piece))
                .collect();
            assert!(lost.is_empty(), "{command:?} loses {lost:?}: {said:#?}");
        }
        let is_harmless = matches!(
            trouble,
            Trouble::Nothing | Trouble::Once(_, Failure::NotFound)
        );
        if !is_harmless || self.is_behind {
            self.is_behind = true;
            return;
        }
        match command {
            Command::Apply(_) if !was_stored && !tasks.is_empty() && !is_unfinished => {
                assert_eq!(lines(&said), ["error: Resource already exists"]);
            }
            Command::Apply(desired) => {
                assert!(!has_error(&said), "{said:#?}");
                self.is_as_desired(desired);
            }
            Command::Refresh | Command::Import(_) => assert!(!has_error(&said), "{said:#?}"),
            Command::Destroy => {
                assert!(!has_error(&said), "{said:#?}");
                if was_stored {
                    self.is_gone();
                }
            }
        }
    }

    async fn carry_out_despite(
        &mut self,
        command: &Command,
        trouble: Trouble,
    ) -> Vec<pb::Diagnostic> {
        let strike = |at: usize, failure| {
            let (at, fault) = (at as u64, Fault::at(at as u64));
            match failure {
                Failure::Status(status) => fault.status(status),
                // Sign-ins have no resource that could be missing.
                Failure::NotFound => Fault::on("*", OF_RESOURCES).nth(at).not_found(),
                Failure::Page => fault.html(404),
                Failure::Cut => fault.cut(),
                Failure::CutAfter => fault.cut_after(),
            }
        };
        match trouble {
            Trouble::Nothing => {}
            Trouble::Interrupt(at) => return self.carry_out_until(command, at).await,
            Trouble::Once(at, failure) => self.azure.fault(strike(at, failure)),
            Trouble::From(at, failure) => self.azure.fault(strike(at, failure).times(u64::MAX)),
        }
        let said = self.carry_out(command).await;
        self.azure.clear_faults();
        said
    }

    /// Interrupts the command at a request, if the command sends that many.
    async fn carry_out_until(&mut self, command: &Command, at: usize) -> Vec<pb::Diagnostic> {
        let Ringing { rung, go } = self.wire.ring_at(at);
        let client = self.terraform.client();
        let interrupt = async {
            if rung.await.is_ok() {
                Core::stop(client).await;
            }
            drop(go);
            std::future::pending().await
        };
        tokio::select! {
            said = self.carry_out(command) => said,
            () = interrupt => unreachable!("it waits"),
        }
    }

    async fn carry_out(&mut self, command: &Command) -> Vec<pb::Diagnostic> {
        let id = self.registry().id();
        match command {
            Command::Apply(desired) => {
                let config = desired.config(&id);
                let said = self.terraform.refresh().await;
                if has_error(&said) {
                    return said;
                }
                match self.terraform.plan(&config).await {
                    Ok(plan) => self.terraform.apply(&plan, &config).await,
                    Err(said) => said,
                }
            }
            Command::Refresh => self.terraform.refresh().await,
            Command::Import(spelling) => self.terraform.import(&spelling.of(&id)).await,
            Command::Destroy => {
                let said = self.terraform.refresh().await;
                if has_error(&said) {
                    return said;
                }
                self.terraform.destroy().await
            }
        }
    }
}
