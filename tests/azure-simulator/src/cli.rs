//! What `az acr supply-chain workflow` does to a registry: its workflow in each generation, whole or left half-done.
//!
//! Tasks and role assignments are written by the same requests that ARM takes from anyone, so that they are checked,
//! completed and late like all others. The task definitions are stand-ins: what counts is that they aren't ours.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::pipeline::{PATCH, SCAN, TRIGGER};
use crate::registry::Registry;
use crate::state::World;
use crate::wire::Call;
use crate::{arm, roles};

/// The api-versions that the CLI uses.
const TASKS: &str = "2019-06-01-preview";
const ASSIGNMENTS: &str = "2022-04-01";
/// The namespace of the GUIDs that a template's `guid()` makes.
const ARM_GUID: Uuid = Uuid::from_u128(0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830);
const POLICY: &str =
    r#"{"version":"v1","repositories":[{"repository":"python","tags":["*"],"enabled":true}]}"#;

/// A generation of the template that the Azure CLI deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The first: Contributor for the trigger task and the scan task.
    Contributor,
    /// The later one: Container Registry Tasks Contributor for both.
    TasksContributor,
}

/// The letter case of the resource group in the ids from which a deployment makes the names of role assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupCase {
    /// As the group was created.
    AsStored,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
}

/// What a create makes, in this order, after it has pushed the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each names what is made")]
pub enum CliStep {
    PatchTask,
    ScanTask,
    TriggerTask,
    ScanAssignment,
    TriggerAssignment,
}

/// A create by the CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliCreate {
    generation: Generation,
    schedule: String,
    policy: String,
    group_case: GroupCase,
}

impl CliCreate {
    /// Every tag of `python`, every day.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        Self {
            generation,
            schedule: "1d".to_owned(),
            policy: POLICY.to_owned(),
            group_case: GroupCase::AsStored,
        }
    }

    /// Sets the schedule, such as `7d`.
    #[must_use]
    pub fn schedule(mut self, schedule: &str) -> Self {
        schedule.clone_into(&mut self.schedule);
        self
    }

    /// Sets the policy document.
    #[must_use]
    pub fn policy(mut self, document: &str) -> Self {
        document.clone_into(&mut self.policy);
        self
    }

    /// Sets the letter case of the resource group in the names of the role assignments.
    #[must_use]
    pub fn group_case(mut self, case: GroupCase) -> Self {
        self.group_case = case;
        self
    }
}

impl From<Generation> for CliCreate {
    fn from(generation: Generation) -> Self {
        Self::new(generation)
    }
}

/// Why the CLI gave up; what it made until then stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// ARM's code, such as `RoleAssignmentUpdateNotPermitted`, or `AlreadyExists`, `DoesNotExist` or `Interrupted`.
    pub code: String,
    /// What ARM said.
    pub message: String,
}

