//! The effects of `az acr supply-chain workflow` on a registry, in each generation, complete or interrupted.
//!
//! Tasks and role assignments go through the same ARM handlers as any request. The same checks, defaults and
//! delays apply to them. The task definitions are placeholders that differ from the provider's own.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::pipeline::{PATCH, SCAN, TRIGGER};
use crate::registry::Registry;
use crate::roles;
use crate::state::World;

/// The api-versions that the CLI uses.
const TASKS: &str = "2019-06-01-preview";
const ASSIGNMENTS: &str = "2022-04-01";
/// The UUID namespace of the template function `guid()`.
const ARM_GUID: Uuid = Uuid::from_u128(0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830);
const POLICY: &str =
    r#"{"version":"v1","repositories":[{"repository":"python","tags":["*"],"enabled":true}]}"#;

/// A generation of the template deployed by the Azure CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// The first generation: Contributor for the trigger task and the scan task.
    Contributor,
    /// The later generation: Container Registry Tasks Contributor for both tasks.
    TasksContributor,
}

/// The letter case of the resource group in the IDs from which a deployment derives role assignment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupCase {
    /// As created.
    AsStored,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
}

/// A step of `workflow create`, in order, after it has pushed the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say which resource is created")]
pub enum CliStep {
    PatchTask,
    ScanTask,
    TriggerTask,
    ScanAssignment,
    TriggerAssignment,
}

/// The options of `workflow create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliCreate {
    generation: Generation,
    schedule: String,
    policy: String,
    group_case: GroupCase,
}

impl CliCreate {
    /// Selects all tags of `python`, with a daily schedule.
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

/// An error of the CLI. The resources created before it remain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// ARM's code, such as `RoleAssignmentUpdateNotPermitted`, or `AlreadyExists`, `DoesNotExist` or
    /// `Interrupted`.
    pub code: String,
    /// The error message, from ARM or from the CLI.
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

    /// Returns a short, valid task definition in Base64, different in each generation.
    fn definition(self, task: &str) -> String {
        let generation = match self {
            Self::Contributor => "first",
            Self::TasksContributor => "later",
        };
        BASE64_STANDARD.encode(format!(
            "version: v1.1.0\nsteps:\n  - cmd: bash echo '{task} of the {generation} generation'\n"
        ))
    }

    /// Returns the body of a task in the template.
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
    /// Runs `workflow create`, and stops before the step `failing_at` if given.
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
                return Err(CliError::new(
                    "Interrupted",
                    "the deployment was interrupted",
                ));
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

    /// Runs `workflow update`: sets the policy, the schedule, and the task definitions of `generation`.
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

    /// Runs `workflow delete`: cancels active runs, then deletes tasks with role assignments, then the policy.
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
            .ok_or_else(|| CliError::new("ResourceNotFound", "registry not found"))
    }

    /// Pushes a policy under the name of a temporary file.
    fn cli_push_policy(&mut self, registry: &str, document: &str) {
        let title = format!("cssc_config_tmp_{:08}", self.next_number());
        self.push_policy_titled(registry, &title, document);
    }

    /// Assigns the generation's role to a task's identity, under the name that the template computes.
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

    /// Returns the cron expression of a schedule, at the current hour and minute.
    fn cron_of_now(&self, schedule: &str) -> Result<String, CliError> {
        let days = schedule
            .strip_suffix('d')
            .filter(|days| (1..=30).contains(&days.parse().unwrap_or(0)))
            .ok_or_else(|| {
                CliError::new("InvalidSchedule", "the schedule must be between 1d and 30d")
            })?;
        Ok(format!("{} */{days} * *", self.now().strftime("%-M %-H")))
    }

    fn cli_request(
        &mut self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Result<(), CliError> {
        self.behind_the_scenes(method, &format!("{path}?api-version={version}"), body)
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
