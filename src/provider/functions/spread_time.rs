//! `spread_time(registry_id, "22:00", "04:00")`: a time of day within a maintenance window.

use crate::azure::RegistryId;
use crate::patching::schedule::TimeOfDay;
use crate::provider::functions::parsed;
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

/// The index of the argument `to`.
const TO: usize = 2;

/// The function `spread_time`.
#[derive(Debug)]
pub(crate) struct SpreadTime(Definition);

impl SpreadTime {
    pub(super) fn new() -> Self {
        let text = |name, description| Parameter::new(name, Type::String, description);
        let parameters = vec![
            text(
                "registry_id",
                "The resource ID of a container registry, such as the `id` of an \
                 `azurerm_container_registry`.",
            ),
            text("from", "The start of the window in UTC, as `HH:MM`."),
            text(
                "to",
                "The end of the window in UTC, as `HH:MM`. If it is earlier than `from`, the window \
                 passes midnight.",
            ),
        ];
        let summary = "A start time within a maintenance window, derived from the registry ID";
        Self(Definition::new(parameters, Type::String, summary).described(
            "Returns a time of day for `start_time`, from `from` until the minute before `to`. The \
             times of many registries are spread evenly over the window. The time depends only on \
             the registry ID, without regard to letter case, and on the window. So a registry keeps \
             its time when a configuration adds or removes other registries.",
        ))
    }
}

impl Function for SpreadTime {
    fn name(&self) -> &'static str {
        "spread_time"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let registry: RegistryId = parsed(arguments, 0)?;
        let (from, to): (TimeOfDay, TimeOfDay) = (parsed(arguments, 1)?, parsed(arguments, TO)?);
        TimeOfDay::derived_within(from, to, &registry.to_string())
            .map(|time| time.to_string().into())
            .ok_or_else(|| {
                let problem = "the window is empty, because it ends when it starts. For any time of \
                               the day, leave out start_time";
                FunctionError::of_argument(TO, problem)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(registry: &str, from: &str, to: &str) -> Result<Value, FunctionError> {
        SpreadTime::new().run(&[registry.into(), from.into(), to.into()])
    }

    fn id(name: &str) -> String {
        format!(
            "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/\
             Microsoft.ContainerRegistry/registries/{name}"
        )
    }

    #[test]
    fn the_letter_case_of_the_registry_id_does_not_matter() {
        let time = |id: &str| run(id, "22:00", "04:00").unwrap();
        assert_eq!(time(&id("contoso")), time(&id("Contoso")));
        assert_eq!(
            time(&id("contoso")),
            time(&id("contoso").replace("resourceGroups", "resourcegroups"))
        );
    }

    #[test]
    fn each_error_names_its_argument() {
        let refused = |registry: &str, from, to| {
            let FunctionError { text, argument } = run(registry, from, to).unwrap_err();
            format!("{argument:?}: {text}")
        };
        insta::assert_snapshot!([
            refused("contoso", "22:00", "04:00"),
            refused(&id("contoso"), "22", "04:00"),
            refused(&id("contoso"), "22:00", "24:00"),
            refused(&id("contoso"), "22:00", "22:00"),
        ].join("\n"), @r#"
        Some(0): "contoso" is not a container registry resource ID: it looks like a registry name. Expected /subscriptions/<subscription ID>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>
        Some(1): "22" is not a time of day between "00:00" and "23:59"
        Some(2): "24:00" is not a time of day between "00:00" and "23:59"
        Some(2): the window is empty, because it ends when it starts. For any time of the day, leave out start_time
        "#);
    }
}
