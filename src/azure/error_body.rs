//! Parses the error bodies of Resource Manager, of registries and of blob storage.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::azure::storage_error;

/// Returns Azure's code and message from an error body of any of these services. Any other body, such as
/// a gateway's page, is ignored because it may contain anything.
pub(crate) fn described(body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Arm { error: Description },
        Registry { errors: Vec<Description> },
        Bare(Description),
    }
    #[derive(Deserialize)]
    struct Description {
        #[serde(deserialize_with = "text")]
        code: String,
        #[serde(default, deserialize_with = "text")]
        message: String,
        #[serde(default)]
        detail: Value,
        #[serde(default)]
        details: Value,
        #[serde(default, rename = "additionalInfo")]
        additional_info: Value,
    }

    let description = match serde_json::from_slice(body) {
        Ok(Body::Arm { error } | Body::Bare(error)) => Some(error),
        Ok(Body::Registry { errors }) => errors.into_iter().next(),
        Err(_) => {
            let (code, message) = storage_error::described(body).unwrap_or_default();
            return (code, shortened(&message));
        }
    };
    description.map_or_else(Default::default, |it| {
        let mut message = it.message;
        if let Some(rights) = missing_rights(&it.detail) {
            message = format!("{message} (it needs {rights})");
        }
        for further in further(&it.details) {
            if !message.contains(&further) {
                message = format!("{message} ({further})");
            }
        }
        for violated in violated_policies(&it.additional_info, &it.details) {
            if let Some(policy) = policy(violated, &message) {
                message = format!("{message} ({policy})");
            }
        }
        (it.code, shortened(message.trim_start()))
    })
}

/// Limits a message to 4000 characters.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 4000;
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// Deserializes a string that may be null.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Returns the further errors that Resource Manager lists in `details`, as `Code: message`. The outer
/// message is often only a heading.
fn further(details: &Value) -> Vec<String> {
    let said = |item: &Value| {
        let text = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
        match (text("code"), text("message")) {
            (_, "") => None,
            ("", message) => Some(message.to_owned()),
            (code, message) => Some(format!("{code}: {message}")),
        }
    };
    let details = details.as_array().into_iter().flatten();
    details.filter_map(said).collect()
}

/// Returns what Azure Policy lists about each policy that denies the request. Resource Manager adds it to
/// the error itself or to one of the errors in `details`.
fn violated_policies<'a>(
    additional_info: &'a Value,
    details: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    let details = details.as_array().into_iter().flatten();
    let of_details = details.filter_map(|item| item.get("additionalInfo"));
    [additional_info]
        .into_iter()
        .chain(of_details)
        .filter_map(Value::as_array)
        .flatten()
        .filter(|item| item.get("type").and_then(Value::as_str) == Some("PolicyViolation"))
        .filter_map(|item| item.get("info"))
}

/// Returns the policy's assignment, definition and initiative, except those whose IDs `message` contains.
/// Older messages contain them, and newer ones refer to this list.
fn policy(violated: &Value, message: &str) -> Option<String> {
    const PARTS: [(&str, &str); 3] = [
        ("policy assignment", "policyAssignment"),
        ("policy definition", "policyDefinition"),
        ("initiative", "policySetDefinition"),
    ];
    let part = |(what, field): (&str, &str)| {
        let text = |suffix: &str| {
            let text = violated.get(format!("{field}{suffix}"))?.as_str()?;
            Some(text).filter(|text| !text.is_empty())
        };
        match (text("DisplayName").or_else(|| text("Name")), text("Id")) {
            (_, Some(id)) if message.contains(id) => None,
            (Some(name), Some(id)) => Some(format!("{what} '{name}' {id}")),
            (Some(name), None) => Some(format!("{what} '{name}'")),
            (None, Some(id)) => Some(format!("{what} {id}")),
            (None, None) => None,
        }
    };
    let parts: Vec<String> = PARTS.into_iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns the permissions that a registry's token lacks, such as `push on repository a/b`. The details
/// of other errors have other shapes.
fn missing_rights(detail: &Value) -> Option<String> {
    let mut rights: Vec<String> = Vec::new();
    for item in detail.as_array()? {
        let text = |name| item.get(name)?.as_str();
        let right = match (text("Action"), text("Type"), text("Name")) {
            (Some(action), Some(kind), Some(name)) => format!("{action} on {kind} {name}"),
            _ => continue,
        };
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    (!rights.is_empty()).then(|| rights.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn null_fields_and_nested_errors_are_read() {
        let described = |error: Value| {
            let (code, message) = described(value!({"error": error}).to_string().as_bytes());
            format!("{code}|{message}")
        };
        assert_eq!(
            described(value!({"code": "Conflict", "message": null, "target": null})),
            "Conflict|"
        );
        assert_eq!(described(value!({"code": null, "message": "no"})), "|no");
        let nested = value!({
            "code": "MultipleErrorsOccurred",
            "message": "Several errors: A.",
            "details": [
                {"code": "QuotaExceeded", "message": "Enough."},
                {"code": null, "message": "A."},
                {"code": "Silent"},
                7,
            ],
        });
        assert_eq!(
            described(nested),
            "MultipleErrorsOccurred|Several errors: A. (QuotaExceeded: Enough.)"
        );
    }

    #[test]
    fn a_policy_is_named_with_what_azure_lists_of_it() {
        let described = |info: Value| {
            let nested = value!({"error": {
                "code": "MultipleErrorsOccurred",
                "message": "No.",
                "details": [{
                    "code": "RequestDisallowedByPolicy",
                    "message": "Denied.",
                    "additionalInfo": [{"type": "PolicyViolation", "info": info}, {"type": 7}, 7],
                }],
            }});
            described(nested.to_string().as_bytes()).1
        };
        let denied = "No. (RequestDisallowedByPolicy: Denied.)";
        for (info, policy) in [
            (
                value!({"policyAssignmentId": "/a"}),
                " (policy assignment /a)",
            ),
            (
                value!({"policyAssignmentName": "a", "policyDefinitionId": null}),
                " (policy assignment 'a')",
            ),
            (
                value!({
                    "policyAssignmentDisplayName": "A", "policyAssignmentName": "a", "policyAssignmentId": "/a",
                    "policyDefinitionDisplayName": "", "policyDefinitionId": "/d",
                    "policySetDefinitionId": "/s",
                }),
                " (policy assignment 'A' /a, policy definition /d, initiative /s)",
            ),
            (value!({"policyDefinitionEffect": "Deny"}), ""),
            (value!([7]), ""),
            (Value::Null, ""),
        ] {
            assert_eq!(described(info), format!("{denied}{policy}"));
        }
    }

    #[test]
    fn a_long_message_is_truncated() {
        let message = "ä".repeat(5000);
        let (_, said) = described(
            value!({"code": "X", "message": message})
                .to_string()
                .as_bytes(),
        );
        assert_eq!(said.chars().count(), 4001);
    }

    #[test]
    fn names_a_missing_permission_once_and_ignores_other_details() {
        let message = |detail: Value| {
            let errors = value!({"errors": [{"code": "X", "message": "no", "detail": detail}]});
            described(errors.to_string().as_bytes()).1
        };
        let right = value!({"Type": "repository", "Name": "a/b", "Action": "delete"});
        assert_eq!(
            message(value!([right, right, {"Size": 7}])),
            "no (it needs delete on repository a/b)"
        );
        assert_eq!(message(value!({"Tag": "v1", "Size": 7})), "no");
        assert_eq!(message(Value::Null), "no");
    }
}
