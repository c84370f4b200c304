//! An ACR task as it is stored: the typed body that ARM takes, and what the service adds to it.
//!
//! The body's types refuse unknown fields, as the service does; what a field may hold is checked in `arm::task_body`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task of a registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// The name as it was created.
    pub name: String,
    /// The region.
    pub location: String,
    /// The resource's tags.
    pub tags: BTreeMap<String, String>,
    /// The system-assigned identity, if it has one.
    pub identity: Option<Identity>,
    /// What was sent, merged with what was sent before.
    pub properties: TaskProperties,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub modified: Timestamp,
    /// Where the last write has got to.
    pub progress: Progress,
}

/// Where the last write to a resource has got to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// `Creating`, `Updating` or `Deleting` while looks are left.
    pub under_way: &'static str,
    /// `Succeeded` or `Failed`, afterwards.
    pub ends_as: &'static str,
    /// How many looks are left until the end shows.
    pub looks_left: u32,
}

/// A system-assigned identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The principal's object id.
    pub principal_id: String,
    /// Its tenant.
    pub tenant_id: String,
}

/// The `properties` of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct TaskProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_configuration: Option<AgentConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_pool_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_system_task: Option<bool>,
}

/// Where a task's steps run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Platform {
    pub os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// The machine that a task runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct AgentConfiguration {
    pub cpu: i64,
}

/// What a task does; of the service's step types only `EncodedTask` is simulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Step {
    pub r#type: String,
    pub encoded_task_content: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoded_values_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub values: Option<Vec<SetValue>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_access_token: Option<String>,
}

/// A value that a task's YAML reads as `{{.Values.NAME}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SetValue {
    pub name: String,
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub is_secret: Option<bool>,
}

/// What starts a task by itself; of the service's triggers only timers are simulated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Trigger {
    pub timer_triggers: Vec<TimerTrigger>,
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct TimerTrigger {
    pub schedule: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
    pub name: String,
}

/// How a task logs in to registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Credentials {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_registry: Option<SourceRegistry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_registries: Option<BTreeMap<String, CustomRegistry>>,
}

/// How a task logs in to its own registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SourceRegistry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// How a task logs in to a registry by its login server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct CustomRegistry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl Task {
    /// The identity's principal.
    #[must_use]
    pub fn principal_id(&self) -> Option<&str> {
        self.identity
            .as_ref()
            .map(|identity| identity.principal_id.as_str())
    }

    /// The YAML behind the encoded step.
    #[must_use]
    pub fn yaml(&self) -> Option<String> {
        let encoded = &self.properties.step.as_ref()?.encoded_task_content;
        String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
    }

    /// Its timers.
    #[must_use]
    pub fn timers(&self) -> &[TimerTrigger] {
        self.properties
            .trigger
            .as_ref()
            .map_or(&[], |trigger| trigger.timer_triggers.as_slice())
    }

    /// Whether it runs when asked to.
    #[must_use]
    pub fn enabled(&self) -> bool {
        !self
            .properties
            .status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("disabled"))
    }

    /// The provisioning state that shows now.
    #[must_use]
    pub fn provisioning_state(&self) -> &'static str {
        if self.progress.looks_left > 0 {
            self.progress.under_way
        } else {
            self.progress.ends_as
        }
    }
}