impl CliError {
    fn new(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Error for CliError {}

impl Generation {
    fn role(self) -> &'static str {
        match self {
            Self::Contributor => roles::CONTRIBUTOR,
            Self::TasksContributor => roles::TASKS_CONTRIBUTOR,
        }
    }

    /// The task's definition, encoded: short, valid, and another one in each generation.
    fn definition(self, task: &str) -> String {
        let generation = match self {
            Self::Contributor => "first",
            Self::TasksContributor => "later",
        };
        BASE64_STANDARD.encode(format!(
            "version: v1.1.0\nsteps:\n  - cmd: bash echo '{task} of the {generation} generation'\n"
        ))
    }

    /// The body of a task as the template has it.
    fn task(self, task: &str, location: &str, timer: &str) -> Value {
        let mut body = json!({
            "location": location,
            "tags": {"cssc": "true"},
            "properties": {
                "platform": {"os": "linux", "architecture": "amd64"},
                "agentConfiguration": {"cpu": 2},
                "timeout": 3600,
                "status": "Enabled",
                "step": {"type": "EncodedTask", "encodedTaskContent": self.definition(task), "values": []},
                "isSystemTask": false,
            },
        });
        if task != SCAN {
            body["tags"]["clienttracking"] = "true".into();
        }
        if task != PATCH {
            body["identity"] = json!({"type": "SystemAssigned"});
        }
        if task == TRIGGER {
            body["properties"]["trigger"] = timers(timer);
        }
        body
    }
}

impl World {
    /// `workflow create`, up to and without that step if there is one.
    pub(crate) fn cli_create(
        &mut self,
        registry: &str,
        create: &CliCreate,
        failing_at: Option<CliStep>,
    ) -> Result<(), CliError> {
        let found = self.cli_registry(registry)?;
        let (id, location) = (found.id(), found.spec.location.clone());
        if [PATCH, SCAN, TRIGGER]
            .iter()
            .all(|task| found.tasks.contains_key(*task))
        {
            return Err(CliError::new(
                "AlreadyExists",
                "continuouspatchv1 workflow already exists",
            ));
        }
        self.cli_push_policy(registry, &create.policy);
        let timer = self.cron_of_now(&create.schedule)?;
        let steps = [
            (CliStep::PatchTask, PATCH),
            (CliStep::ScanTask, SCAN),
            (CliStep::TriggerTask, TRIGGER),
            (CliStep::ScanAssignment, SCAN),
            (CliStep::TriggerAssignment, TRIGGER),
        ];
        for (step, task) in steps {
            if failing_at == Some(step) {
                return Err(CliError::new("Interrupted", "the deployment was cut short"));
            }
            match step {
                CliStep::PatchTask | CliStep::ScanTask | CliStep::TriggerTask => {
                    let body = create.generation.task(task, &location, &timer);
                    let path = format!("{id}/tasks/{task}");
                    self.cli_request(Method::PUT, &path, TASKS, Some(&body))?;
                }
                CliStep::ScanAssignment | CliStep::TriggerAssignment => {
                    self.cli_assign(registry, task, create)?;
                }
            }
        }
        Ok(())
    }

    /// `workflow update`: another policy, another schedule, and the definitions of its own generation.
    pub(crate) fn cli_update(
        &mut self,
        registry: &str,
        generation: Generation,
        schedule: Option<&str>,
        policy: Option<&str>,
    ) -> Result<(), CliError> {
        let found = self.cli_registry(registry)?;
        let id = found.id();
        let mut stale = Vec::new();
        for task in [TRIGGER, SCAN, PATCH] {
            let stored = found.tasks.get(task).ok_or_else(|| {
                CliError::new("DoesNotExist", "continuouspatchv1 workflow does not exist")
            })?;
            let step = stored.properties.step.as_ref();
            let wanted = generation.definition(task);
            if step.is_none_or(|step| step.encoded_task_content != wanted) {
                stale.push((task, wanted));
            }
        }
        if let Some(policy) = policy {
            self.cli_push_policy(registry, policy);
        }
        for (task, definition) in stale {
            let step = json!({"type": "EncodedTask", "encodedTaskContent": definition});
            let body = json!({"properties": {"step": step}});
            self.cli_request(
                Method::PATCH,
                &format!("{id}/tasks/{task}"),
                TASKS,
                Some(&body),
            )?;
        }
        if let Some(schedule) = schedule {
            let trigger = timers(&self.cron_of_now(schedule)?);
            let body = json!({"properties": {"trigger": trigger}});
            self.cli_request(
                Method::PATCH,
                &format!("{id}/tasks/{TRIGGER}"),
                TASKS,
                Some(&body),
            )?;
        }
        Ok(())
    }

