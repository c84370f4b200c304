//! The log of a run grows while it runs. Clients read it in the ranges that storage documents.

use azure_simulator::Fate;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Azure, Got, TASKS};
use crate::pipeline::{trigger, workflow};

/// Queues a run of the trigger task, and returns its path and the link to its log.
async fn run(azure: &Azure) -> (String, String) {
    let run = trigger(azure).await.json();
    let path = format!("{}/runs/{}", azure.registry(), text(&run["name"]));
    let links = format!("{path}/listLogSasUrl");
    let links = azure.arm(Method::POST, &links, TASKS, None).await.json();
    (path, text(&links["logLink"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn status(azure: &Azure, run: &str) -> String {
    let seen = azure.arm(Method::GET, run, TASKS, None).await.json();
    text(&seen["properties"]["status"])
}

async fn read(azure: &Azure, link: &str, range: Option<&str>) -> Got {
    let request = range
        .into_iter()
        .fold(azure.http.get(link), |request, range| {
            request.header("range", range)
        });
    Got::from(request.send().await.unwrap()).await
}

#[tokio::test]
async fn each_read_of_a_run_returns_more_of_its_log() {
    let azure = Azure::new();
    workflow(&azure).await;
    let registry = azure.simulator.registry("contoso");
    registry.push_image("python", "3.11", Fate::Clean);
    azure.simulator.turn(|knobs| knobs.run_looks = 3);
    let (run, link) = run(&azure).await;
    let mut before = String::new();
    for expected in ["Running", "Running", "Running", "Running", "Succeeded"] {
        assert_eq!(status(&azure, &run).await, expected);
        let log = read(&azure, &link, None).await.text;
        assert!(log.starts_with(&before), "{before}{log}");
        let is_first = before.is_empty() && log.is_empty();
        assert!(is_first || log.len() > before.len(), "{log}");
        let queued = log.contains("Queued a run with ID: dt");
        assert_eq!(queued, expected == "Succeeded", "{log}");
        before = log;
    }
    assert_eq!(status(&azure, &run).await, "Succeeded");
}

#[tokio::test]
async fn printed_log_lines_survive_later_changes() {
    let azure = Azure::new();
    workflow(&azure).await;
    azure.simulator.turn(|knobs| knobs.run_looks = 1);
    let (run, link) = run(&azure).await;
    status(&azure, &run).await;
    status(&azure, &run).await;
    let before = read(&azure, &link, None).await.text;
    azure.simulator.registry("contoso").push_policy("{");
    assert_eq!(status(&azure, &run).await, "Failed");
    let log = read(&azure, &link, None).await.text;
    assert!(log.starts_with(&before), "{log}");
    assert!(log.contains("ERROR: the filter is not valid"), "{log}");
}

#[tokio::test]
async fn storage_ignores_undocumented_ranges() {
    let azure = Azure::new();
    workflow(&azure).await;
    let (_, link) = run(&azure).await;
    azure.simulator.registry("contoso").settle_runs();
    let whole = read(&azure, &link, None).await.text;
    for (range, status, part) in [
        ("bytes=0-9", 206, &whole[..10]),
        ("bytes=10-", 206, &whole[10..]),
        ("bytes=-5", 200, &whole),
    ] {
        let got = read(&azure, &link, Some(range)).await;
        assert_eq!((got.status, got.text.as_str()), (status, part), "{range}");
    }
    let beyond = read(&azure, &link, Some("bytes=100000-")).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(
        beyond.header("content-range"),
        format!("bytes */{}", whole.len())
    );
}
