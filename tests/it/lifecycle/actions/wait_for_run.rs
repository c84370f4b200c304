//! The action `acr_continuous_patching_run` with `wait`. It reports progress and the log. If the wait ends
//! early, the run continues.

use std::time::Duration;

use azure_simulator::{Fault, RunStatus};
use http::Method;
use terraform_plugin::value::Value;

use crate::lifecycle::actions::{RUN, endless, error, only_run, start, wait, workflow};
use crate::lifecycle::stage::{Stage, repositories, with};
use terraform_plugin_testing::action_events::{ActionEvents, collect_events, message};
use terraform_plugin_testing::core::Core;

/// Starts a run, calls `act` after the first part of its log, and returns all events.
async fn while_running(stage: &Stage, timeout: Value, act: impl AsyncFnOnce(&str)) -> ActionEvents {
    let mut events = start(stage, RUN, timeout, true.into()).await;
    let mut messages = vec![];
    while !messages
        .last()
        .is_some_and(|it: &String| it.starts_with("Log of "))
    {
        messages.push(message(&mut events).await);
    }
    act(&only_run(stage)).await;
    let rest = collect_events(events).await;
    messages.extend(rest.messages);
    ActionEvents {
        messages,
        outcome: rest.outcome,
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_reported_with_its_log_until_it_ends() {
    let stage = workflow().await;
    stage.azure.hold_clock();
    stage.azure.turn(|knobs| knobs.run_looks = 2);
    let report = wait(&stage).await;
    assert_eq!(report.outcome, []);
    let ids: Vec<String> = stage
        .registry()
        .runs()
        .into_iter()
        .map(|it| it.id)
        .collect();
    let said = report.messages.join("\n");
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
      Listing repositories and tags matching the filter with corresponding latest patch tag (if present):
    Log of run dt-0:
      Repo,Tag,LatestPatchTag
      python,3.11,N/A
    Log of run dt-0:
      python,3.12,N/A
      Matches found: 2
      WARNING: Queued a run with ID: dt-1
      WARNING: Queued a run with ID: dt-2
      Queued 2 of 2 scans.
    Run dt-0 succeeded after 2s. It queued 2 scans.
    ");
    assert_eq!(
        stage.azure.leftovers()["active_runs"],
        2,
        "both scans continue"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_an_error_with_the_end_of_its_log() {
    let mut stage = workflow().await;
    let all = with(
        &stage.config(),
        "repositories",
        repositories(&[("python", &["*"])]),
    );
    stage.terraform.succeed(&all).await;
    stage.registry().push_tags("python", 150);
    let report = wait(&stage).await;
    let (id, error) = (only_run(&stage), error(&report));
    assert!(error.starts_with(&format!("Run {id} of cssc-trigger-workflow failed\n")));
    for part in [
        "ended with status Failed: ",
        "152 images match",
        "Matches found: 152",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(error.matches("\n  ").count(), 20, "{error}");
    let log = report.messages.iter().find(|it| it.starts_with("Log of"));
    let log = log.unwrap();
    assert!(log.contains(" omitted]\n"), "{log}");
    assert_eq!(log.lines().count(), 52);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_wait_and_the_run_continues() {
    let stage = endless().await;
    let stopped = while_running(&stage, Value::Null, async |_| {
        Core::stop(stage.terraform.client()).await;
    });
    let (stopped, id) = (stopped.await, only_run(&stage));
    let error = error(&stopped);
    assert!(
        error.starts_with(&format!("Interrupted while waiting for run {id}\n")),
        "{error}"
    );
    assert!(error.contains(&format!(
        "Run {id} of {} continues in Azure",
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
async fn a_silent_run_is_reported_each_minute() {
    let stage = endless().await;
    let late = collect_events(start(&stage, RUN, "150s".into(), true.into()).await).await;
    let id = only_run(&stage);
    let waited = late.messages.iter().filter_map(|message| {
        let how = format!("Run {id} is running. The action has waited ");
        message.strip_prefix(&how)
    });
    let minutes: Vec<&str> = waited.map(|waited| &waited[..2]).collect();
    assert_eq!(minutes, ["1m", "2m"], "{:#?}", late.messages);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_ends_the_wait_and_the_run_continues() {
    let stage = endless().await;
    let begun = tokio::time::Instant::now();
    let late = collect_events(start(&stage, RUN, "90s".into(), true.into()).await).await;
    assert!(begun.elapsed() >= Duration::from_secs(90));
    let (id, error) = (only_run(&stage), error(&late));
    assert!(
        error.starts_with(&format!("Run {id} did not finish within 1m 30s\n")),
        "{error}"
    );
    assert!(error.contains("set `timeout`"), "{error}");
    assert_eq!(stage.azure.leftovers()["active_runs"], 1);
    assert!(stage.azure.requests().len() < 60, "polls with backoff");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_is_an_error() {
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
async fn an_unreadable_log_is_reported_once_and_is_no_error() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 5);
    let fault = Fault::on("GET", "/rawtext.log").status(403).times(u64::MAX);
    stage.azure.fault(fault);
    let report = wait(&stage).await;
    assert_eq!(report.outcome, []);
    let unreadable = report
        .messages
        .iter()
        .filter(|it| it.contains("can't be read"));
    assert_eq!(unreadable.count(), 1, "{report:?}");
    let last = report.messages.last().unwrap();
    assert!(
        last.contains("succeeded") && !last.contains("scan"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_temporarily_unreadable_log_is_read_at_the_end() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 5);
    stage
        .azure
        .fault(Fault::on("GET", "/rawtext.log").status(403).times(2));
    let report = wait(&stage).await;
    let last = report.messages.last().unwrap();
    assert!(last.ends_with("It queued 2 scans."), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_run_is_an_error_with_its_id() {
    let stage = endless().await;
    let fault = Fault::on("GET", "/runs/")
        .nth(3)
        .status(403)
        .code("AuthorizationFailed");
    stage.azure.fault(fault.times(u64::MAX));
    let (error, id) = (error(&wait(&stage).await), only_run(&stage));
    assert!(
        error.starts_with(&format!("Could not read run {id}\n")),
        "{error}"
    );
    assert!(error.contains("AuthorizationFailed"), "{error}");
    assert!(error.contains("continues in Azure"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_azure_does_not_show_yet_is_awaited() {
    let stage = workflow().await;
    // Two looks at a time, with pauses between them.
    stage
        .azure
        .fault(Fault::on("GET", "/runs/").not_found().times(12));
    let report = wait(&stage).await;
    assert_eq!(report.outcome, []);
    let last = report.messages.last().unwrap();
    assert!(last.ends_with("It queued 2 scans."), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_azure_no_longer_knows_does_not_continue() {
    let stage = endless().await;
    stage.azure.fault(
        Fault::on("GET", "/runs/")
            .nth(3)
            .not_found()
            .times(u64::MAX),
    );
    let begun = tokio::time::Instant::now();
    let (error, id) = (error(&wait(&stage).await), only_run(&stage));
    assert!(
        error.starts_with(&format!("Azure no longer knows run {id}\n")),
        "{error}"
    );
    assert!(!error.contains("continues in Azure"), "{error}");
    assert!(
        (60..120).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_replaced_by_a_shorter_one_is_read_from_its_beginning() {
    let stage = endless().await;
    let report = while_running(&stage, Value::Null, async |id| {
        stage
            .registry()
            .store_log(id, Some(b"once more\n".to_vec()));
        // Time for the action to read the new log.
        tokio::time::sleep(Duration::from_secs(60)).await;
        stage
            .registry()
            .edit_run(id, |run| run.status = RunStatus::Succeeded);
    });
    let report = report.await;
    assert_eq!(report.outcome, []);
    let log = report
        .messages
        .iter()
        .filter(|it| it.contains("\n  once more"));
    assert_eq!(log.count(), 1, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_without_a_message() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 2);
    for path in ["/runs/", "/rawtext.log", "/listLogSasUrl"] {
        stage
            .azure
            .fault(Fault::on("*", path).nth(2).status(503).times(2));
    }
    let report = wait(&stage).await;
    assert_eq!(report.outcome, []);
    assert!(
        !report
            .messages
            .iter()
            .any(|it| it.contains("can't be read")),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_ends_the_wait_and_the_run_continues() {
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
