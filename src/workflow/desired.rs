//! The desired workflow, and the request that brings a task to its desired state.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::azure::task::{
    AgentConfiguration, Credentials, CustomRegistry, Identity, Platform, SourceRegistry, Step,
    Task, TaskBody, TaskPatch, TaskProperties, TimerTrigger, Trigger,
};
use crate::patching::schedule::TIMER_NAME;
use crate::patching::task_definition::yaml;
use crate::patching::{Policy, TaskName};
use crate::workflow::registry_facts::RegistryFacts;
use crate::workflow::task_drift::{
    CPU, ENABLED, NO_OTHER_LOGIN, Part, SYSTEM_IDENTITY, TAGS, TIMEOUT_SECONDS, UNFINISHED,
    find_differences, is_enabled, mark, timers,
};

const DISABLED: &str = "Disabled";

/// The desired workflow.
#[derive(Clone, Debug)]
pub(crate) struct Desired {
    /// The registry.
    pub(crate) facts: RegistryFacts,
    /// The policy.
    pub(crate) policy: Policy,
    /// The cron expression of the timer.
    pub(crate) cron: String,
    /// Whether the timer is enabled.
    pub(crate) enabled: bool,
    /// The mark of the trigger task while the workflow is unfinished. A marked workflow never runs, because
    /// its timer is disabled.
    pub(crate) mark: Option<String>,
}

/// The request that brings one task to its desired state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TaskChange {
    /// Create the task, or replace it if a PATCH is not enough.
    Put(Box<TaskBody>),
    /// Change these parts of the task.
    Patch(Box<TaskPatch>),
}

impl TaskChange {
    /// Returns `task` after this change.
    pub(crate) fn applied_to(&self, task: &Task) -> Task {
        let mut task = task.clone();
        match self {
            Self::Put(body) => {
                task.tags.clone_from(&body.tags);
                let state = task.properties.provisioning_state.take();
                task.properties = TaskProperties {
                    provisioning_state: state,
                    ..body.properties.clone()
                };
            }
            Self::Patch(patch) => {
                if let Some(tags) = &patch.tags {
                    task.tags.clone_from(tags);
                }
                if let Some(changed) = &patch.properties {
                    task.properties = changed.clone().or(task.properties);
                }
            }
        }
        task
    }
}

impl Desired {
    /// Returns the complete body of one task.
    pub(crate) fn task(&self, task: TaskName) -> TaskBody {
        TaskBody {
            location: self.facts.location.clone(),
            tags: self.tags(task),
            identity: Some(Identity::system_assigned()),
            properties: TaskProperties {
                status: Some(ENABLED.to_owned()),
                platform: Some(platform()),
                agent_configuration: Some(AgentConfiguration { cpu: Some(CPU) }),
                timeout: Some(TIMEOUT_SECONDS),
                step: Some(step(task)),
                trigger: (task == TaskName::Trigger).then(|| self.trigger()),
                credentials: Some(credentials(&self.facts.login_server)),
                is_system_task: Some(false),
                ..TaskProperties::default()
            },
        }
    }

    /// Returns the request that brings `task` to its desired state, or [`None`] if it matches already.
    pub(crate) fn change(&self, task: TaskName, observed: Option<&Task>) -> Option<TaskChange> {
        let Some(observed) = observed else {
            return Some(TaskChange::Put(Box::new(self.task(task))));
        };
        let put = || {
            let mut body = self.task(task);
            body.tags = self.with_tags_of(task, observed);
            Some(TaskChange::Put(Box::new(body)))
        };
        let mut parts = find_differences(task, observed, &self.facts.login_server);
        if task == TaskName::Trigger {
            if !self.timer_fits(observed) {
                parts.push(Part::Timer);
            }
            parts.retain(|part| *part != Part::Unfinished);
            if mark(observed) != self.mark.as_deref() {
                parts.push(Part::Unfinished);
            }
        }
        let other_timers = !matches!(timers(observed), [timer] if timer.name == TIMER_NAME);
        match parts[..] {
            [] => None,
            // Only a PUT repairs a failed provisioning. A PATCH merges triggers by name, so it can't remove
            // one.
            _ if parts.contains(&Part::Provisioning) || parts.contains(&Part::Triggers) => put(),
            _ if parts.contains(&Part::Timer) && other_timers => put(),
            _ => Some(TaskChange::Patch(Box::new(
                self.patch(task, observed, &parts),
            ))),
        }
    }

