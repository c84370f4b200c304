//! The bodies of task requests and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A task as Azure returns it. States and similar values come in any case, so compare them
/// case-insensitively.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Task {
    /// The resource ID, in the case that Azure returns.
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
    /// The region, which is the registry's.
    pub(crate) location: String,
    /// The tags.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) tags: BTreeMap<String, String>,
    /// The managed identity, if the task has one.
    pub(crate) identity: Option<Identity>,
    /// All other properties.
    pub(crate) properties: TaskProperties,
}

/// The body of a PUT. It replaces the whole task, so Azure removes every omitted property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TaskBody {
    /// The registry's region.
    pub(crate) location: String,
    /// The identity. `None` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// The tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// All other properties.
    pub(crate) properties: TaskProperties,
}

/// The body of a PATCH. It contains only changes. Azure matches timers by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TaskPatch {
    /// The new identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// The new tags. They replace all old ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// The new properties. Only `Some` values change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<TaskProperties>,
}

/// A managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    /// The type, such as `SystemAssigned`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The principal ID for role assignments. Azure assigns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal_id: Option<String>,
    /// The principal's tenant. Azure assigns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
}

/// The properties of a task. An answer or a patch may omit any of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TaskProperties {
    /// The provisioning state, set by Azure: `Creating`, `Updating`, `Succeeded`, `Failed` and others.
    #[serde(skip_serializing)]
    pub(crate) provisioning_state: Option<String>,
    /// `Enabled` or `Disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// The platform that it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    /// The agent's size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_configuration: Option<AgentConfiguration>,
    /// The timeout of a run, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u32>,
    /// The steps of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<Step>,
    /// The timers that start runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<Trigger>,
    /// The credentials for registries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<Credentials>,
    /// Whether it is a system task of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_system_task: Option<bool>,
}

/// The platform of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    /// `linux` or `windows`.
    pub(crate) os: String,
    /// Such as `amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) architecture: Option<String>,
}

/// The agent size of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentConfiguration {
    /// The number of cores.
    pub(crate) cpu: Option<u32>,
}

/// The steps of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    /// `EncodedTask` for a task that contains its YAML.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The YAML, Base64-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoded_task_content: Option<String>,
    /// Values for each run. Azure may return an empty list as null or omit it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) values: Vec<SetValue>,
}

/// A value for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetValue {
    /// The name after `.Values.`.
    pub(crate) name: String,
    /// The value. Azure omits the value of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// Whether Azure keeps it out of answers and logs.
    #[serde(default)]
    pub(crate) is_secret: bool,
}

/// The triggers of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trigger {
    /// The timers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) timer_triggers: Vec<TimerTrigger>,
    /// The triggers for commits and pull requests, as Azure returns them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing)]
    pub(crate) source_triggers: Vec<serde_json::Value>,
    /// The trigger for updates of a base image, as Azure returns it.
    #[serde(default, skip_serializing)]
    pub(crate) base_image_trigger: Option<serde_json::Value>,
}

impl Trigger {
    /// Whether a task starts on anything but a timer.
    pub(crate) fn has_other_triggers(&self) -> bool {
        !self.source_triggers.is_empty() || self.base_image_trigger.is_some()
    }
}

/// A timer trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimerTrigger {
    /// The name, by which a PATCH matches the timer.
    pub(crate) name: String,
    /// A cron expression with five fields, in UTC.
    pub(crate) schedule: String,
    /// `Enabled` or `Disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
}

/// The credentials of a task for registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    /// The login to the task's own registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_registry: Option<SourceRegistry>,
    /// The logins by login server: to other registries, and to the task's own.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) custom_registries: BTreeMap<String, CustomRegistry>,
}

/// The login of a task to its own registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceRegistry {
    /// `Default`, or `None` to use the identity instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login_mode: Option<String>,
    /// `[system]` for the task's system-assigned identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
}

/// The login of a task to a registry by login server. The provider never sets a user name or a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomRegistry {
    /// `[system]` for the task's system-assigned identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
}

impl Identity {
    /// Returns a system-assigned identity, which Azure creates and deletes with the resource.
    #[must_use]
    pub(crate) fn system_assigned() -> Self {
        Self {
            kind: "SystemAssigned".to_owned(),
            principal_id: None,
            tenant_id: None,
        }
    }
}

impl TaskProperties {
    /// Returns these properties, and those of `other` where these have none.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            provisioning_state: self.provisioning_state.or(other.provisioning_state),
            status: self.status.or(other.status),
            platform: self.platform.or(other.platform),
            agent_configuration: self.agent_configuration.or(other.agent_configuration),
            timeout: self.timeout.or(other.timeout),
            step: self.step.or(other.step),
            trigger: self.trigger.or(other.trigger),
            credentials: self.credentials.or(other.credentials),
            is_system_task: self.is_system_task.or(other.is_system_task),
        }
    }
}

