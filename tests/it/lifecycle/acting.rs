//! The actions against the simulator, event by event, as Terraform 1.14 and later call them.

use std::time::Duration;

use azure_simulator::{Fate, Fault, RegistrySpec, RunStatus};
use http::Method;
use terraform_provider_acr::rpc::generated as pb;
use terraform_provider_acr::value::{Type, Value, msgpack};
use tonic::Streaming;

use crate::lifecycle::stage::{Stage, repositories, with};
use crate::support::actions::{Told, message, told};
use crate::support::host::lines;
use crate::support::terraform::Terraform;

const RUN: &str = "acr_continuous_patching_run";
const CANCEL: &str = "acr_continuous_patching_cancel_runs";

/// A configuration of an action as the wire carries it. Only the run has `wait`.
fn config(action: &str, registry: Value, timeout: Value, wait: Value) -> Option<pb::DynamicValue> {
    let arguments = [
        ("registry_id", Type::String, registry),
        ("timeout", Type::String, timeout),
        ("wait", Type::Bool, wait),
    ];
    let known = arguments
        .into_iter()
        .filter(|(name, ..)| action == RUN || *name != "wait");
    let (kinds, values): (Vec<_>, Vec<_>) = known
        .map(|(name, kind, value)| ((name.to_owned(), kind), (name, value)))
        .unzip();
    let kind = Type::Object(kinds.into_iter().collect());
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&Value::object(values), &kind).unwrap(),
        json: vec![],
    })
}

/// A stage with a workflow, whose trigger run finds two images that are vulnerable.
async fn workflow() -> Stage {
    let mut stage = Stage::plain().await;
    stage
        .registry()
        .push_image("python", "3.11", Fate::Vulnerable(3))
        .push_image("python", "3.12", Fate::Vulnerable(1));
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.azure.mark();
    stage
}

/// The same with runs that don't end by themselves.
async fn endless() -> Stage {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
    stage
}

async fn start(
    stage: &Stage,
    action: &str,
    timeout: Value,
    wait: Value,
) -> Streaming<pb::invoke_action::Event> {
    start_on(stage, &stage.registry().id(), action, timeout, wait).await
}

async fn start_on(
    stage: &Stage,
    registry: &str,
    action: &str,
    timeout: Value,
    wait: Value,
) -> Streaming<pb::invoke_action::Event> {
    let request = pb::invoke_action::Request {
        action_type: action.to_owned(),
        config: config(action, registry.into(), timeout, wait),
        ..Default::default()
    };
    let answer = stage.terraform.client().invoke_action(request).await;
    answer.unwrap().into_inner()
}

async fn wait(stage: &Stage) -> Told {
    told(start(stage, RUN, Value::Null, true.into()).await).await
}

async fn cancel(stage: &Stage) -> Told {
    told(start(stage, CANCEL, Value::Null, Value::Null).await).await
}

/// The one error of an action, as its summary and detail.
fn error(told: &Told) -> String {
    assert_eq!(lines(&told.outcome).len(), 1, "{told:?}");
    let only = &told.outcome[0];
    assert_eq!(only.severity(), pb::diagnostic::Severity::Error);
    format!("{}\n{}", only.summary, only.detail)
}

/// The id of the trigger task's only run.
fn only_run(stage: &Stage) -> String {
    let mut runs = stage.registry().runs();
    runs.retain(|run| run.task == "cssc-trigger-workflow");
    assert_eq!(runs.len(), 1);
    runs.remove(0).id
}

/// What is told when something happens to a run that has begun to print.
async fn while_running(stage: &Stage, timeout: Value, act: impl AsyncFnOnce(&str)) -> Told {
    let mut events = start(stage, RUN, timeout, true.into()).await;
    let mut messages = vec![];
    while !messages
        .last()
        .is_some_and(|it: &String| it.starts_with("Log of "))
    {
        messages.push(message(&mut events).await);
    }
    act(&only_run(stage)).await;
    let rest = told(events).await;
    messages.extend(rest.messages);
    Told {
        messages,
        outcome: rest.outcome,
    }
}

