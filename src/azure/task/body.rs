//! What a task is made of, in requests and in answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A task, as Azure gives it. States and the like come back in any case: compare them without.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Task {
    /// Its id, in the case that Azure gives it.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its region: the registry's.
    pub(crate) location: String,
    /// Its tags.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) tags: BTreeMap<String, String>,
    /// Its identity, if it has one.
    pub(crate) identity: Option<Identity>,
    /// Everything else.
    pub(crate) properties: TaskProperties,
}

/// What a PUT sends: the whole task. What is left out is taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TaskBody {
    /// The registry's region.
    pub(crate) location: String,
    /// The identity; `None` takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// The tags.
    pub(crate) tags: BTreeMap<String, String>,
    /// Everything else.
    pub(crate) properties: TaskProperties,
}

/// What a PATCH sends: only what is to differ. Timers are matched by their name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TaskPatch {
    /// Another identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// Other tags, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Other properties, those that are `Some`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<TaskProperties>,
}

/// A managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    /// Such as `SystemAssigned`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The principal to give rights to. Azure assigns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal_id: Option<String>,
    /// The principal's tenant. Azure assigns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
}

/// A task's properties. Every one may be absent: from an answer, and from a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TaskProperties {
    /// Azure's: `Creating`, `Updating`, `Succeeded`, `Failed` and so on.
    #[serde(skip_serializing)]
    pub(crate) provisioning_state: Option<String>,
    /// `Enabled` or `Disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    /// The size of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_configuration: Option<AgentConfiguration>,
    /// How long a run may take, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u32>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<Step>,
    /// When it does it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<Trigger>,
    /// How it logs in to registries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<Credentials>,
    /// Whether it belongs to the service itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_system_task: Option<bool>,
}

/// What a task runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    /// `linux` or `windows`.
    pub(crate) os: String,
    /// Such as `amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) architecture: Option<String>,
}

/// The size of a task's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentConfiguration {
    /// The number of cores.
    pub(crate) cpu: Option<u32>,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    /// `EncodedTask` for one with its YAML inside.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The YAML, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoded_task_content: Option<String>,
    /// Values set on each run. Azure may give none as an empty list, as null, or not at all.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) values: Vec<SetValue>,
}

/// A value set on a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetValue {
    /// The name behind `.Values.`.
    pub(crate) name: String,
    /// The value; Azure gives none of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// Whether it is kept out of answers and logs.
    #[serde(default)]
    pub(crate) is_secret: bool,
}

/// When a task runs by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trigger {
    /// At which times.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) timer_triggers: Vec<TimerTrigger>,
}

/// A timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimerTrigger {
    /// Its name, which a patch matches it by.
    pub(crate) name: String,
    /// A cron expression of five fields, in UTC.
    pub(crate) schedule: String,
    /// `Enabled` or `Disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
}

/// How a task logs in to registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    /// To its own registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_registry: Option<SourceRegistry>,
    /// To others, and to its own by the name of its login server.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) custom_registries: BTreeMap<String, CustomRegistry>,
}

/// How a task logs in to its own registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceRegistry {
    /// `Default`, or `None` to use the identity instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login_mode: Option<String>,
    /// `[system]` for the task's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
}

/// How a task logs in to a registry by name. A user and a password are nothing that we set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustomRegistry {
    /// `[system]` for the task's own identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
}

impl Identity {
    /// The identity that Azure makes for the resource and deletes with it.
    #[must_use]
    pub(crate) fn system_assigned() -> Self {
        Self {
            kind: "SystemAssigned".to_owned(),
            principal_id: None,
            tenant_id: None,
        }
    }
}

impl Task {
    /// The principal of its system-assigned identity, if it has one.
    #[must_use]
    pub(crate) fn principal_id(&self) -> Option<&str> {
        self.identity.as_ref()?.principal_id.as_deref()
    }

    /// Whether Azure has finished with it, and well.
    #[must_use]
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.properties.provisioning_state.as_deref();
        state.is_none_or(|state| state.eq_ignore_ascii_case("Succeeded"))
    }

    /// Whether Azure is deleting it: it is still listed, and soon won't be.
    #[must_use]
    pub(crate) fn is_leaving(&self) -> bool {
        let state = self.properties.provisioning_state.as_deref();
        state.is_some_and(|state| state.eq_ignore_ascii_case("Deleting"))
    }
}

/// Azure gives an empty collection as null now and then.
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

    /// The body that the CLI sends, from the service's facts; its identity and timer included.
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
    fn a_put_has_the_recorded_shape_and_the_credentials() {
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
    fn a_patch_holds_only_what_differs() {
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
    fn empty_collections_come_in_three_ways() {
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