impl Task {
    /// Returns the principal ID of the system-assigned identity.
    #[must_use]
    pub(crate) fn principal_id(&self) -> Option<&str> {
        self.identity.as_ref()?.principal_id.as_deref()
    }

    /// Whether Azure has finished with the task successfully.
    #[must_use]
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.properties.provisioning_state.as_deref();
        state.is_none_or(|state| state.eq_ignore_ascii_case("Succeeded"))
    }

    /// Whether Azure is deleting the task. Until it is gone, Azure still lists it.
    #[must_use]
    pub(crate) fn is_leaving(&self) -> bool {
        let state = self.properties.provisioning_state.as_deref();
        state.is_some_and(|state| state.eq_ignore_ascii_case("Deleting"))
    }
}

/// Deserializes null as the default, because Azure sometimes returns null for an empty collection.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json as value};

    /// The body that the Azure CLI sends, with identity and timer.
    fn trigger_task() -> TaskBody {
        let timer = TimerTrigger {
            name: "azcli_defined_schedule".to_owned(),
            schedule: "18 18 */1 * *".to_owned(),
            status: None,
        };
        TaskBody {
            location: "westus".to_owned(),
            identity: Some(Identity::system_assigned()),
            tags: BTreeMap::from([("cssc".to_owned(), "true".to_owned())]),
            properties: TaskProperties {
                status: Some("Enabled".to_owned()),
                platform: Some(Platform {
                    os: "linux".to_owned(),
                    architecture: Some("amd64".to_owned()),
                }),
                agent_configuration: Some(AgentConfiguration { cpu: Some(2) }),
                timeout: Some(3600),
                step: Some(Step {
                    kind: "EncodedTask".to_owned(),
                    encoded_task_content: Some("<base64>".to_owned()),
                    values: Vec::new(),
                }),
                trigger: Some(Trigger {
                    timer_triggers: vec![timer],
                    ..Trigger::default()
                }),
                credentials: Some(Credentials {
                    source_registry: Some(SourceRegistry {
                        login_mode: Some("None".to_owned()),
                        identity: Some("[system]".to_owned()),
                    }),
                    custom_registries: BTreeMap::from([(
                        "contoso.azurecr.io".to_owned(),
                        CustomRegistry {
                            identity: Some("[system]".to_owned()),
                        },
                    )]),
                }),
                is_system_task: Some(false),
                ..TaskProperties::default()
            },
        }
    }

    #[test]
    fn a_put_has_the_clis_shape_and_the_credentials() {
        let expected = value!({
            "location": "westus",
            "identity": {"type": "SystemAssigned"},
            "tags": {"cssc": "true"},
            "properties": {
                "status": "Enabled",
                "platform": {"os": "linux", "architecture": "amd64"},
                "agentConfiguration": {"cpu": 2},
                "timeout": 3600,
                "step": {"type": "EncodedTask", "encodedTaskContent": "<base64>", "values": []},
                "trigger": {"timerTriggers": [
                    {"name": "azcli_defined_schedule", "schedule": "18 18 */1 * *"},
                ]},
                "credentials": {
                    "sourceRegistry": {"loginMode": "None", "identity": "[system]"},
                    "customRegistries": {"contoso.azurecr.io": {"identity": "[system]"}},
                },
                "isSystemTask": false,
            },
        });
        assert_eq!(serde_json::to_value(trigger_task()).unwrap(), expected);
    }

    #[test]
    fn a_patch_contains_only_changes() {
        let patch = TaskPatch {
            properties: Some(TaskProperties {
                status: Some("Disabled".to_owned()),
                provisioning_state: Some("Succeeded".to_owned()),
                ..TaskProperties::default()
            }),
            ..TaskPatch::default()
        };
        insta::assert_snapshot!(
            serde_json::to_string(&patch).unwrap(),
            @r#"{"properties":{"status":"Disabled"}}"#
        );
    }

    #[test]
    fn reads_absent_null_and_empty_collections_alike() {
        let read = |properties: Value| {
            let task = value!({"id": "/t", "name": "t", "location": "l", "tags": null, "properties": properties});
            serde_json::from_value::<Task>(task).unwrap().properties
        };
        let absent = value!({"step": {"type": "EncodedTask"}, "trigger": {}, "credentials": {}});
        let null = value!({
            "step": {"type": "EncodedTask", "values": null},
            "trigger": {"timerTriggers": null},
            "credentials": {"customRegistries": null},
        });
        let empty = value!({
            "step": {"type": "EncodedTask", "values": []},
            "trigger": {"timerTriggers": []},
            "credentials": {"customRegistries": {}},
        });
        let expected = read(absent);
        assert_eq!(read(null), expected);
        assert_eq!(read(empty), expected);
    }
}
