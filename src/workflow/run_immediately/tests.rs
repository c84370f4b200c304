use http::Method;
use serde_json::json as value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::azure::testing::{azure, registry};
use crate::http::Budget;
use crate::http::scripted_transport::{ScriptedTransport, json, reply};

const DENIED: &str =
    "Validating filter...\nError: denied: requested access to the resource is denied\n";

/// A client with a budget of two hours, much more than any wait of this module.
fn client(transport: &ScriptedTransport) -> RegistryClient {
    let budget = Budget::new(Duration::from_secs(7200), CancellationToken::new());
    RegistryClient::new(azure(transport), budget, registry())
}

fn seen(status: &str, message: Option<&str>) -> serde_json::Value {
    let properties = value!({"runId": "cf1", "status": status, "runErrorMessage": message});
    value!({"id": registry().run_id("cf1"), "properties": properties})
}

trait Script: Sized {
    fn queues(self) -> Self;
    fn looks(self, status: &str, times: usize) -> Self;
    fn fails(self, message: &str, log: &str) -> Self;
}

impl Script for ScriptedTransport {
    fn queues(self) -> Self {
        self.on(
            Method::POST,
            "/scheduleRun?",
            json(200, &seen("Queued", None)),
        )
    }

    fn looks(self, status: &str, times: usize) -> Self {
        (0..times).fold(self, |script, _| {
            script.on(Method::GET, "/runs/cf1?", json(200, &seen(status, None)))
        })
    }

    fn fails(self, message: &str, log: &str) -> Self {
        let link = value!({"logLink": "https://logs.blob.example/rawtext.log?sig=planted"});
        let failed = json(200, &seen("Failed", Some(message)));
        self.on(Method::GET, "/runs/cf1?", failed)
            .on(Method::POST, "/listLogSasUrl?", json(200, &link))
            .on(
                Method::GET,
                "/rawtext.log",
                reply(200).with_body(log.to_owned()),
            )
    }
}

/// Runs a script to its last line. Returns the outcome, and how long it took.
async fn outcome(script: ScriptedTransport) -> (Outcome, Duration) {
    let start = Instant::now();
    let outcome = run(&client(&script)).await;
    script.assert_done();
    (outcome, start.elapsed())
}

fn failed(outcome: Outcome) -> (Run, Vec<String>) {
    let Outcome::Failed { run, log } = outcome else {
        panic!("the run failed: {outcome:?}");
    };
    (run, log.unwrap().last)
}

#[test]
fn proof_counts_from_the_start_of_the_run() {
    let second = Duration::from_secs(1);
    let judge = |status, queued, running| verdict(&status, queued, running);
    assert_eq!(judge(RunStatus::Queued, PROVEN, None), Verdict::Look);
    assert_eq!(
        judge(RunStatus::Queued, STARTS_WITHIN, None),
        Verdict::NotStarted
    );
    for status in [RunStatus::Started, RunStatus::Running] {
        let just_started = judge(status.clone(), STARTS_WITHIN, Some(PROVEN - second));
        assert_eq!(just_started, Verdict::Look);
        assert_eq!(judge(status, STARTS_WITHIN, Some(PROVEN)), Verdict::Done);
    }
    for status in [RunStatus::Succeeded, RunStatus::Canceled] {
        assert_eq!(judge(status, second, Some(second)), Verdict::Done);
    }
    for status in [RunStatus::Failed, RunStatus::Error, RunStatus::Timeout] {
        assert_eq!(judge(status, second, Some(second)), Verdict::Failed);
    }
}

