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
