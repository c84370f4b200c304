//! The bodies of Azure's refusals: those of Resource Manager, and those of a registry.

use serde::Deserialize;
use serde_json::Value;

/// Azure's code and message, from either shape of an error body. Anything that isn't one of them, such
/// as a gateway's page, is left out: nobody knows what it holds.
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
        code: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        detail: Value,
    }

    let description = match serde_json::from_slice(body) {
        Ok(Body::Arm { error } | Body::Bare(error)) => Some(error),
        Ok(Body::Registry { errors }) => errors.into_iter().next(),
        Err(_) => None,
    };
    description.map_or_else(Default::default, |it| {
        let message = match missing_rights(&it.detail) {
            Some(rights) => format!("{} (it needs {rights})", it.message),
            None => it.message,
        };
        (it.code, message.trim_start().to_owned())
    })
}

/// The rights that a registry's token lacks, such as `push on repository a/b`. Details of other errors
/// have other shapes.
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
    fn a_missing_right_is_named_once_and_other_details_are_left_out() {
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
