//! What both actions are told: on which registry, and how long they may take.

use std::time::Duration;

use crate::azure::id::RegistryId;
use crate::http::Budget;
use crate::provider::common::timeouts;
use crate::provider::workflow::names::REGISTRY_ID;
use crate::provider::workflow::{notices, schema, validate};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::Context;
use terraform_plugin::schema::{Attribute, Configurability};
use terraform_plugin::value::{AttributePath, Type, Value};

const TIMEOUT: &str = "timeout";

/// How long an action may take that isn't told.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What an action has been told, once all of it is known.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) registry: RegistryId,
    pub(crate) budget: Budget,
    /// How much time the budget had.
    pub(crate) timeout: Duration,
}

impl Order {
    /// Reads a configuration. Its time begins now.
    ///
    /// # Errors
    /// What is wrong with it: a value that wasn't known before has been seen by nobody yet.
    pub(crate) fn read(context: &Context, config: &Value) -> Result<Self, Diagnostics> {
        let found = check(config);
        if !found.is_empty() {
            return Err(found);
        }
        let id = config.get(REGISTRY_ID).as_str().unwrap_or_default();
        let registry = id
            .parse::<RegistryId>()
            .map_err(|problem| notices::invalid_registry(&problem))?;
        let timeout = config.get(TIMEOUT).as_str().map(timeouts::parse);
        let timeout = timeout.and_then(Result::ok).unwrap_or(DEFAULT_TIMEOUT);
        Ok(Self {
            registry,
            budget: Budget::new(timeout, context.cancelled.clone()),
            timeout,
        })
    }
}

/// The arguments, of which the last is described by what the time is for.
pub(crate) fn arguments(time_for: &str) -> [Attribute; 2] {
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

/// What is wrong with the arguments, as far as they are known.
pub(crate) fn check(config: &Value) -> Diagnostics {
    let registry = validate::registry(config);
    let timeout = validate::duration(config.get(TIMEOUT), AttributePath::new(TIMEOUT));
    registry.into_iter().chain(timeout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn all_findings_come_at_once_and_each_at_its_argument() {
        insta::assert_snapshot!(findings(&check(&config("contoso", "soon"))), @r#"
        registry_id: Invalid registry ID
          "contoso" is not the id of a container registry (it has another number of segments); expected /subscriptions/<subscription id>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>. Use the `id` of an `azurerm_container_registry`.
        timeout: Invalid timeout
          "soon" is not a duration above zero. Write a duration such as "90s", "30m" or "1h30m".
        "#);
    }

    #[test]
    fn what_is_unknown_is_not_judged() {
        for (registry, timeout) in [
            (Value::Unknown, Value::Unknown),
            (REGISTRY.into(), Value::Null),
            (REGISTRY.into(), "90s".into()),
        ] {
            assert_eq!(check(&config(registry, timeout)), Diagnostics::new());
        }
    }

    #[test]
    fn an_order_is_read_with_its_time_and_refused_with_what_is_wrong() {
        let read = |config: &Value| Order::read(&Context::default(), config);
        let order = read(&config(REGISTRY, Value::Null)).unwrap();
        assert_eq!(order.registry.to_string(), REGISTRY);
        assert_eq!(order.timeout, Duration::from_secs(1800));
        let order = read(&config(REGISTRY, "90s")).unwrap();
        assert_eq!(order.timeout, Duration::from_secs(90));
        for bad in [config("contoso", Value::Null), config(REGISTRY, "soon")] {
            assert_eq!(read(&bad).unwrap_err(), check(&bad));
        }
    }
}
