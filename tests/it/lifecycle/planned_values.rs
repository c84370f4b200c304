//! The planned values of the resource, and the values after the apply.

use std::sync::Arc;

use azure_simulator::{Options, RegistrySpec, Simulator};
use terraform_plugin::framework::Provider;
use terraform_plugin::schema::{Attribute, AttributeKind, Block, Configurability};
use terraform_plugin::value::Value;
use terraform_provider_acr::provider::{AcrProvider, Environment};

use crate::support::core::start_core;
use crate::support::wire::Wire;
use terraform_plugin_testing::core::{Core, Plan};
use terraform_plugin_testing::core_rules::broken_promises;

/// Starts a Terraform Core and an Azure with one registry.
async fn terraform() -> (Core, String) {
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let azure = Arc::new(Simulator::start(options).unwrap());
    let environment = azure.env().into_iter().collect();
    let terraform = start_core(environment, &Wire::to(&azure)).await;
    (terraform, azure.registry("contoso").id())
}

/// The schema of the resource.
fn block() -> Block {
    let provider = AcrProvider::new(Environment::default());
    provider.resources()[0].schema().block.clone()
}

/// A configuration with the required arguments only.
fn config(registry_id: &str, schedule: &str, tags: &[&str]) -> Value {
    let tags = tags.iter().copied().map(Value::from).collect();
    let python = Value::object([("tags", Value::Set(tags))]);
    Value::object([
        ("registry_id", registry_id.into()),
        ("schedule", schedule.into()),
        (
            "repositories",
            Value::Map([("python".to_owned(), python)].into()),
        ),
    ])
}

/// The paths and configurability of the attributes that the configuration omits.
fn omitted(attributes: &[Attribute], config: &Value) -> Vec<(Vec<String>, Configurability)> {
    let mut found = vec![];
    for attribute in attributes {
        let name = &attribute.name;
        match (&attribute.kind, config.get(name)) {
            (_, Value::Null) => found.push((vec![name.clone()], attribute.configurability)),
            (AttributeKind::Nested(_, inner), Value::Map(elements)) => {
                for (key, element) in elements {
                    for (path, presence) in omitted(inner, element) {
                        found.push(([vec![name.clone(), key.clone()], path].concat(), presence));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, name| value.get(name))
}

/// Applies a plan and returns the new state.
async fn applied(terraform: &mut Core, plan: &Plan, config: &Value) -> Value {
    assert_eq!(terraform.apply(plan, config).await, []);
    terraform.state().clone()
}

#[tokio::test(start_paused = true)]
async fn mistake_16_computed_values_are_unknown_or_kept_in_the_plan() {
    let (mut terraform, id) = terraform().await;
    for schedule in ["7d", "3d"] {
        let config = config(&id, schedule, &["3.11"]);
        let plan = terraform.plan(&config).await.unwrap();
        let made = applied(&mut terraform, &plan, &config).await;

        for (path, presence) in omitted(&block().attributes, &config) {
            assert!(
                matches!(
                    presence,
                    Configurability::Computed | Configurability::OptionalComputed
                ),
                "{path:?}"
            );
            assert!(!at(&plan.planned, &path).is_null(), "{path:?} becomes null");
        }
        assert_eq!(broken_promises(&plan.planned, &made), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn mistake_17_only_optional_computed_attributes_have_planned_defaults() {
    let (terraform, id) = terraform().await;
    let config = config(&id, "7d", &["3.11"]);
    let planned = terraform.plan(&config).await.unwrap().planned;

    let defaults: Vec<_> = omitted(&block().attributes, &config)
        .into_iter()
        .filter(|(path, presence)| {
            *presence != Configurability::Computed && !at(&planned, path).is_null()
        })
        .map(|(path, presence)| (path.join("."), presence))
        .collect();

    let expected = [
        "repositories.python.enabled",
        "enabled",
        "adopt_existing",
        "preflight",
        "run_immediately",
        "start_time",
        "tag_convention",
    ];
    assert_eq!(
        defaults,
        expected.map(|path| (path.to_owned(), Configurability::OptionalComputed))
    );
    assert_eq!(planned.get("timeouts"), config.get("timeouts"));
}

#[tokio::test(start_paused = true)]
async fn mistake_18_a_configured_value_is_planned_unchanged() {
    let (mut terraform, id) = terraform().await;
    let other_case = id
        .replace("contoso", "CONTOSO")
        .replace("resourceGroups", "resourcegroups");
    assert_ne!(other_case, id);
    let written = config(&other_case, "7d", &["latest", "3.9", "3.11"]);

    let plan = terraform.plan(&written).await.unwrap();
    let made = applied(&mut terraform, &plan, &written).await;

    for value in [&plan.planned, &made] {
        for name in ["registry_id", "schedule"] {
            assert_eq!(value.get(name), written.get(name));
        }
        let tags = |value: &Value| {
            let python = value.get("repositories").get("python");
            python.get("tags").clone()
        };
        assert_eq!(tags(value), tags(&written));
    }

    let rewritten = config(&id, "7d", &["3.11", "latest", "3.9"]);
    let again = terraform.plan(&rewritten).await.unwrap().planned;
    let spellings = [&written, &rewritten].map(|config| config.get("registry_id"));
    assert!(spellings.contains(&again.get("registry_id")));
    assert_eq!(again.get("repositories"), made.get("repositories"));
}
