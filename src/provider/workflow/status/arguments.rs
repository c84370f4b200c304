//! The arguments and their validation, which skips unknown values.

use crate::provider::common::validate::registry_and_timeouts;
use crate::provider::workflow::status::image_status::Status;
use crate::provider::workflow::status::names;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::{AttributePath, Value};

/// The longest lookback in days. Azure deletes runs and their logs afterwards.
pub(super) const LONGEST_LOOKBACK: u8 = 30;

/// The arguments of a read.
#[derive(Debug)]
pub(super) struct Arguments {
    /// The status to filter by; [`None`] for all images.
    pub(super) status: Option<Status>,
    /// In days; [`None`] for the interval of the schedule.
    pub(super) lookback: Option<u8>,
}

/// Validates a configuration, and returns all findings.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let own = [status(config).err(), lookback(config).err()];
    registry_and_timeouts(config, own.into_iter().flatten())
}

impl Arguments {
    /// Reads a known configuration.
    ///
    /// # Errors
    /// The first invalid argument.
    pub(super) fn read(config: &Value) -> Result<Self, Diagnostic> {
        Ok(Self {
            status: status(config)?,
            lookback: lookback(config)?,
        })
    }
}

fn status(config: &Value) -> Result<Option<Status>, Diagnostic> {
    let Some(word) = config.get(names::STATUS).as_str() else {
        return Ok(None);
    };
    let status = Status::from_word(word).ok_or_else(|| {
        let words = Status::ALL.map(|status| format!("\"{}\"", status.as_str()));
        let detail = format!(
            "{word:?} is not a status of an image. Possible values are {}.",
            words.join(", ")
        );
        Diagnostic::error("Invalid status", detail).at(AttributePath::new(names::STATUS))
    });
    status.map(Some)
}

fn lookback(config: &Value) -> Result<Option<u8>, Diagnostic> {
    let Value::Number(number) = config.get(names::LOOKBACK_DAYS) else {
        return Ok(None);
    };
    let days = number.to_i64().and_then(|days| u8::try_from(days).ok());
    let days = days.filter(|days| (1..=LONGEST_LOOKBACK).contains(days));
    let days = days.ok_or_else(|| {
        let detail = format!(
            "{number} is not a whole number of days from 1 to {LONGEST_LOOKBACK}. Azure keeps runs \
             and their logs for {LONGEST_LOOKBACK} days."
        );
        Diagnostic::error("Invalid lookback", detail).at(AttributePath::new(names::LOOKBACK_DAYS))
    });
    days.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::names::{REGISTRY_ID, TIMEOUTS};

    const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn config(status: Value, lookback: Value, timeout: Value) -> Value {
        Value::object([
            (REGISTRY_ID, REGISTRY.into()),
            (names::STATUS, status),
            (names::LOOKBACK_DAYS, lookback),
            (TIMEOUTS, Value::object([("read", timeout)])),
        ])
    }

    fn rendered(config: &Value) -> String {
        let lines = validate(config).into_iter().map(|found| {
            let path = found.path.unwrap_or_default();
            format!("{path}: {}\n  {}", found.summary, found.detail)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn validation_reports_all_findings_at_their_attributes() {
        let bad = Value::object([
            (REGISTRY_ID, "contoso".into()),
            (names::STATUS, "failed".into()),
            (names::LOOKBACK_DAYS, 0.into()),
            (TIMEOUTS, Value::object([("read", Value::from("soon"))])),
        ]);
        insta::assert_snapshot!(rendered(&bad), @r#"
        registry_id: Invalid registry ID
          "contoso" is not a container registry resource ID: it looks like a registry name. Expected /subscriptions/<subscription ID>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>. Use the `id` of an `azurerm_container_registry`.
        status: Invalid status
          "failed" is not a status of an image. Possible values are "Queued", "Running", "Succeeded", "Failed", "Canceled", "Skipped", "Unknown".
        lookback_days: Invalid lookback
          0 is not a whole number of days from 1 to 30. Azure keeps runs and their logs for 30 days.
        timeouts.read: Invalid timeout
          "soon" is not a duration greater than zero. Use a duration such as "90s", "30m" or "1h30m".
        "#);
    }

    #[test]
    fn a_lookback_is_a_whole_number_of_days_within_bounds() {
        let of = |number: &str| {
            let number: terraform_plugin::value::Number = number.parse().unwrap();
            lookback(&config(Value::Null, number.into(), Value::Null))
                .ok()
                .flatten()
        };
        assert_eq!(["1", "30", "7.0"].map(of), [Some(1), Some(30), Some(7)]);
        assert_eq!(["0", "31", "-1", "1.5", "257", "1e30"].map(of), [None; 6]);
    }

    #[test]
    fn unknown_and_omitted_arguments_are_valid() {
        for nothing in [Value::Unknown, Value::Null] {
            let mut config = config(nothing.clone(), nothing.clone(), nothing.clone());
            if let Value::Object(arguments) = &mut config {
                arguments.insert(REGISTRY_ID.to_owned(), nothing);
            }
            assert_eq!(rendered(&config), "");
        }
    }

    #[test]
    fn known_arguments_are_read() {
        let arguments = Arguments::read(&config("Skipped".into(), 3.into(), Value::Null)).unwrap();
        assert_eq!(
            (arguments.status, arguments.lookback),
            (Some(Status::Skipped), Some(3))
        );
        let arguments = Arguments::read(&config(Value::Null, Value::Null, Value::Null)).unwrap();
        assert_eq!((arguments.status, arguments.lookback), (None, None));
    }
}
