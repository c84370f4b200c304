//! Generates the configuration of an imported workflow from its state.
//!
//! Not every workflow has a configuration. One of the Azure CLI or of the portal may lack the trigger task or
//! the policy, or have a timer that `schedule` can't express. A host still writes what it gets into a file, and
//! plans nothing in that folder until the file is valid.

use crate::provider::workflow::names;
use crate::provider::workflow::schema::default_of;
use crate::provider::workflow::validate::validate;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::GeneratedConfig;
use terraform_plugin::schema::{Configurability, Schema};
use terraform_plugin::value::Value;

/// Returns the configuration without attributes that have their default value. A warning names what a plan
/// does not accept.
pub(crate) fn configuration(schema: &Schema, state: Value) -> GeneratedConfig {
    let config = without_defaults(schema.block.configuration_of(state));
    let to_complete = to_complete(schema, &config);
    let warning = (!to_complete.is_empty()).then(|| incomplete(&config, &to_complete));
    GeneratedConfig {
        config,
        diagnostics: warning.into_iter().collect(),
    }
}

fn without_defaults(config: Value) -> Value {
    let Value::Object(mut values) = config else {
        return Value::Null;
    };
    for name in [
        names::ADOPT_EXISTING,
        names::ENABLED,
        names::PREFLIGHT,
        names::RUN_IMMEDIATELY,
    ] {
        leave_out(values.get_mut(name), &default_of(name));
    }
    if let Some(Value::Map(repositories)) = values.get_mut(names::REPOSITORIES) {
        for repository in repositories.values_mut() {
            if let Value::Object(repository) = repository {
                leave_out(
                    repository.get_mut(names::ENABLED),
                    &default_of(names::ENABLED),
                );
            }
        }
    }
    Value::Object(values)
}

fn leave_out(value: Option<&mut Value>, default: &Value) {
    if let Some(value) = value.filter(|value| **value == *default) {
        *value = Value::Null;
    }
}

/// Returns one line for each argument that a plan would not accept.
fn to_complete(schema: &Schema, config: &Value) -> Vec<String> {
    let attributes = schema.block.attributes.iter();
    let missing = attributes
        .filter(|it| it.configurability == Configurability::Required)
        .filter(|it| config.get(&it.name).is_null())
        .map(|it| format!("`{}`: {}", it.name, why_missing(&it.name)));
    let invalid = validate(config).into_iter().map(|found| {
        let path = found.path.unwrap_or_default();
        format!("`{path}`: {}", found.detail)
    });
    missing.chain(invalid).collect()
}

fn why_missing(name: &str) -> &'static str {
    match name {
        names::SCHEDULE => {
            "The workflow has no trigger task, so it has no timer. Set a number of days from \"1d\" to \
             \"30d\", such as \"7d\"."
        }
        names::REPOSITORIES => {
            "The registry has no policy that the provider can read. Add a repository and its tags."
        }
        _ => "The workflow has no value for it. Set it.",
    }
}

fn incomplete(config: &Value, to_complete: &[String]) -> Diagnostic {
    let id = config.get(names::REGISTRY_ID).as_str().unwrap_or_default();
    let registry = id.rsplit('/').next().unwrap_or_default();
    let lines: String = to_complete
        .iter()
        .map(|line| format!("\n  - {line}"))
        .collect();
    Diagnostic::warning(
        format!("Complete the generated configuration of {registry}"),
        format!(
            "No plan accepts the generated configuration of {id}. Until you complete it, Terraform plans \
             none of the other resources in the same folder either.{lines}\n\nOr remove the `resource` \
             block and the `import` block of this registry."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::schema::schema;

    const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

    fn generated(schedule: impl Into<Value>, repositories: Value) -> String {
        let schema = schema();
        let state = Value::object([
            (names::REGISTRY_ID, REGISTRY.into()),
            (names::SCHEDULE, schedule.into()),
            (names::REPOSITORIES, repositories),
        ]);
        let generated = configuration(&schema, schema.block.complete(state));
        let warnings = generated.diagnostics.iter().map(|found| {
            assert!(!found.is_error());
            format!("# {}\n{}", found.summary, found.detail)
        });
        warnings.collect()
    }

    fn python() -> Value {
        let tags = Value::Set([Value::from("3.11")].into_iter().collect());
        let python = Value::object([(names::TAGS, tags), (names::ENABLED, Value::Null)]);
        Value::Map([("python".to_owned(), python)].into())
    }

    #[test]
    fn a_warning_names_each_argument_to_complete() {
        assert_eq!(generated("7d", python()), "");
        insta::assert_snapshot!(generated(Value::Null, Value::Map(Default::default())), @r#"
        # Complete the generated configuration of contoso
        No plan accepts the generated configuration of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso. Until you complete it, Terraform plans none of the other resources in the same folder either.
          - `schedule`: The workflow has no trigger task, so it has no timer. Set a number of days from "1d" to "30d", such as "7d".
          - `repositories`: A workflow needs at least one repository. Add a repository and its tags, or remove the resource.

        Or remove the `resource` block and the `import` block of this registry.
        "#);
        insta::assert_snapshot!(generated("0 12 * * 1", Value::Null), @r#"
        # Complete the generated configuration of contoso
        No plan accepts the generated configuration of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso. Until you complete it, Terraform plans none of the other resources in the same folder either.
          - `repositories`: The registry has no policy that the provider can read. Add a repository and its tags.
          - `schedule`: "0 12 * * 1" is not a number of days followed by "d". Set a number of days from "1d" to "30d", such as "7d".

        Or remove the `resource` block and the `import` block of this registry.
        "#);
    }
}
