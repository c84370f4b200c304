//! Validation of a task's body. The error names each unknown field, as the service does.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use croner::parser::{CronParser, Seconds, Year};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::arm::error::{error, invalid_content, invalid_value};
use crate::task::{Credentials, Step, TaskProperties, Trigger};
use crate::wire::Reply;

/// The first api-version in which a task's source registry can have an identity.
const SOURCE_IDENTITY_SINCE: &str = "2025-03-01-preview";
/// Read-only fields. The service ignores them if a client sends them back.
const READ_ONLY: [&str; 4] = ["id", "name", "type", "systemData"];
const READ_ONLY_PROPERTIES: [&str; 2] = ["provisioningState", "creationDate"];
const READ_ONLY_IDENTITY: [&str; 2] = ["principalId", "tenantId"];

/// The parts of a body, without read-only fields.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) location: Option<String>,
    pub(crate) tags: Option<Value>,
    pub(crate) identity: Option<Map<String, Value>>,
    pub(crate) properties: Map<String, Value>,
}

impl Body {
    /// Reads a PUT or PATCH body that has only `fields` and read-only fields. Refuses unknown fields.
    pub(crate) fn read(bytes: &[u8], fields: &[&str]) -> Result<Self, Reply> {
        let body: Value =
            serde_json::from_slice(bytes).map_err(|error| invalid_content(&error.to_string()))?;
        let Value::Object(mut body) = body else {
            return Err(invalid_content("the body is not an object"));
        };
        body.retain(|key, _| !READ_ONLY.contains(&key.as_str()));
        known_only(&body, fields, "")?;
        let mut identity = object(&mut body, "identity")?;
        if let Some(identity) = &mut identity {
            identity.retain(|key, _| !READ_ONLY_IDENTITY.contains(&key.as_str()));
            known_only(identity, &["type", "userAssignedIdentities"], "identity.")?;
        }
        let mut properties = object(&mut body, "properties")?.unwrap_or_default();
        properties.retain(|key, _| !READ_ONLY_PROPERTIES.contains(&key.as_str()));
        let location = match body.remove("location") {
            None => None,
            Some(Value::String(location)) => Some(location),
            Some(_) => return Err(invalid_content("'location' is not a string")),
        };
        Ok(Self {
            location,
            tags: body.remove("tags"),
            identity,
            properties,
        })
    }

    /// Returns whether the body requests a system-assigned identity. An omitted identity equals `None`.
    pub(crate) fn wants_identity(&self) -> Result<bool, Reply> {
        let Some(identity) = &self.identity else {
            return Ok(false);
        };
        match identity.get("type").and_then(Value::as_str) {
            Some(kind) if kind.eq_ignore_ascii_case("SystemAssigned") => Ok(true),
            Some(kind) if kind.eq_ignore_ascii_case("None") => Ok(false),
            _ => Err(invalid_value(
                "identity.type",
                "the simulator supports SystemAssigned and None",
            )),
        }
    }
}

/// Reads a typed part of a body. The error names an unknown field.
pub(crate) fn typed<T: DeserializeOwned>(value: Value, path: &str) -> Result<T, Reply> {
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        match text
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split_once('`'))
        {
            Some((field, _)) => invalid_content(&format!(
                "Could not find member '{field}' on object of type '{path}'"
            )),
            None => invalid_content(&format!("{path}: {text}")),
        }
    })
}

/// Checks a task's name.
pub(crate) fn check_name(name: &str) -> Result<(), Reply> {
    let fits = name
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'));
    if fits && (5..=50).contains(&name.len()) {
        return Ok(());
    }
    let message = format!(
        "The task name '{name}' is invalid: it must have 5 to 50 letters, digits, hyphens or underscores."
    );
    Err(error(400, "InvalidResourceName", &message))
}

/// Checks the values of a task's properties.
pub(crate) fn check(properties: &TaskProperties) -> Result<(), Reply> {
    one_of(
        "properties.status",
        properties.status.as_deref(),
        &["Enabled", "Disabled"],
    )?;
    let platform = properties
        .platform
        .as_ref()
        .ok_or_else(|| invalid_value("properties.platform", "it is required"))?;
    one_of(
        "properties.platform.os",
        Some(&platform.os),
        &["Linux", "Windows"],
    )?;
    one_of(
        "properties.platform.architecture",
        platform.architecture.as_deref(),
        &["amd64", "x86", "386", "arm", "arm64"],
    )?;
    if let Some(timeout) = properties
        .timeout
        .filter(|timeout| !(300..=28800).contains(timeout))
    {
        return Err(invalid_value(
            "properties.timeout",
            &format!("{timeout} is not between 300 and 28800"),
        ));
    }
    if properties
        .agent_configuration
        .as_ref()
        .is_some_and(|agent| agent.cpu < 1)
    {
        return Err(invalid_value(
            "properties.agentConfiguration.cpu",
            "it must be 1 or more",
        ));
    }
    check_step(
        properties
            .step
            .as_ref()
            .ok_or_else(|| invalid_value("properties.step", "it is required"))?,
    )?;
    properties.trigger.as_ref().map_or(Ok(()), check_trigger)?;
    properties
        .credentials
        .as_ref()
        .map_or(Ok(()), check_credentials)
}