    fn patch(&self, task: TaskName, observed: &Task, parts: &[Part]) -> TaskPatch {
        let differs = |part| parts.contains(&part);
        let properties = TaskProperties {
            status: differs(Part::Status).then(|| ENABLED.to_owned()),
            platform: differs(Part::Platform).then(platform),
            agent_configuration: differs(Part::Cpu)
                .then_some(AgentConfiguration { cpu: Some(CPU) }),
            timeout: differs(Part::Timeout).then_some(TIMEOUT_SECONDS),
            step: (differs(Part::Definition) || differs(Part::Values)).then(|| step(task)),
            trigger: differs(Part::Timer).then(|| self.trigger()),
            credentials: differs(Part::Credentials).then(|| credentials(&self.facts.login_server)),
            ..TaskProperties::default()
        };
        TaskPatch {
            identity: differs(Part::Identity).then(Identity::system_assigned),
            tags: (differs(Part::Tags) || differs(Part::Unfinished))
                .then(|| self.with_tags_of(task, observed)),
            properties: (properties != TaskProperties::default()).then_some(properties),
        }
    }

    fn trigger(&self) -> Trigger {
        Trigger {
            timer_triggers: vec![TimerTrigger {
                name: TIMER_NAME.to_owned(),
                schedule: self.cron.clone(),
                status: Some(if self.is_armed() { ENABLED } else { DISABLED }.to_owned()),
            }],
            ..Trigger::default()
        }
    }

    /// Whether the timer starts runs.
    fn is_armed(&self) -> bool {
        self.enabled && self.mark.is_none()
    }

    fn tags(&self, task: TaskName) -> BTreeMap<String, String> {
        let mark = self.mark.as_deref().filter(|_| task == TaskName::Trigger);
        let mark = mark.map(|mark| (UNFINISHED, mark));
        TAGS.into_iter()
            .chain(mark)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// A request replaces all tags, so this keeps the other tags of the task.
    fn with_tags_of(&self, task: TaskName, observed: &Task) -> BTreeMap<String, String> {
        let mut all = observed.tags.clone();
        all.remove(UNFINISHED);
        all.extend(self.tags(task));
        all
    }

    fn timer_fits(&self, observed: &Task) -> bool {
        match timers(observed) {
            [timer] => {
                timer.name == TIMER_NAME
                    && timer.schedule == self.cron
                    && is_enabled(timer.status.as_deref()) == self.is_armed()
            }
            _ => false,
        }
    }
}

fn platform() -> Platform {
    Platform {
        os: "linux".to_owned(),
        architecture: Some("amd64".to_owned()),
    }
}

fn step(task: TaskName) -> Step {
    Step {
        kind: "EncodedTask".to_owned(),
        encoded_task_content: Some(STANDARD.encode(yaml(task))),
        values: Vec::new(),
    }
}

/// An identity alone is not enough: the task must also be configured to log in with it. It has an entry
/// for its own registry and one for the login server. Network rules and ABAC depend on them.
fn credentials(login_server: &str) -> Credentials {
    Credentials {
        source_registry: Some(SourceRegistry {
            login_mode: Some(NO_OTHER_LOGIN.to_owned()),
            identity: Some(SYSTEM_IDENTITY.to_owned()),
        }),
        custom_registries: [(
            login_server.to_owned(),
            CustomRegistry {
                identity: Some(SYSTEM_IDENTITY.to_owned()),
            },
        )]
        .into(),
    }
}
