//! Compares an existing task with the task that this engine creates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::azure::task::{Task, TimerTrigger};
use crate::digest::sha256;
use crate::patching::TaskName;
use crate::patching::task_definition::yaml_digest;

pub(crate) const CPU: u32 = 2;
pub(crate) const TIMEOUT_SECONDS: u32 = 3600;
const SYSTEM_ASSIGNED: &str = "SystemAssigned";
pub(crate) const SYSTEM_IDENTITY: &str = "[system]";
/// The login mode that uses only the identity.
pub(crate) const NO_OTHER_LOGIN: &str = "None";
pub(crate) const ENABLED: &str = "Enabled";
/// The tags by which the portal and the Azure CLI recognise a workflow's tasks.
pub(crate) const TAGS: [(&str, &str); 2] = [("clienttracking", "true"), ("cssc", "true")];
/// The tag of a trigger task whose workflow is not complete yet. Its value names the apply that creates the
/// workflow. Until that apply removes the tag, the timer is disabled.
pub(crate) const UNFINISHED: &str = "cssc-unfinished";

/// A part of a task that the engine manages. Plans show its name from Azure's API.
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
    /// Triggers that only another tool adds.
    Triggers,
    /// The mark of an unfinished workflow.
    Unfinished,
}

impl Part {
    /// Returns the name in Azure's API if a task's status lists this part, or [`None`] if another
    /// attribute shows it.
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
            Self::Triggers => Some("trigger"),
            Self::Unfinished => Some("tag cssc-unfinished"),
        }
    }
}

/// Returns how a task differs from the desired task, except for its timer. The timer has its own
/// attributes in the state.
pub(crate) fn find_differences(task: TaskName, observed: &Task, login_server: &str) -> Vec<Part> {
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
    // A run passes the values that its definition needs, so the task itself has no values.
    let values_fit = properties
        .step
        .as_ref()
        .is_none_or(|step| step.values.is_empty());
    let tags_fit = TAGS
        .iter()
        .all(|&(name, value)| observed.tags.get(name).is_some_and(|tag| tag == value));
    let cpu = properties.agent_configuration.as_ref();
    let triggers_fit = properties.trigger.as_ref().is_none_or(|trigger| {
        let has_timers = !trigger.timer_triggers.is_empty();
        !trigger.has_other_triggers() && (task == TaskName::Trigger || !has_timers)
    });
    [
        (
            Part::Provisioning,
            !same(provisioned, "Failed") && !same(provisioned, "Canceled"),
        ),
        (Part::Status, is_enabled(properties.status.as_deref())),
        (
            Part::Definition,
            definition(observed).as_deref() == Some(&yaml_digest(task)),
        ),
        (Part::Values, values_fit),
        (Part::Identity, identity_fits),
        (Part::Credentials, credentials_fit(observed, login_server)),
        (Part::Platform, platform_fits),
        (Part::Cpu, cpu.is_some_and(|agent| agent.cpu == Some(CPU))),
        (Part::Timeout, properties.timeout == Some(TIMEOUT_SECONDS)),
        (Part::Tags, tags_fit),
        (Part::Triggers, triggers_fit),
        (Part::Unfinished, mark(observed).is_none()),
    ]
    .into_iter()
    .filter_map(|(part, fits)| (!fits).then_some(part))
    .collect()
}

/// Returns the mark of an unfinished workflow.
pub(crate) fn mark(trigger: &Task) -> Option<&str> {
    trigger.tags.get(UNFINISHED).map(String::as_str)
}

/// Returns the digest of a task's YAML, or [`None`] if the task contains no YAML.
pub(crate) fn definition(observed: &Task) -> Option<String> {
    let step = observed.properties.step.as_ref()?;
    let content = STANDARD
        .decode(step.encoded_task_content.as_deref()?)
        .ok()?;
    Some(sha256(&content))
}

/// Returns the timers of a task.
pub(crate) fn timers(observed: &Task) -> &[TimerTrigger] {
    observed
        .properties
        .trigger
        .as_ref()
        .map_or(&[], |trigger| &trigger.timer_triggers)
}

/// Azure may omit a status that is the default, and may return it in any case.
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
