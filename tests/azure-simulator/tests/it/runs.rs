//! Runs and logs that a test changes directly.

use azure_simulator::RunStatus;
use reqwest::Method;

use crate::client::{Azure, Got, TASKS, timed_task};

/// Creates a finished run and returns its ID.
async fn ended(azure: &Azure) -> String {
    let task = "cssc-trigger-workflow";
    azure.put_task(task, timed_task("0 0 */1 * *")).await;
    let registry = azure.simulator.registry("contoso");
    let run = registry.fire_timer(task).unwrap();
    registry.settle_runs();
    run
}

/// Returns the status and the text of a range of a run's log.
async fn log(azure: &Azure, run: &str, range: &str) -> (u16, String) {
    let path = format!("{}/runs/{run}/listLogSasUrl", azure.registry());
    let link = azure.arm(Method::POST, &path, TASKS, None).await.json();
    let link = link["logLink"].as_str().unwrap();
    let read = azure.http.get(link).header("range", range).send().await;
    let got = Got::from(read.unwrap()).await;
    (got.status, got.text)
}

#[tokio::test]
async fn an_edited_run_is_listed_and_filtered_by_its_new_values() {
    let azure = Azure::new();
    let run = ended(&azure).await;
    azure
        .simulator
        .turn(|knobs| knobs.run_duration_ms = Some(u64::MAX));
    let registry = azure.simulator.registry("contoso");
    for status in [
        RunStatus::Error,
        RunStatus::Timeout,
        RunStatus::Canceled,
        RunStatus::Started,
    ] {
        registry.edit_run(&run, |run| {
            run.status = status;
            run.created = "2026-01-02T00:00:00Z".parse().unwrap();
        });
        let word = status.as_str();
        let filter = format!("Status eq '{word}' and createTime lt 2026-01-03T00:00:00Z");
        let path = format!("{}/runs?$filter={filter}", azure.registry());
        let listed = azure.arm(Method::GET, &path, TASKS, None).await.json();
        assert_eq!(listed["value"][0]["properties"]["status"], word, "{listed}");
    }
    assert!(registry.runs()[0].status.is_active());
    registry.settle_runs();
    assert!(!registry.runs()[0].status.is_active());
}

#[tokio::test]
async fn a_log_can_be_replaced_and_removed() {
    let azure = Azure::new();
    let run = ended(&azure).await;
    let registry = azure.simulator.registry("contoso");
    registry.store_log(&run, Some(b"0123456789".to_vec()));
    assert_eq!(
        log(&azure, &run, "bytes=2-4").await,
        (206, "234".to_owned())
    );
    registry.store_log(&run, Some(Vec::new()));
    assert_eq!(log(&azure, &run, "bytes=0-9").await.0, 416);
    registry.store_log(&run, None);
    assert_eq!(log(&azure, &run, "bytes=0-9").await.0, 404);
    let reads = azure.simulator.log();
    let ranges: Vec<_> = reads.iter().filter_map(|it| it.range.as_deref()).collect();
    assert_eq!(ranges, ["bytes=2-4", "bytes=0-9", "bytes=0-9"]);
}

/// Creates the trigger task, and returns a run of it.
async fn begun(azure: &Azure) -> String {
    let task = "cssc-trigger-workflow";
    azure.put_task(task, timed_task("0 0 */1 * *")).await;
    azure
        .simulator
        .registry("contoso")
        .fire_timer(task)
        .unwrap()
}

/// Returns the status that the next read of a run shows.
async fn status(azure: &Azure, run: &str) -> String {
    let path = format!("{}/runs/{run}", azure.registry());
    let run = azure.arm(Method::GET, &path, TASKS, None).await.json();
    run["properties"]["status"].as_str().unwrap().to_owned()
}

async fn cancel(azure: &Azure, run: &str) -> u16 {
    let path = format!("{}/runs/{run}/cancel", azure.registry());
    azure.arm(Method::POST, &path, TASKS, None).await.status
}

#[tokio::test]
async fn a_run_stays_queued_for_some_reads() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.queued_looks = 2);
    let run = begun(&azure).await;
    for expected in ["Queued", "Queued", "Running", "Failed"] {
        assert_eq!(status(&azure, &run).await, expected);
    }
}

#[tokio::test]
async fn a_run_stays_active_for_some_reads_after_its_cancellation() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.cancellation_looks = 2);
    for first in ["Queued", "Running"] {
        let run = begun(&azure).await;
        if first == "Running" {
            assert_eq!(status(&azure, &run).await, "Running");
        }
        assert_eq!(cancel(&azure, &run).await, 200);
        assert_eq!(status(&azure, &run).await, first);
        // A second cancellation changes nothing.
        assert_eq!(cancel(&azure, &run).await, 200);
        for expected in [first, "Canceled", "Canceled"] {
            assert_eq!(status(&azure, &run).await, expected);
        }
        assert_eq!(cancel(&azure, &run).await, 409);
    }
}

#[tokio::test]
async fn a_run_can_ignore_its_cancellation_until_it_is_settled() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| {
        knobs.cancellation_looks = u32::MAX;
        knobs.run_duration_ms = Some(0);
    });
    let run = begun(&azure).await;
    assert_eq!(status(&azure, &run).await, "Running");
    assert_eq!(cancel(&azure, &run).await, 200);
    for _ in 0..5 {
        assert_eq!(status(&azure, &run).await, "Running");
    }
    azure.simulator.turn(|knobs| knobs.queued_looks = u32::MAX);
    let queued = begun(&azure).await;
    for _ in 0..5 {
        assert_eq!(status(&azure, &queued).await, "Queued");
    }
    azure.simulator.registry("contoso").settle_runs();
    assert_eq!(status(&azure, &run).await, "Canceled");
    assert_eq!(status(&azure, &queued).await, "Failed");
}

#[tokio::test]
async fn the_next_runs_of_a_task_fail_with_a_given_log() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    let tail = "Validating filter...\nunauthorized: authentication required";
    registry.fail_runs("CSSC-trigger-workflow", 2, tail);
    registry.fail_runs("cssc-scan-image", 1, "another task");
    registry.push_policy(r#"{"version":"v1","repositories":[]}"#);
    for expected in [true, true, false] {
        let run = ended(&azure).await;
        let (_, text) = log(&azure, &run, "bytes=0-").await;
        assert_eq!(text == format!("{tail}\n"), expected, "{text}");
        let error = registry.runs().pop().unwrap().error.unwrap_or_default();
        assert_eq!(error.ends_with("exit status 1"), expected, "{error}");
    }
}
