//! The provider waits for late changes until the operation's timeout.

use azure_simulator::{Fate, Fault, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, with};

#[tokio::test(start_paused = true)]
async fn a_first_run_is_queued_again_until_the_role_assignments_propagate() {
    let spec = RegistrySpec::new("contoso");
    let mut stage = Stage::of(spec, |knobs| knobs.replication_delay_ms = 20_000).await;
    stage
        .registry()
        .push_image("python", "3.11", Fate::Vulnerable(3));
    let config = with(&stage.config(), "run_immediately", true);
    stage.terraform.succeed(&config).await;
    let outcomes: Vec<String> = stage
        .registry()
        .runs()
        .into_iter()
        .filter(|run| run.task == "cssc-trigger-workflow")
        .map(|run| format!("{:?}", run.status))
        .collect();
    let failed = outcomes.iter().filter(|it| *it == "Failed").count();
    let succeeded = outcomes.iter().filter(|it| *it == "Succeeded").count();
    assert!(failed >= 1 && succeeded == 1, "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_reports_the_last_error_and_keeps_the_state() {
    let mut stage = Stage::plain().await;
    stage.azure.fault(
        Fault::on("PUT", "/roleAssignments/")
            .status(400)
            .code("PrincipalNotFound")
            .times(u64::MAX),
    );
    let timeouts = Value::object([
        ("create", Value::from("90s")),
        ("delete", Value::Null),
        ("read", Value::Null),
        ("update", Value::Null),
    ]);
    let config = with(&stage.config(), "timeouts", timeouts);
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said = stage.terraform.apply(&plan, &config).await;
    let [diagnostic] = &said[..] else {
        panic!("one error expected: {said:?}");
    };
    let detail = &diagnostic.detail;
    assert!(detail.contains("The operation timed out"), "{detail}");
    assert!(detail.contains("PrincipalNotFound"), "{detail}");
    assert_eq!(detail.matches("\n  - creating role assignment ").count(), 5);
    assert_eq!(
        stage.terraform.state().get("tasks").as_map().unwrap().len(),
        3
    );
    stage.azure.clear_faults();
    stage.destroy().await;
}
