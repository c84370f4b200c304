//! The action `acr_continuous_patching_cancel_runs`.

use azure_simulator::{Fault, RunStatus};
use terraform_plugin::value::Value;

use crate::lifecycle::actions::{
    CANCEL, RUN, cancel, endless, error, only_run, start, wait, workflow,
};
use crate::lifecycle::stage::Stage;
use terraform_plugin_testing::action_events::collect_events;

#[tokio::test(start_paused = true)]
async fn all_active_runs_are_cancelled_and_reported() {
    let stage = workflow().await;
    // The trigger run ends and has queued two scans.
    wait(&stage).await;
    stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
    let events = cancel(&stage).await;
    assert_eq!(events.outcome, []);
    let mut runs = stage.registry().runs();
    runs.retain(|run| run.task == "cssc-scan-image");
    assert!(runs.iter().all(|run| run.status == RunStatus::Canceled));
    let mut expected: Vec<String> = runs
        .iter()
        .map(|run| format!("Cancelled run {} of cssc-scan-image.", run.id))
        .collect();
    expected.push("Cancelled 2 runs on contoso. No run is active.".to_owned());
    let mut messages = events.messages;
    messages.sort();
    expected.sort();
    assert_eq!(messages, expected);
}

#[tokio::test(start_paused = true)]
async fn without_an_active_run_there_is_nothing_to_cancel() {
    let nothing = "contoso has no active run to cancel.";
    for stage in [workflow().await, Stage::plain().await] {
        stage.azure.mark();
        let events = cancel(&stage).await;
        assert_eq!(
            (events.messages, events.outcome),
            (vec![nothing.to_owned()], vec![])
        );
        assert_eq!(stage.writes(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_before_its_cancellation_is_no_error() {
    let stage = endless().await;
    collect_events(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let fault = Fault::on("POST", "/cancel")
        .status(409)
        .code("RunCompleted");
    stage.azure.fault(fault);
    let events = cancel(&stage).await;
    assert_eq!(events.outcome, []);
    assert_eq!(
        events.messages.len(),
        2,
        "the run and the summary: {events:?}"
    );
    assert_eq!(stage.azure.leftovers()["active_runs"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_or_a_denied_cancellation_is_an_error() {
    let stage = endless().await;
    collect_events(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let fault = || Fault::on("POST", "/cancel").times(u64::MAX);
    stage.azure.fault(fault().status(409));
    let late = collect_events(start(&stage, CANCEL, "1m".into(), Value::Null).await).await;
    let said = error(&late);
    assert!(said.contains("Runs may still be active"), "{said}");
    stage.azure.clear_faults();
    stage
        .azure
        .fault(fault().status(403).code("AuthorizationFailed"));
    let said = error(&cancel(&stage).await);
    assert!(said.starts_with("Could not cancel all runs\n"), "{said}");
    assert!(said.contains(&only_run(&stage)), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ignores_its_cancellation_is_an_error_after_some_minutes() {
    let stage = endless().await;
    collect_events(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let ignored = Fault::on("POST", "/cancel").status(200).times(u64::MAX);
    stage.azure.fault(ignored);
    let said = error(&cancel(&stage).await);
    assert!(said.starts_with("Could not cancel all runs\n"), "{said}");
    let named = format!("{} of cssc-trigger-workflow", only_run(&stage));
    assert_eq!(said.matches(&named).count(), 1, "{said}");
    assert!(said.contains("at the latest at its timeout"), "{said}");
}
