//! The tasks as we set them up, how a task that is there differs from that, and the request that
//! makes up the difference.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::azure::task::{
    AgentConfiguration, Credentials, CustomRegistry, Identity, Platform, SourceRegistry, Step,
    Task, TaskBody, TaskPatch, TaskProperties, TimerTrigger, Trigger,
};
use crate::digest::sha256;
use crate::patching::schedule::TIMER_NAME;
use crate::patching::task_definition::yaml;
use crate::patching::{Policy, TaskName};
use crate::workflow::registry_facts::Facts;

const CPU: u32 = 2;
const TIMEOUT_SECONDS: u32 = 3600;
const SYSTEM_ASSIGNED: &str = "SystemAssigned";
const SYSTEM_IDENTITY: &str = "[system]";
/// The login mode in which only the identity counts.
const NO_OTHER_LOGIN: &str = "None";
const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";
/// The portal and the Azure CLI know the tasks of a workflow by these.
const TAGS: [(&str, &str); 2] = [("clienttracking", "true"), ("cssc", "true")];

/// A workflow as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Desired {
    /// The registry.
    pub(crate) facts: Facts,
    /// The policy.
    pub(crate) policy: Policy,
    /// When the timer fires.
    pub(crate) cron: String,
    /// Whether it does.
    pub(crate) enabled: bool,
}

/// A part of a task that we set up, in the words of Azure's API, which plans show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Provisioning,
    Status,
    Definition,
    Values,
    Identity,
    Credentials,
    Platform,
    Cpu,
    Timeout,
    Tags,
    Timer,
}

/// The request that brings one task to where it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TaskChange {
    /// Create it, or replace it where a patch can't do.
    Put(Box<TaskBody>),
    /// Change these parts of it.
    Patch(Box<TaskPatch>),
}

impl Part {
    /// What state shows of it in a task's `status`; [`None`] where other attributes show it.
    pub(crate) const fn shown_as(self) -> Option<&'static str> {
        match self {
            Self::Status | Self::Definition | Self::Timer => None,
            Self::Provisioning => Some("provisioningState"),
            Self::Values => Some("values"),
            Self::Identity => Some("identity"),
            Self::Credentials => Some("credentials"),
            Self::Platform => Some("platform"),
            Self::Cpu => Some("cpu"),
            Self::Timeout => Some("timeout"),
            Self::Tags => Some("tags"),
        }
    }
}