/// Refuses sent members that are newer than the api-version of the request. Stored properties can have them.
pub(crate) fn check_members(sent: &Map<String, Value>, version: &str) -> Result<(), Reply> {
    let identity = sent
        .get("credentials")
        .and_then(|credentials| credentials.get("sourceRegistry")?.get("identity"));
    if identity.is_some_and(|identity| !identity.is_null()) && version < SOURCE_IDENTITY_SINCE {
        return Err(invalid_content(
            "Could not find member 'identity' on object of type 'SourceRegistryCredentials'",
        ));
    }
    Ok(())
}

fn check_step(step: &Step) -> Result<(), Reply> {
    one_of("properties.step.type", Some(&step.r#type), &["EncodedTask"])?;
    let path = "properties.step.encodedTaskContent";
    let bytes = BASE64_STANDARD
        .decode(&step.encoded_task_content)
        .map_err(|error| invalid_value(path, &error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| invalid_value(path, &error.to_string()))?;
    let yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text).map_err(|error| invalid_value(path, &error.to_string()))?;
    let steps = yaml
        .get("steps")
        .and_then(serde_yaml_ng::Value::as_sequence);
    if steps.is_some_and(|steps| !steps.is_empty()) {
        return Ok(());
    }
    Err(invalid_value(path, "the task definition has no steps"))
}

fn check_trigger(trigger: &Trigger) -> Result<(), Reply> {
    const STATUSES: &[&str] = &["Enabled", "Disabled"];
    let path = "properties.trigger";
    for (index, timer) in trigger.timer_triggers.iter().enumerate() {
        let path = format!("{path}.timerTriggers[{index}]");
        one_of(&format!("{path}.status"), timer.status.as_deref(), STATUSES)?;
        check_schedule(&format!("{path}.schedule"), &timer.schedule)?;
    }
    for (index, source) in trigger.source_triggers.iter().enumerate() {
        let path = format!("{path}.sourceTriggers[{index}]");
        one_of(
            &format!("{path}.status"),
            source.status.as_deref(),
            STATUSES,
        )?;
        one_of(
            &format!("{path}.sourceRepository.sourceControlType"),
            Some(&source.source_repository.source_control_type),
            &["Github", "VisualStudioTeamService"],
        )?;
        for event in &source.source_trigger_events {
            let path = format!("{path}.sourceTriggerEvents");
            one_of(&path, Some(event), &["commit", "pullrequest"])?;
        }
    }
    let Some(image) = &trigger.base_image_trigger else {
        return Ok(());
    };
    let path = format!("{path}.baseImageTrigger");
    one_of(&format!("{path}.status"), image.status.as_deref(), STATUSES)?;
    one_of(
        &format!("{path}.baseImageTriggerType"),
        Some(&image.base_image_trigger_type),
        &["All", "Runtime"],
    )?;
    one_of(
        &format!("{path}.updateTriggerPayloadType"),
        image.update_trigger_payload_type.as_deref(),
        &["Default", "Token"],
    )
}

/// Checks an NCrontab expression: five fields, without seconds, years or extensions of other cron dialects.
fn check_schedule(path: &str, schedule: &str) -> Result<(), Reply> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let plain = schedule.split([' ', '*', '/', ',', '-']).all(|word| {
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        let name = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        number || name
    });
    if plain && schedule.split_whitespace().count() == 5 && parser.parse(schedule).is_ok() {
        return Ok(());
    }
    Err(invalid_value(
        path,
        &format!("'{schedule}' is not a cron expression of five fields"),
    ))
}

fn check_credentials(credentials: &Credentials) -> Result<(), Reply> {
    let Some(source) = &credentials.source_registry else {
        return Ok(());
    };
    one_of(
        "properties.credentials.sourceRegistry.loginMode",
        source.login_mode.as_deref(),
        &["None", "Default"],
    )
}

fn one_of(path: &str, value: Option<&str>, known: &[&str]) -> Result<(), Reply> {
    match value {
        Some(value) if !known.iter().any(|known| known.eq_ignore_ascii_case(value)) => Err(
            invalid_value(path, &format!("'{value}' is none of {}", known.join(", "))),
        ),
        _ => Ok(()),
    }
}

fn known_only(object: &Map<String, Value>, known: &[&str], path: &str) -> Result<(), Reply> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(invalid_content(&format!(
            "Could not find member '{path}{key}' on object of type 'Task'"
        ))),
        None => Ok(()),
    }
}

fn object(body: &mut Map<String, Value>, key: &str) -> Result<Option<Map<String, Value>>, Reply> {
    match body.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(invalid_content(&format!("'{key}' is not an object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_five_plain_fields() {
        for good in ["18 18 */1 * *", "0 2 */30 * *", "0 0 * Jan Mon-Fri"] {
            assert!(check_schedule("s", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "0 0 0 * * *",
            "60 0 * * *",
            "@daily",
            "0 0 L * *",
            "0 0 ? * *",
        ] {
            assert!(check_schedule("s", bad).is_err(), "{bad}");
        }
    }
}