#[test]
fn only_missing_rights_before_the_first_scan_are_worth_another_run() {
    let ended = |status: RunStatus, message: &str| Run {
        id: String::new(),
        run_id: "cf1".to_owned(),
        status,
        task: None,
        create_time: None,
        start_time: None,
        finish_time: None,
        error_message: Some(message.to_owned()),
    };
    let log = |text: &str| LogEnd::read(text.as_bytes(), None);
    let vague = ended(
        RunStatus::Failed,
        "failed to run step ID: count: exit status 1",
    );
    let clear = ended(RunStatus::Error, "failed to pull: Unauthorized");
    let soon = Duration::from_secs(30);
    assert!(is_worth_another(&vague, Some(&log(DENIED)), soon));
    assert!(is_worth_another(&clear, None, soon));
    assert!(is_worth_another(&clear, Some(&log("")), soon));
    for (run, text, elapsed) in [
        (&vague, "ERROR: 101 images match the policy", soon),
        (
            &vague,
            "Queued a run with ID: cf2\nERROR: (AuthorizationFailed)",
            soon,
        ),
        (&clear, "Queued 3 of 4 scans.", soon),
        (&vague, DENIED, RIGHTS_ARRIVE_WITHIN),
        (&ended(RunStatus::Timeout, "denied"), DENIED, soon),
    ] {
        assert!(!is_worth_another(run, Some(&log(text)), elapsed), "{text}");
    }
    assert!(!is_worth_another(&vague, None, soon));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_another_kind_is_reported_with_the_end_of_its_log() {
    let log = "Matches found: 101\nERROR: 101 images match the policy\n";
    let script = ScriptedTransport::default()
        .queues()
        .fails("exit status 1", log);
    let (run, last) = failed(outcome(script).await.0);
    assert_eq!(run.run_id, "cf1");
    assert_eq!(
        last,
        ["Matches found: 101", "ERROR: 101 images match the policy"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_log_says_that_rights_are_missing_is_queued_again() {
    let script = ScriptedTransport::default();
    let script = script.queues().fails("exit status 1", DENIED);
    let script = script.queues().looks("Running", 1).looks("Succeeded", 1);
    let (outcome, _) = outcome(script).await;
    assert!(matches!(outcome, Outcome::Queued), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn runs_without_rights_are_queued_again_for_ten_minutes_at_most() {
    // The waits are 2, 4, 8 and 16 seconds, and then 30 seconds each.
    let script = (0..23).fold(ScriptedTransport::default(), |script, _| {
        script.queues().fails("exit status 1", DENIED)
    });
    let (outcome, lasted) = outcome(script).await;
    assert_eq!(failed(outcome).1.len(), 2);
    assert!(lasted <= RIGHTS_ARRIVE_WITHIN, "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_queued_scans_is_not_repeated() {
    let log = "WARNING: Queued a run with ID: cf2\nERROR: (AuthorizationFailed) x\n";
    let script = ScriptedTransport::default()
        .queues()
        .fails("exit status 1", log);
    assert_eq!(failed(outcome(script).await.0).1.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_starts_late_is_watched_from_its_start() {
    // 15 looks take more than a minute.
    let script = ScriptedTransport::default().queues().looks("Queued", 15);
    let script = script
        .looks("Running", 3)
        .fails("exit status 1", "ERROR: x\n");
    assert_eq!(failed(outcome(script).await.0).1, ["ERROR: x"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_starts_is_queued_but_not_started() {
    let script = ScriptedTransport::default().queues().looks("Queued", 23);
    let (outcome, lasted) = outcome(script).await;
    assert!(
        matches!(&outcome, Outcome::NotStarted(run) if run.run_id == "cf1"),
        "{outcome:?}"
    );
    assert!(!outcome.is_owed());
    assert!(
        (PROVEN..PROVEN + STARTS_WITHIN).contains(&lasted),
        "{lasted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_queued_run_that_cannot_be_read_counts_as_queued() {
    let script = ScriptedTransport::default().queues();
    let script = script.on(Method::GET, "/runs/cf1?", reply(403));
    let (outcome, _) = outcome(script).await;
    assert!(
        matches!(&outcome, Outcome::Unread(run, _) if run.run_id == "cf1"),
        "{outcome:?}"
    );
    assert!(!outcome.is_owed());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_azure_does_not_show_yet_is_read_again() {
    let script = ScriptedTransport::default().queues();
    let script = script
        .on(Method::GET, "/runs/cf1?", reply(404))
        .looks("Succeeded", 1);
    let (outcome, _) = outcome(script).await;
    assert!(matches!(outcome, Outcome::Queued), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn only_a_run_that_azure_refused_stays_owed() {
    let refused = ScriptedTransport::default().on(Method::POST, "/scheduleRun?", reply(403));
    assert!(outcome(refused).await.0.is_owed());
    let script = ScriptedTransport::default().queues().fails("x", "y\n");
    assert!(!outcome(script).await.0.is_owed());
}