impl Desired {
    /// The whole of one task.
    pub(crate) fn task(&self, task: TaskName) -> TaskBody {
        TaskBody {
            location: self.facts.location.clone(),
            tags: tags(),
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

    /// The request that makes `task` what it should be; [`None`] where it is.
    pub(crate) fn change(&self, task: TaskName, observed: Option<&Task>) -> Option<TaskChange> {
        let Some(observed) = observed else {
            return Some(TaskChange::Put(Box::new(self.task(task))));
        };
        let put = || {
            let mut body = self.task(task);
            body.tags = with_tags_of(observed);
            Some(TaskChange::Put(Box::new(body)))
        };
        let mut parts = differences(task, observed, &self.facts.login_server);
        if task == TaskName::Trigger && !self.timer_fits(observed) {
            parts.push(Part::Timer);
        }
        let other_timers = !matches!(timers(observed), [timer] if timer.name == TIMER_NAME);
        match parts[..] {
            [] => None,
            // A failed provisioning is only mended by doing it again. And a patch merges timers
            // by name, so it can't remove one.
            _ if parts.contains(&Part::Provisioning) => put(),
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
            tags: differs(Part::Tags).then(|| with_tags_of(observed)),
            properties: (properties != TaskProperties::default()).then_some(properties),
        }
    }

    fn trigger(&self) -> Trigger {
        Trigger {
            timer_triggers: vec![TimerTrigger {
                name: TIMER_NAME.to_owned(),
                schedule: self.cron.clone(),
                status: Some(if self.enabled { ENABLED } else { DISABLED }.to_owned()),
            }],
        }
    }

    fn timer_fits(&self, observed: &Task) -> bool {
        match timers(observed) {
            [timer] => {
                timer.name == TIMER_NAME
                    && timer.schedule == self.cron
                    && is_enabled(timer.status.as_deref()) == self.enabled
            }
            _ => false,
        }
    }
}

/// How a task differs from ours, its timer left aside: state has attributes for that.
pub(crate) fn differences(task: TaskName, observed: &Task, login_server: &str) -> Vec<Part> {
    let properties = &observed.properties;
    let same = |a: Option<&str>, b: &str| a.is_some_and(|a| a.eq_ignore_ascii_case(b));
    let provisioned = properties.provisioning_state.as_deref();
    let platform_fits = properties.platform.as_ref().is_some_and(|platform| {
        same(Some(&platform.os), "linux") && same(platform.architecture.as_deref(), "amd64")
    });
    let identity_fits = observed.identity.as_ref().is_some_and(|identity| {
        let mut kinds = identity.kind.split(',').map(str::trim);
        kinds.any(|kind| kind.eq_ignore_ascii_case(SYSTEM_ASSIGNED))
    });
    // A run gives the values that its definition needs.
    let values_fit = properties
        .step
        .as_ref()
        .is_none_or(|step| step.values.is_empty());
    let tags_fit = TAGS
        .iter()
        .all(|&(name, value)| observed.tags.get(name).is_some_and(|tag| tag == value));
    let cpu = properties.agent_configuration.as_ref();
    [
        (
            Part::Provisioning,
            !same(provisioned, "Failed") && !same(provisioned, "Canceled"),
        ),
        (Part::Status, is_enabled(properties.status.as_deref())),
        (
            Part::Definition,
            definition(observed).as_deref() == Some(&sha256(yaml(task).as_bytes())),
        ),
        (Part::Values, values_fit),
        (Part::Identity, identity_fits),
        (Part::Credentials, credentials_fit(observed, login_server)),
        (Part::Platform, platform_fits),
        (Part::Cpu, cpu.is_some_and(|agent| agent.cpu == Some(CPU))),
        (Part::Timeout, properties.timeout == Some(TIMEOUT_SECONDS)),
        (Part::Tags, tags_fit),
    ]
    .into_iter()
    .filter_map(|(part, fits)| (!fits).then_some(part))
    .collect()
}

/// The digest of the YAML that a task runs; [`None`] where it runs something else.
pub(crate) fn definition(observed: &Task) -> Option<String> {
    let step = observed.properties.step.as_ref()?;
    let content = STANDARD
        .decode(step.encoded_task_content.as_deref()?)
        .ok()?;
    Some(sha256(&content))
}

/// The timers of a task.
pub(crate) fn timers(observed: &Task) -> &[TimerTrigger] {
    observed
        .properties
        .trigger
        .as_ref()
        .map_or(&[], |trigger| &trigger.timer_triggers)
}

/// Azure leaves the status out where it is the default, and spells it as it likes.
pub(crate) fn is_enabled(status: Option<&str>) -> bool {
    status.is_none_or(|status| status.eq_ignore_ascii_case(ENABLED))
}

fn credentials_fit(observed: &Task, login_server: &str) -> bool {
    let system = |identity: Option<&str>| identity == Some(SYSTEM_IDENTITY);
    observed
        .properties
        .credentials
        .as_ref()
        .is_some_and(|given| {
            let source = given.source_registry.as_ref();
            let custom = given
                .custom_registries
                .iter()
                .find(|(host, _)| host.eq_ignore_ascii_case(login_server));
            source.is_some_and(|source| {
                let mode = source.login_mode.as_deref();
                system(source.identity.as_deref())
                    && mode.is_none_or(|mode| mode.eq_ignore_ascii_case(NO_OTHER_LOGIN))
            }) && custom.is_some_and(|(_, custom)| system(custom.identity.as_deref()))
        })
}

/// A request replaces all tags; those of others stay.
fn with_tags_of(observed: &Task) -> BTreeMap<String, String> {
    let mut all = observed.tags.clone();
    all.extend(tags());
    all
}

fn tags() -> BTreeMap<String, String> {
    TAGS.iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
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

/// With an identity, a task still has to be told to log in with it: to its own registry, and to
/// the same by its login server, where network rules and ABAC look.
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
