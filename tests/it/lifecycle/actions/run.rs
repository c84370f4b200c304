//! The action `acr_continuous_patching_run` queues one run, or reports why it could not.

use azure_simulator::Fault;
use terraform_plugin::value::Value;

use crate::lifecycle::actions::{CANCEL, RUN, error, only_run, start, start_on, wait, workflow};
use crate::lifecycle::stage::Stage;
use terraform_plugin_testing::action_events::collect_events;
use terraform_plugin_testing::core::Core;

#[tokio::test(start_paused = true)]
async fn without_wait_one_run_is_queued() {
    let stage = workflow().await;
    let events = collect_events(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let id = only_run(&stage);
    assert_eq!(
        events.messages,
        [
            format!("Queued run {id} of cssc-trigger-workflow on contoso."),
            format!(
                "The action does not wait for it. To show its log: az acr task logs --registry contoso --run-id {id}"
            ),
        ]
    );
    assert_eq!(events.outcome, []);
    assert_eq!(stage.writes(), ["POST scheduleRun"]);
    assert_eq!(stage.azure.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_workflow_or_registry_or_a_disabled_task_is_an_error() {
    let stage = Stage::plain().await;
    let said = error(&wait(&stage).await);
    assert!(said.starts_with("The registry has no workflow\n"), "{said}");

    let elsewhere = stage.registry().id().replace("contoso", "fabrikam");
    let events = start_on(&stage, &elsewhere, RUN, Value::Null, Value::Null);
    let said = error(&collect_events(events.await).await);
    assert!(said.starts_with("Registry not found\n"), "{said}");
    let events = start_on(&stage, &elsewhere, CANCEL, Value::Null, Value::Null);
    let said = error(&collect_events(events.await).await);
    assert!(said.starts_with("Registry not found\n"), "{said}");

    let stage = workflow().await;
    stage.registry().edit_task("cssc-trigger-workflow", |task| {
        task.properties.status = Some("Disabled".to_owned());
    });
    let said = error(&wait(&stage).await);
    assert!(said.contains("TaskDisabled"), "{said}");
    assert!(
        said.contains("The task is disabled, so Azure refuses manual runs too."),
        "{said}"
    );
    assert_eq!(stage.registry().runs(), []);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_interrupted_while_it_queues_tells_the_id_of_the_run() {
    for waits in [Value::Null, true.into()] {
        let stage = workflow().await;
        // The first request queues the run.
        let ringing = stage.wire.ring_at(1);
        let stop = async {
            ringing.rung.await.unwrap();
            Core::stop(stage.terraform.client()).await;
            drop(ringing.go);
        };
        let events = async { collect_events(start(&stage, RUN, Value::Null, waits).await).await };
        let (events, ()) = tokio::join!(events, stop);
        let id = only_run(&stage);
        assert_eq!(events.outcome.len(), 1, "{events:?}");
        let said = format!(
            "{}\n{}",
            events.outcome[0].summary, events.outcome[0].detail
        );
        assert!(said.contains(&format!("run {id}")), "{said}");
        assert!(said.contains(&format!("--run-id {id}")), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_is_an_error_and_queues_no_second_run() {
    let stage = workflow().await;
    stage
        .azure
        .fault(Fault::on("POST", "/scheduleRun").cut_after());
    let error = error(&wait(&stage).await);
    assert!(
        error.starts_with("Azure did not confirm the run\n"),
        "{error}"
    );
    assert!(
        error.contains("az acr task list-runs --registry contoso"),
        "{error}"
    );
    only_run(&stage);
}
