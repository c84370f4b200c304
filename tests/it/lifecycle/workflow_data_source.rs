//! The data source `acr_continuous_patching_workflow`: a workflow of the provider, one of the Azure CLI, a
//! partial one, and a missing one.

use crate::support::core::data_source;
use azure_simulator::{CliStep, Fault, Generation};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::data_source::Source;
use terraform_plugin_testing::host::lines;

fn source() -> Source {
    data_source("acr_continuous_patching_workflow")
}

fn of(registry_id: &str) -> Value {
    Value::object([("registry_id", registry_id.into())])
}

#[tokio::test(start_paused = true)]
async fn the_data_source_has_the_values_of_the_resource() {
    let mut stage = Stage::plain().await;
    let config = with(&stage.config(), "tag_convention", "floating");
    stage.terraform.succeed(&config).await;
    stage.terraform.restart().await;
    stage.azure.mark();
    let shouted = stage.registry().id().to_uppercase();
    let found = source()
        .read(&stage.terraform, &of(&shouted))
        .await
        .silent();
    let asked = [
        "GET /v2/csscpolicies/patchpolicy/blobs/",
        "GET /v2/csscpolicies/patchpolicy/manifests/v1",
        "GET roleAssignments",
        "GET tasks",
        "GET the registry",
    ];
    assert_eq!(stage.asked(), asked, "one read of each part");
    let mut expected = stage.terraform.state().as_map().unwrap().clone();
    expected.insert("registry_id".to_owned(), shouted.into());
    for applying in ["adopt_existing", "preflight", "run_immediately"] {
        expected.remove(applying).unwrap();
    }
    assert_eq!(found, Value::Object(expected));
    assert_eq!(stage.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_of_the_azure_cli_is_read_unchanged() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.cli_create(Generation::Contributor).unwrap();
    registry.edit_task("cssc-trigger-workflow", |task| {
        let trigger = task.properties.trigger.as_mut().unwrap();
        trigger.timer_triggers[0].schedule = "0 0 * * 1".to_owned();
    });
    let found = source().read(&stage.terraform, &of(&registry.id())).await;
    let found = found.silent();
    assert_eq!(found.get("schedule"), &"0 0 * * 1".into());
    assert_eq!(found.get("start_time"), &Value::Null);
    assert_eq!(found.get("enabled"), &true.into());
    let patch = found.get("tasks").get("cssc-patch-image");
    assert_eq!(patch.get("principal_id"), &Value::Null);
    assert_ne!(patch.get("status"), &"Enabled".into());
}

#[tokio::test(start_paused = true)]
async fn a_partial_workflow_has_null_for_missing_parts() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.cli_create_failing_at(CliStep::ScanAssignment, Generation::TasksContributor);
    registry.remove_policy();
    assert!(registry.delete_task("cssc-trigger-workflow"));
    let found = source().read(&stage.terraform, &of(&registry.id())).await;
    let found = found.silent();
    for absent in ["schedule", "repositories", "policy_digest"] {
        assert_eq!(found.get(absent), &Value::Null, "{absent}");
    }
    assert_eq!(found.get("enabled"), &false.into());
    assert!(found.get("tasks").as_map().unwrap().len() < 3);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_policy_is_a_warning() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.cli_create(Generation::TasksContributor).unwrap();
    registry.push_policy("{");
    let found = source().read(&stage.terraform, &of(&registry.id())).await;
    assert_eq!(
        found.lines(),
        ["warning at .repositories: The policy in contoso can't be read"]
    );
    assert_eq!(found.object.get("repositories"), &Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_missing_workflow_or_registry_is_an_error() {
    let stage = Stage::plain().await;
    let id = stage.registry().id();
    let none = source().read(&stage.terraform, &of(&id)).await;
    assert_eq!(
        none.lines(),
        ["error at .registry_id: The registry has no workflow"]
    );
    insta::assert_snapshot!(none.said[0].detail, @"The registry /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso has none of the three tasks of Continuous Patching. Create a workflow with the resource `acr_continuous_patching_workflow`. If this configuration already does, add that resource to the `depends_on` of this data source.");
    let gone = source()
        .read(&stage.terraform, &of(&id.replace("contoso", "nowhere")))
        .await;
    assert_eq!(gone.lines(), ["error at .registry_id: Registry not found"]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_names_the_missing_role() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.cli_create(Generation::TasksContributor).unwrap();
    for (request, role) in [
        ("/manifests/v1", "AcrPull"),
        ("/roleAssignments", "role Reader"),
    ] {
        stage
            .azure
            .fault(Fault::on("GET", request).status(403).times(u64::MAX));
        let refused = source().read(&stage.terraform, &of(&registry.id())).await;
        assert_eq!(refused.lines(), ["error: Could not read the workflow"]);
        let detail = &refused.said[0].detail;
        assert!(detail.contains(role), "{detail}");
        stage.azure.clear_faults();
    }
}

#[tokio::test]
async fn a_configuration_is_validated_without_any_request() {
    let stage = Stage::plain().await;
    stage.azure.mark();
    let config = |id: Value, read: Value| {
        Value::object([
            ("registry_id", id),
            ("timeouts", Value::object([("read", read)])),
        ])
    };
    for (config, expected) in [
        (config(Value::Unknown, Value::Unknown), vec![]),
        (
            config("contoso".into(), "soon".into()),
            vec![
                "error at .registry_id: Invalid registry ID",
                "error at .timeouts.read: Invalid timeout",
            ],
        ),
        (
            config(Value::Null, "1m".into()),
            vec!["error at .registry_id: Missing required argument"],
        ),
        (
            with(&config(Value::Unknown, Value::Null), "schedule", "7d"),
            vec!["error at .schedule: Value for a read-only attribute"],
        ),
    ] {
        let found = source().validate(&stage.terraform, &config).await;
        assert_eq!(lines(&found), expected);
    }
    assert!(stage.azure.requests().is_empty());
}