    /// `workflow delete`: active runs, then each task that is there with its identity's assignments, then the policy.
    pub(crate) fn cli_delete(&mut self, registry: &str) -> Result<(), CliError> {
        let found = self.cli_registry(registry)?;
        let id = found.id();
        let active = found.runs.iter().filter(|run| run.status.is_active());
        let active: Vec<String> = active.map(|run| run.id.clone()).collect();
        for run in active {
            self.cli_request(
                Method::POST,
                &format!("{id}/runs/{run}/cancel"),
                TASKS,
                None,
            )?;
        }
        for task in [TRIGGER, SCAN, PATCH] {
            let Some(stored) = self.cli_registry(registry)?.tasks.get(task) else {
                continue;
            };
            let principal = stored.principal_id().map(str::to_owned);
            let own = self.role_assignments.iter().filter(|assignment| {
                Some(&assignment.principal_id) == principal.as_ref()
                    && assignment.scope.eq_ignore_ascii_case(&id)
            });
            let own: Vec<String> = own.map(|assignment| assignment.id()).collect();
            for assignment in own {
                self.cli_request(Method::DELETE, &assignment, ASSIGNMENTS, None)?;
            }
            self.cli_request(Method::DELETE, &format!("{id}/tasks/{task}"), TASKS, None)?;
        }
        self.remove_policy(registry);
        Ok(())
    }

    fn cli_registry(&self, name: &str) -> Result<&Registry, CliError> {
        self.registry(name)
            .ok_or_else(|| CliError::new("ResourceNotFound", "there is no such registry"))
    }

    /// Pushes a policy from a file with a name for the moment.
    fn cli_push_policy(&mut self, registry: &str, document: &str) {
        let title = format!("cssc_config_tmp_{:08}", self.next_number());
        self.push_policy_titled(registry, &title, document);
    }

    /// Gives a task's identity the generation's role, under the name that the template computes.
    fn cli_assign(
        &mut self,
        registry: &str,
        task: &str,
        create: &CliCreate,
    ) -> Result<(), CliError> {
        let found = self.cli_registry(registry)?;
        let principal = found
            .tasks
            .get(task)
            .and_then(|stored| stored.principal_id())
            .ok_or_else(|| CliError::new("InvalidTemplate", "the task has no identity"))?;
        let spec = &found.spec;
        let role = format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
            spec.subscription,
            create.generation.role()
        );
        let group = match create.group_case {
            GroupCase::AsStored => spec.resource_group.clone(),
            GroupCase::Lower => spec.resource_group.to_lowercase(),
            GroupCase::Upper => spec.resource_group.to_uppercase(),
        };
        let hashed = format!(
            "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.ContainerRegistry/registries/{}/tasks/{task}-{role}",
            spec.subscription, spec.name
        );
        let name = Uuid::new_v5(&ARM_GUID, hashed.as_bytes());
        let body = json!({"properties": {
            "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}});
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            found.id()
        );
        self.cli_request(Method::PUT, &path, ASSIGNMENTS, Some(&body))
    }

    /// The cron expression of a schedule, with the minute and the hour of the moment.
    fn cron_of_now(&self, schedule: &str) -> Result<String, CliError> {
        let days = schedule
            .strip_suffix('d')
            .filter(|days| (1..=30).contains(&days.parse().unwrap_or(0)))
            .ok_or_else(|| CliError::new("InvalidSchedule", "a schedule is 1d to 30d"))?;
        Ok(format!("{} */{days} * *", self.now().strftime("%-M %-H")))
    }

    fn cli_request(
        &mut self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Result<(), CliError> {
        let host = self.cloud.arm_host();
        let call = Call {
            method,
            host: host.to_owned(),
            authority: host.to_owned(),
            path: path.to_owned(),
            query: format!("api-version={version}"),
            headers: HeaderMap::new(),
            body: body.map(ToString::to_string).unwrap_or_default().into(),
        };
        arm::behind_the_scenes(self, &call)
            .map(drop)
            .map_err(|reply| {
                let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let text = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
                CliError {
                    code: text("code"),
                    message: text("message"),
                }
            })
    }
}

fn timers(schedule: &str) -> Value {
    json!({"timerTriggers": [{"name": "azcli_defined_schedule", "schedule": schedule}]})
}
