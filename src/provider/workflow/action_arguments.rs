//! The arguments of both actions: the registry and the timeout.

use std::time::Duration;

use crate::azure::{RegistryClient, RegistryId};
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{self, Timeout};
use crate::provider::connection::Connection;
use crate::provider::workflow::schema;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::Context;
use terraform_plugin::schema::{Attribute, Configurability};
use terraform_plugin::value::{AttributePath, Type, Value};

const TIMEOUT: &str = "timeout";

/// The default timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The known arguments of one invocation.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) registry: RegistryClient,
    /// The timeout of the whole action.
    pub(crate) timeout: Duration,
}

impl Arguments {
    /// Reads a configuration. The timeout begins now.
    ///
    /// # Errors
    /// A value is invalid. Validation has not seen values that were unknown before.
    pub(crate) fn read(
        connection: &Connection,
        context: &Context,
        config: &Value,
    ) -> Result<Self, Diagnostics> {
        connection.ready()?;
        let (id, timeout) = read(config)?;
        Ok(Self {
            registry: connection.registry(context, id, timeout)?,
            timeout,
        })
    }
}

/// Reads a configuration that is wholly known.
fn read(config: &Value) -> Result<(RegistryId, Duration), Diagnostics> {
    let found = validate(config);
    if !found.is_empty() {
        return Err(found);
    }
    let timeout = config.get(TIMEOUT).as_str().and_then(|it| it.parse().ok());
    let timeout = timeout.map_or(DEFAULT_TIMEOUT, |it: Timeout| it.duration());
    Ok((registry_id::read(config)?, timeout))
}

/// Returns the attributes. `time_for` describes the timeout.
pub(crate) fn attributes(time_for: &str) -> [Attribute; 2] {
    [
        schema::registry_id(),
        Attribute::new(
            TIMEOUT,
            Type::String,
            Configurability::Optional,
            format!("{time_for}, such as `90s` or `1h30m`. Defaults to `30m`."),
        ),
    ]
}

/// Validates the known arguments.
pub(crate) fn validate(config: &Value) -> Diagnostics {
    let registry = registry_id::validate(config);
    let timeout = timeouts::validate_one(config.get(TIMEOUT), AttributePath::new(TIMEOUT));
    registry.into_iter().chain(timeout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::common::registry_id::REGISTRY_ID;
    use terraform_plugin::diagnostics::Diagnostic;

    const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn config(registry: impl Into<Value>, timeout: impl Into<Value>) -> Value {
        Value::object([(REGISTRY_ID, registry.into()), (TIMEOUT, timeout.into())])
    }

    fn findings(found: &Diagnostics) -> String {
        let line = |found: &Diagnostic| {
            let path = found.path.clone().unwrap_or_default();
            format!("{path}: {}\n  {}", found.summary, found.detail)
        };
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn validation_reports_all_findings_at_their_arguments() {
        insta::assert_snapshot!(findings(&validate(&config("contoso", "soon"))), @r#"
        registry_id: Invalid registry ID
          "contoso" is not a container registry resource ID: it looks like a registry name. Expected /subscriptions/<subscription ID>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>. Use the `id` of an `azurerm_container_registry`.
        timeout: Invalid timeout
          "soon" is not a duration greater than zero. Use a duration such as "90s", "30m" or "1h30m".
        "#);
    }

    #[test]
    fn unknown_arguments_are_not_validated() {
        for (registry, timeout) in [
            (Value::Unknown, Value::Unknown),
            (REGISTRY.into(), Value::Null),
            (REGISTRY.into(), "90s".into()),
        ] {
            assert_eq!(validate(&config(registry, timeout)), Diagnostics::new());
        }
    }

    #[test]
    fn reading_returns_the_timeout_or_the_invalid_argument() {
        let (registry, timeout) = read(&config(REGISTRY, Value::Null)).unwrap();
        assert_eq!(registry.to_string(), REGISTRY);
        assert_eq!(timeout, Duration::from_secs(1800));
        let (_, timeout) = read(&config(REGISTRY, "90s")).unwrap();
        assert_eq!(timeout, Duration::from_secs(90));
        for bad in [config("contoso", Value::Null), config(REGISTRY, "soon")] {
            assert_eq!(read(&bad).unwrap_err(), validate(&bad));
        }
    }
}
