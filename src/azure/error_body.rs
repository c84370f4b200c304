//! Parses the error bodies of Resource Manager and of registries.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Returns Azure's code and message from an error body of either shape. Any other body, such as a
/// gateway's page, is ignored because it may contain anything.
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
    }

    let description = match serde_json::from_slice(body) {
        Ok(Body::Arm { error } | Body::Bare(error)) => Some(error),
        Ok(Body::Registry { errors }) => errors.into_iter().next(),
        Err(_) => None,
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
