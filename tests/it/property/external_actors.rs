//! Changes outside Terraform: in the portal, with the Azure CLI, and to unrelated resources.

use azure_simulator::{CliCreate, CliError, Fate, Task, TimerTrigger, roles};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;
use terraform_provider_acr::patching::TaskName;

use crate::property::step::{CliCall, Edit, UnrelatedChange};
use crate::property::world::World;

/// A task definition of a user.
const YAML: &str = "version: v1.1.0\nsteps:\n  - cmd: bash echo hello\n";
/// A condition of a role assignment.
const CONDITION: &str =
    "(@Resource[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a')";
/// A policy that a user passes to the CLI.
const POLICY: &str = r#"{"version":"v1","tag-convention":"floating","repositories":[
    {"repository":"alpine","tags":["*"],"enabled":false},{"repository":"debian","tags":["12"]}]}"#;

impl World {
    /// Edits the workflow in the portal.
    pub(super) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::DeleteTask(name) => _ = self.registry().delete_task(name.as_str()),
            Edit::DisableTask(name) => {
                self.change(name, |task| {
                    task.properties.status = Some("Disabled".to_owned());
                });
            }
            Edit::Timeout(name) => self.change(name, |task| task.properties.timeout = Some(600)),
            Edit::Cpu(name) => self.change(name, |task| {
                let machine = task.properties.agent_configuration.as_mut();
                machine.unwrap().cpu = 4;
            }),
            Edit::RemoveTags(name) => self.change(name, |task| task.tags.clear()),
            Edit::AddTag(name) => self.change(name, |task| {
                task.tags.insert("cost-center".to_owned(), "7".to_owned());
            }),
            Edit::Definition(name) => self.change(name, |task| {
                task.properties.step.as_mut().unwrap().encoded_task_content = STANDARD.encode(YAML);
            }),
            Edit::RemoveCredentials(name) => {
                self.change(name, |task| task.properties.credentials = None);
            }
            Edit::RemoveIdentity(name) => self.set_identity(name, "None"),
            Edit::RenewIdentity(name) => {
                self.set_identity(name, "None");
                self.set_identity(name, "SystemAssigned");
            }
            Edit::DisableTimer => self.change_timers(|timers| {
                for timer in timers {
                    timer.status = Some("Disabled".to_owned());
                }
            }),
            Edit::RenameTimer => self.change_timers(|timers| {
                for timer in timers {
                    timer.name.push_str("_of_mine");
                }
            }),
            Edit::AddTimer => self.change_timers(|timers| {
                timers.push(TimerTrigger {
                    schedule: "0 12 * * *".to_owned(),
                    status: Some("Enabled".to_owned()),
                    name: format!("timer{}", timers.len()),
                });
            }),
            Edit::RemoveTimers => self.change_timers(Vec::clear),
            Edit::OddCron => self.change_timers(|timers| {
                for timer in timers {
                    timer.schedule = "0 0 * * 1".to_owned();
                }
            }),
            Edit::DeleteAssignment(n) => {
                let grants = self.grants();
                if let Some(grant) = grants.get(n) {
                    self.revoke(grant);
                }
            }
            Edit::AddCondition(n) => {
                let grants = self.grants();
                if let Some(grant) = grants.get(n) {
                    self.azure.set_condition(&grant.name, Some(CONDITION));
                }
            }
            Edit::SwitchPermissions => self.switch_permissions(),
            Edit::DeletePolicy => _ = self.registry().remove_policy(),
            Edit::SpoilPolicy => _ = self.registry().push_policy("not a policy"),
        }
    }

    /// Calls the CLI. It may return an error and leave a partial workflow.
    pub(super) fn call(&self, call: CliCall) -> Result<(), CliError> {
        let registry = self.registry();
        match call {
            CliCall::Create {
                generation,
                group,
                days,
                failing_at,
            } => {
                let create = CliCreate::new(generation)
                    .schedule(&format!("{days}d"))
                    .group_case(group);
                match failing_at {
                    Some(step) if self.tasks().len() < TaskName::ALL.len() => {
                        registry.cli_create_failing_at(step, create);
                        Ok(())
                    }
                    _ => registry.cli_create(create),
                }
            }
            CliCall::UpdateSchedule(generation, days) => {
                registry.cli_update(generation, Some(&format!("{days}d")), None)
            }
            CliCall::UpdateConfig(generation) => {
                registry.cli_update(generation, None, Some(POLICY))
            }
            CliCall::Delete => registry.cli_delete(),
        }
    }

    /// Changes unrelated resources.
    pub(super) fn change_unrelated(&mut self, change: UnrelatedChange) {
        match change {
            UnrelatedChange::GrantPrincipal(n) => {
                let role = [roles::ACR_PULL, roles::TASKS_CONTRIBUTOR, roles::OWNER][n];
                let principal = format!("5a5a5a5a-0000-4000-8000-00000000000{n}");
                self.grant(role, &principal);
            }
            UnrelatedChange::GrantTask(name) => {
                let unneeded = match name {
                    TaskName::Trigger => roles::ACR_PUSH,
                    TaskName::Scan => roles::READER,
                    TaskName::Patch => roles::REPOSITORY_READER,
                };
                let identity = self.task(name).and_then(|task| task.identity);
                if let Some(identity) = identity {
                    self.grant(unneeded, &identity.principal_id);
                }
            }
            UnrelatedChange::PutTask => {
                let body = json!({
                    "location": "westeurope",
                    "properties": {
                        "platform": {"os": "linux", "architecture": "amd64"},
                        "step": {
                            "type": "EncodedTask",
                            "encodedTaskContent": STANDARD.encode(YAML),
                        },
                    },
                });
                self.write_task(Method::PUT, "nightly", &body);
            }
            UnrelatedChange::PushImage(n) => {
                let repository = ["python", "csscpolicies/mine", "team/api"][n];
                self.registry().push_image(repository, "3.11", Fate::Clean);
            }
        }
    }

    fn change(&self, name: TaskName, change: impl FnOnce(&mut Task)) {
        self.registry().edit_task(name.as_str(), change);
    }

    fn change_timers(&self, change: impl FnOnce(&mut Vec<TimerTrigger>)) {
        self.change(TaskName::Trigger, |task| {
            let trigger = task.properties.trigger.get_or_insert_default();
            change(&mut trigger.timer_triggers);
        });
    }

    fn set_identity(&self, name: TaskName, kind: &str) {
        if self.task(name).is_some() {
            let body = json!({"identity": {"type": kind}});
            self.write_task(Method::PATCH, name.as_str(), &body);
        }
    }
}
