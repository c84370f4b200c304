//! A stored ACR task: the typed body that ARM accepts, and the fields that the service adds.
//!
//! The body's types refuse unknown fields, as the service does. `arm::task_body` checks the values.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task of a registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// The name in its original letter case.
    pub name: String,
    /// The region.
    pub location: String,
    /// The resource's tags.
    pub tags: BTreeMap<String, String>,
    /// The system-assigned identity.
    pub identity: Option<Identity>,
    /// The properties of the last PUT, merged with later PATCHes.
    pub properties: TaskProperties,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub modified: Timestamp,
    /// The progress of the last write.
    pub progress: Progress,
}

/// The progress of the last write to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The state while reads are left: `Creating`, `Updating` or `Deleting`.
    pub under_way: &'static str,
    /// The final state: `Succeeded`, `Failed` or `Deleted`.
    pub ends_as: &'static str,
    /// The number of reads left until the final state.
    pub looks_left: u32,
}

/// A system-assigned identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The principal's object ID.
    pub principal_id: String,
    /// The tenant ID.
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

/// The platform that a task's steps run on.
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

/// The machine size that a task runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct AgentConfiguration {
    pub cpu: i64,
}

/// The step of a task. The simulator supports only the type `EncodedTask`.
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

/// The triggers of a task. The simulator stores all kinds, and fires only timers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Trigger {
    pub timer_triggers: Vec<TimerTrigger>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_triggers: Vec<SourceTrigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_image_trigger: Option<BaseImageTrigger>,
}

/// A trigger that fires after a change of a source repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SourceTrigger {
    pub source_repository: SourceRepository,
    pub source_trigger_events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
    pub name: String,
}

/// The repository of a source trigger. The service never returns its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SourceRepository {
    pub source_control_type: String,
    pub repository_url: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub branch: Option<String>,
    #[serde(skip_serializing, default)]
    pub source_control_auth_properties: Option<serde_json::Value>,
}

/// A trigger that fires after an update of a base image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct BaseImageTrigger {
    pub base_image_trigger_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub update_trigger_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub update_trigger_payload_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
    pub name: String,
}

/// A timer trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct TimerTrigger {
    pub schedule: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
    pub name: String,
}

/// The registry credentials of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct Credentials {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_registry: Option<SourceRegistry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_registries: Option<BTreeMap<String, CustomRegistry>>,
}

/// The credentials of a task for its own registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SourceRegistry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// The credentials of a task for a registry by login server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct CustomRegistry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl Task {
    /// Returns the identity's principal ID.
    #[must_use]
    pub fn principal_id(&self) -> Option<&str> {
        self.identity
            .as_ref()
            .map(|identity| identity.principal_id.as_str())
    }

    /// Returns the decoded YAML of the step.
    #[must_use]
    pub fn yaml(&self) -> Option<String> {
        let encoded = &self.properties.step.as_ref()?.encoded_task_content;
        String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
    }

    /// Returns the timers.
    #[must_use]
    pub fn timers(&self) -> &[TimerTrigger] {
        self.properties
            .trigger
            .as_ref()
            .map_or(&[], |trigger| trigger.timer_triggers.as_slice())
    }

    /// Returns whether the task is enabled.
    #[must_use]
    pub fn enabled(&self) -> bool {
        !self
            .properties
            .status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("disabled"))
    }

    /// Returns the current provisioning state.
    #[must_use]
    pub fn provisioning_state(&self) -> &'static str {
        if self.progress.looks_left > 0 {
            self.progress.under_way
        } else {
            self.progress.ends_as
        }
    }
}