#[tokio::test]
async fn arguments_are_checked_without_azure() {
    let stage = Stage::plain().await;
    stage.azure.mark();
    let id = stage.registry().id();
    for (registry, timeout, expected) in [
        (Value::from(id.to_uppercase()), Value::Null, vec![]),
        (Value::Unknown, Value::Unknown, vec![]),
        (
            "contoso".into(),
            "soon".into(),
            vec![
                "error at .registry_id: Invalid registry ID",
                "error at .timeout: Invalid timeout",
            ],
        ),
    ] {
        for action in [RUN, CANCEL] {
            let config = || config(action, registry.clone(), timeout.clone(), Value::Unknown);
            let request = pb::validate_action_config::Request {
                action_type: action.to_owned(),
                config: config(),
            };
            let mut client = stage.terraform.client();
            let answer = client.validate_action_config(request).await.unwrap();
            assert_eq!(lines(&answer.into_inner().diagnostics), expected);
            let request = pb::plan_action::Request {
                action_type: action.to_owned(),
                config: config(),
                ..Default::default()
            };
            let answer = client.plan_action(request).await.unwrap().into_inner();
            assert_eq!(lines(&answer.diagnostics), expected);
        }
    }
    assert!(stage.azure.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_waited_for_is_queued_once() {
    let stage = workflow().await;
    let told = told(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let id = only_run(&stage);
    assert_eq!(
        told.messages,
        [
            format!("Queued run {id} of cssc-trigger-workflow on contoso."),
            format!(
                "It is not waited for. To see its log: az acr task logs --registry contoso --run-id {id}"
            ),
        ]
    );
    assert_eq!(told.outcome, []);
    assert_eq!(stage.writes(), ["POST scheduleRun"]);
    assert_eq!(stage.azure.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_waited_for_is_told_of_with_its_log_as_it_grows() {
    let stage = workflow().await;
    stage.azure.hold_clock();
    stage.azure.turn(|knobs| knobs.run_looks = 2);
    let told = wait(&stage).await;
    assert_eq!(told.outcome, []);
    let ids: Vec<String> = stage
        .registry()
        .runs()
        .into_iter()
        .map(|it| it.id)
        .collect();
    let said = told.messages.join("\n");
    let said = ids
        .iter()
        .enumerate()
        .fold(said, |said, (n, id)| said.replace(id, &format!("dt-{n}")));
    insta::assert_snapshot!(said, @"
    Queued run dt-0 of cssc-trigger-workflow on contoso.
    Run dt-0 is running.
    Log of run dt-0:
      Validating filter...
      Configured Tag Convention:  incremental
      Listing repositories and tags matching the filter with corresponding patch tag (if present):
    Log of run dt-0:
      Repo,Tag,LatestPatchTag
      python,3.11,N/A
    Log of run dt-0:
      python,3.12,N/A
      Matches found: 2
      WARNING: Queued a run with ID: dt-1
      WARNING: Queued a run with ID: dt-2
    Run dt-0 has succeeded after 2s. It has queued 2 scans.
    ");
    assert_eq!(stage.azure.leftovers()["active_runs"], 2, "the scans go on");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_is_an_error_with_the_end_of_its_log() {
    let mut stage = workflow().await;
    let all = with(
        &stage.config(),
        "repositories",
        repositories(&[("python", &["*"])]),
    );
    stage.terraform.succeed(&all).await;
    stage.registry().push_tags("python", 150);
    let told = wait(&stage).await;
    let (id, error) = (only_run(&stage), error(&told));
    assert!(error.starts_with(&format!("Run {id} of cssc-trigger-workflow has failed\n")));
    for part in [
        "ended as Failed: ",
        "152 images match",
        "Matches found: 152",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(error.matches("\n  ").count(), 20, "{error}");
    let log = told.messages.iter().find(|it| it.starts_with("Log of"));
    let log = log.unwrap();
    assert!(log.contains(" left out]\n"), "{log}");
    assert_eq!(log.lines().count(), 52);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_and_not_the_run() {
    let stage = endless().await;
    let stopped = while_running(&stage, Value::Null, async |_| {
        Terraform::stop(stage.terraform.client()).await;
    });
    let (stopped, id) = (stopped.await, only_run(&stage));
    let error = error(&stopped);
    assert!(
        error.starts_with(&format!("The wait for run {id} was interrupted\n")),
        "{error}"
    );
    assert!(error.contains(&format!(
        "Run {id} of {} goes on in Azure",
        stage.registry().id()
    )));
    assert_eq!(stage.registry().runs()[0].status, RunStatus::Running);
    let cancels = stage
        .writes()
        .into_iter()
        .filter(|it| it.ends_with("/cancel"));
    assert_eq!(cancels.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_limit_and_the_run_goes_on() {
    let stage = endless().await;
    let begun = tokio::time::Instant::now();
    let late = told(start(&stage, RUN, "90s".into(), true.into()).await).await;
    assert!(begun.elapsed() >= Duration::from_secs(90));
    let (id, error) = (only_run(&stage), error(&late));
    assert!(
        error.starts_with(&format!("Run {id} has not ended within 1m 30s\n")),
        "{error}"
    );
    assert!(error.contains("set `timeout`"), "{error}");
    assert_eq!(stage.azure.leftovers()["active_runs"], 1);
    assert!(
        stage.azure.requests().len() < 60,
        "looks with growing pauses"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_cancels_is_an_error() {
    let stage = endless().await;
    let cancelled = while_running(&stage, Value::Null, async |id| {
        let address = format!(
            "{}/runs/{id}/cancel?api-version=2019-06-01-preview",
            stage.registry().id()
        );
        let (status, _) = stage.azure.behind_the_scenes(Method::POST, &address, None);
        assert_eq!(status, 200);
    });
    let error = error(&cancelled.await);
    assert!(error.contains("was cancelled\n"), "{error}");
    assert!(error.contains("Validating filter..."), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_a_workflow_or_a_registry_or_with_a_disabled_task_it_is_said_what_is_missing() {
    let stage = Stage::plain().await;
    let said = error(&wait(&stage).await);
    assert!(said.starts_with("The registry has no workflow\n"), "{said}");

    let elsewhere = stage.registry().id().replace("contoso", "fabrikam");
    let events = start_on(&stage, &elsewhere, RUN, Value::Null, Value::Null);
    let said = error(&told(events.await).await);
    assert!(said.starts_with("The registry does not exist\n"), "{said}");
    let events = start_on(&stage, &elsewhere, CANCEL, Value::Null, Value::Null);
    let said = error(&told(events.await).await);
    assert!(said.contains("Check that the registry exists"), "{said}");

    let stage = workflow().await;
    stage.registry().edit_task("cssc-trigger-workflow", |task| {
        task.properties.status = Some("Disabled".to_owned());
    });
    let said = error(&wait(&stage).await);
    assert!(said.contains("TaskDisabled"), "{said}");
    assert!(said.contains("The task is disabled, and then"), "{said}");
    assert_eq!(stage.registry().runs(), []);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_said_and_no_second_run_is_queued() {
    let stage = workflow().await;
    stage
        .azure
        .fault(Fault::on("POST", "/scheduleRun").cut_after());
    let error = error(&wait(&stage).await);
    assert!(
        error.starts_with("A run may have been queued, or not\n"),
        "{error}"
    );
    assert!(
        error.contains("az acr task list-runs --registry contoso"),
        "{error}"
    );
    only_run(&stage);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_can_not_be_read_is_said_once_and_fails_nothing() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 5);
    let fault = Fault::on("GET", "/rawtext.log").status(403).times(u64::MAX);
    stage.azure.fault(fault);
    let told = wait(&stage).await;
    assert_eq!(told.outcome, []);
    let unreadable = told
        .messages
        .iter()
        .filter(|it| it.contains("can't be read"));
    assert_eq!(unreadable.count(), 1, "{told:?}");
    let last = told.messages.last().unwrap();
    assert!(
        last.contains("has succeeded") && !last.contains("scan"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_out_of_reach_for_a_while_is_caught_up_with_at_the_end() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 5);
    stage
        .azure
        .fault(Fault::on("GET", "/rawtext.log").status(403).times(2));
    let told = wait(&stage).await;
    let last = told.messages.last().unwrap();
    assert!(last.ends_with("It has queued 2 scans."), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_can_not_be_looked_at_any_more_is_told_by_its_id() {
    let stage = endless().await;
    let fault = Fault::on("GET", "/runs/")
        .nth(3)
        .status(403)
        .code("AuthorizationFailed");
    stage.azure.fault(fault.times(u64::MAX));
    let (error, id) = (error(&wait(&stage).await), only_run(&stage));
    assert!(
        error.starts_with(&format!("Could not look at run {id} any more\n")),
        "{error}"
    );
    assert!(error.contains("AuthorizationFailed"), "{error}");
    assert!(error.contains("goes on in Azure"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_a_moment_is_not_noticed() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 2);
    for path in ["/runs/", "/rawtext.log", "/listLogSasUrl"] {
        stage
            .azure
            .fault(Fault::on("*", path).nth(2).status(503).times(2));
    }
    let told = wait(&stage).await;
    assert_eq!(told.outcome, []);
    assert!(
        !told.messages.iter().any(|it| it.contains("can't be read")),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_goes_away_ends_the_wait_and_not_the_run() {
    let stage = endless().await;
    let mut events = start(&stage, RUN, Value::Null, true.into()).await;
    message(&mut events).await;
    drop(events);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let looked_at = stage.azure.requests().len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(stage.azure.requests().len(), looked_at);
    assert_eq!(stage.azure.leftovers()["active_runs"], 1);
}

#[tokio::test(start_paused = true)]
async fn all_active_runs_are_cancelled_and_told_of() {
    let stage = workflow().await;
    // The trigger run ends, and its two scans are on their way.
    wait(&stage).await;
    stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
    let told = cancel(&stage).await;
    assert_eq!(told.outcome, []);
    let mut runs = stage.registry().runs();
    runs.retain(|run| run.task == "cssc-scan-image");
    assert!(runs.iter().all(|run| run.status == RunStatus::Canceled));
    let mut expected: Vec<String> = runs
        .iter()
        .map(|run| format!("Cancelling run {} of cssc-scan-image.", run.id))
        .collect();
    expected.push("Cancelled 2 runs on contoso. None is active any more.".to_owned());
    let mut messages = told.messages;
    messages.sort();
    expected.sort();
    assert_eq!(messages, expected);
}

#[tokio::test(start_paused = true)]
async fn where_no_run_is_active_there_is_nothing_to_cancel() {
    let nothing = "No run is active on contoso: there is nothing to cancel.";
    for stage in [workflow().await, Stage::plain().await] {
        stage.azure.mark();
        let told = cancel(&stage).await;
        assert_eq!(
            (told.messages, told.outcome),
            (vec![nothing.to_owned()], vec![])
        );
        assert_eq!(stage.writes(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_before_it_is_cancelled_is_fine() {
    let stage = endless().await;
    told(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let fault = Fault::on("POST", "/cancel")
        .status(409)
        .code("RunCompleted");
    stage.azure.fault(fault);
    let told = cancel(&stage).await;
    assert_eq!(told.outcome, []);
    assert_eq!(told.messages.len(), 2, "told once, asked twice: {told:?}");
    assert_eq!(stage.azure.leftovers()["active_runs"], 0);
}

#[tokio::test(start_paused = true)]
async fn runs_that_do_not_end_in_time_or_can_not_be_cancelled_are_an_error() {
    let stage = endless().await;
    told(start(&stage, RUN, Value::Null, Value::Null).await).await;
    let fault = || Fault::on("POST", "/cancel").times(u64::MAX);
    stage.azure.fault(fault().status(409));
    let late = told(start(&stage, CANCEL, "1m".into(), Value::Null).await).await;
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
async fn no_message_of_an_action_has_a_secret_in_it() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 3);
    let mut all = vec![wait(&stage).await];
    for fault in [
        Fault::on("GET", "/rawtext.log").status(403),
        Fault::on("GET", "/rawtext.log").cut(),
        Fault::on("POST", "/listLogSasUrl").status(403),
        Fault::on("GET", "/runs/").nth(3).status(403),
        Fault::on("POST", "/scheduleRun").cut_after(),
    ] {
        stage.azure.fault(fault.times(u64::MAX));
        all.push(wait(&stage).await);
        all.push(cancel(&stage).await);
        stage.azure.clear_faults();
    }
    let said = format!("{all:?}");
    let secrets = stage.azure.secrets();
    assert!(secrets.len() > 5);
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret} in {said}");
    }
    assert!(!said.contains("sig="), "{said}");
}
