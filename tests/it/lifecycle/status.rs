//! The data source `acr_continuous_patching_status`: the status of each image from its runs and logs, and the
//! requests that a read needs.

mod logs;

use std::collections::BTreeSet;

use azure_simulator::{Entry, Fate, Fault, Run, RunStatus};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};
use crate::support::core::data_source;
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::host::lines;

const SCAN: &str = "cssc-scan-image";
const PATCH: &str = "cssc-patch-image";

/// The state and the diagnostics of a read.
async fn read(terraform: &Core, config: &Value) -> (Value, Vec<pb::Diagnostic>) {
    let source = data_source("acr_continuous_patching_status");
    let answer = source.read(terraform, config).await;
    (answer.object, answer.said)
}

/// Creates a workflow and runs it once. The images have these fates and the tags `a`, `b` and so on. From
/// then on, runs do not progress.
async fn after_a_run(fates: &[Fate]) -> Stage {
    let mut stage = Stage::plain().await;
    for (tag, fate) in ('a'..).zip(fates) {
        let tag = tag.to_string();
        stage.registry().push_image("python", &tag, *fate);
    }
    let every = repositories(&[("python", &["*"])]);
    let config = with(&stage.config(), "repositories", every);
    stage.terraform.succeed(&config).await;
    run_again(&stage);
    stage
        .azure
        .turn(|knobs| knobs.run_duration_ms = Some(u64::MAX));
    stage
}

fn run_again(stage: &Stage) {
    stage
        .registry()
        .fire_timer("cssc-trigger-workflow")
        .unwrap();
    stage.registry().settle_runs();
}

fn config(stage: &Stage) -> Value {
    Value::object([("registry_id", stage.registry().id().into())])
}

/// The runs of a task, the oldest first.
fn runs(stage: &Stage, task: &str) -> Vec<Run> {
    let mut runs = stage.registry().runs();
    runs.retain(|run| run.task == task);
    runs
}

/// Changes the status of the `nth` run of a task.
fn set(stage: &Stage, task: &str, nth: usize, status: RunStatus) {
    let id = runs(stage, task)[nth].id.clone();
    stage.registry().edit_run(&id, |run| run.status = status);
}

/// Changes the log of the `nth` scan.
fn store(stage: &Stage, nth: usize, log: Option<&str>) {
    let id = runs(stage, SCAN)[nth].id.clone();
    let log = log.map(|log| log.as_bytes().to_vec());
    stage.registry().store_log(&id, log);
}

/// The status of each image on one line, without absent values.
fn lines_of(state: &Value) -> Vec<String> {
    let images = state.get("images").as_elements().unwrap_or_default();
    let line = |image: &Value| {
        let of = |name: &str| image.get(name).as_str().map(str::to_owned);
        let errors = image.get("errors").as_elements().unwrap();
        let errors = errors.iter().map(|error| error.as_str().map(str::to_owned));
        [
            of("image"),
            of("scan_status"),
            of("patch_status"),
            of("patched_image"),
            of("skip_reason"),
        ]
        .into_iter()
        .chain(errors)
        .flatten()
        .collect::<Vec<_>>()
        .join(" | ")
    };
    images.iter().map(line).collect()
}

async fn read_lines(stage: &Stage) -> Vec<String> {
    let (state, said) = read(&stage.terraform, &config(stage)).await;
    assert_eq!(lines(&said), [""; 0]);
    lines_of(&state)
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a Run>) -> Value {
    Value::List(ids.into_iter().map(|run| run.id.as_str().into()).collect())
}

/// The reads of logs since the last mark.
fn log_reads(stage: &Stage) -> Vec<Entry> {
    let mut requests = stage.azure.requests();
    requests.retain(|it| it.host == "simulatorlogs.blob.core.windows.net");
    requests
}

const EACH: [Fate; 5] = [
    Fate::Clean,
    Fate::Vulnerable(2),
    Fate::EndOfLife,
    Fate::ScanFails,
    Fate::PatchFails,
];

#[tokio::test(start_paused = true)]
async fn each_image_has_the_status_of_its_runs() {
    let stage = after_a_run(&EACH).await;
    let (state, said) = read(&stage.terraform, &config(&stage)).await;
    assert_eq!(said, []);
    assert_eq!(state.get("lookback_days"), &7.into());
    assert_eq!(state.get("active_run_ids"), &Value::List(vec![]));
    insta::assert_snapshot!(lines_of(&state).join("\n"), @"
    python:a | Succeeded | Skipped | no vulnerability found in the image python:a
    python:b | Succeeded | Succeeded | python:b-1
    python:c | Succeeded | Skipped | EOSL is true for image python:c
    python:d | Failed | Unknown | ERROR: trivy: unable to scan python:d | failed to run step: trivy: unable to scan python:d
    python:e | Succeeded | Failed | ERROR: copa: unable to patch python:e | failed to run step: copa: unable to patch python:e
    ");
    let images = state.get("images").as_elements().unwrap();
    let counts = images.iter().map(|image| image.get("vulnerabilities"));
    // An image at the end of its life and a failed scan have no number.
    let expected = [0.into(), 2.into(), Value::Null, Value::Null, 1.into()];
    assert!(counts.eq(&expected), "{images:?}");
    let (scans, patches) = (runs(&stage, SCAN), runs(&stage, PATCH));
    let patched = &state.get("images").as_elements().unwrap()[1];
    for (name, run) in [("scan", &scans[1]), ("patch", &patches[0])] {
        let of = |what: &str| patched.get(&format!("{name}_{what}")).clone();
        assert_eq!(of("run_id"), run.id.as_str().into());
        let time: jiff::Timestamp = of("time").as_str().unwrap().parse().unwrap();
        assert!(run.created.duration_since(time).as_micros().abs() < 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_comes_from_the_latest_scan_of_each_image() {
    let stage = after_a_run(&EACH).await;
    run_again(&stage);
    let (state, said) = read(&stage.terraform, &config(&stage)).await;
    assert_eq!(said, []);
    insta::assert_snapshot!(lines_of(&state).join("\n"), @"
    python:a | Succeeded | Skipped | no vulnerability found in the image python:a
    python:b | Succeeded | Skipped | python:b-1 | no vulnerability found in the image python:b-1
    python:c | Succeeded | Skipped | EOSL is true for image python:c
    python:d | Failed | Unknown | ERROR: trivy: unable to scan python:d | failed to run step: trivy: unable to scan python:d
    python:e | Succeeded | Failed | ERROR: copa: unable to patch python:e | failed to run step: copa: unable to patch python:e
    ");
    let scans = runs(&stage, SCAN);
    let told_scans: BTreeSet<&str> = state
        .get("images")
        .as_elements()
        .unwrap()
        .iter()
        .map(|image| image.get("scan_run_id").as_str().unwrap())
        .collect();
    let newest: BTreeSet<&str> = scans[5..].iter().map(|run| run.id.as_str()).collect();
    assert_eq!(told_scans, newest);
}

#[tokio::test(start_paused = true)]
async fn each_run_status_maps_to_the_status_of_the_azure_cli() {
    let stage = after_a_run(&[Fate::Vulnerable(1); 16]).await;
    let states = [
        RunStatus::Queued,
        RunStatus::Started,
        RunStatus::Running,
        RunStatus::Succeeded,
        RunStatus::Failed,
        RunStatus::Error,
        RunStatus::Timeout,
        RunStatus::Canceled,
    ];
    for (nth, status) in states.into_iter().enumerate() {
        // The first eight images get the status on their scans, which queue no patch. The others get it on
        // their patches.
        let scanned = ('a'..).nth(nth).unwrap();
        let log = format!("Scanning repo: python, Tag:{scanned}, OriginalTag:{scanned}\n");
        store(&stage, nth, Some(&log));
        set(&stage, SCAN, nth, status);
        set(&stage, PATCH, nth + 8, status);
    }
    let trigger = runs(&stage, "cssc-trigger-workflow")[0].id.clone();
    stage
        .registry()
        .edit_run(&trigger, |run| run.status = RunStatus::Started);
    stage.azure.mark();
    let (state, said) = read(&stage.terraform, &config(&stage)).await;
    assert_eq!(said, []);
    insta::assert_snapshot!(lines_of(&state).join("\n"), @"
    Unknown | Queued | Unknown
    python:b | Running | Unknown
    python:c | Running | Unknown
    python:d | Succeeded | Unknown
    python:e | Failed | Unknown
    python:f | Failed | Unknown
    python:g | Failed | Unknown
    python:h | Canceled | Unknown
    python:i | Succeeded | Queued
    python:j | Succeeded | Running
    python:k | Succeeded | Running
    python:l | Succeeded | Succeeded | python:l-1
    python:m | Succeeded | Failed
    python:n | Succeeded | Failed
    python:o | Succeeded | Failed
    python:p | Succeeded | Canceled
    ");
    let active = stage.registry().runs();
    assert_eq!(
        state.get("active_run_ids"),
        &ids(active.iter().filter(|run| run.status.is_active()))
    );
    // The provider reads the logs of all scans except the queued one, and of the failed patches.
    let read: BTreeSet<String> = log_reads(&stage).into_iter().map(|it| it.path).collect();
    let (scans, patches) = (runs(&stage, SCAN), runs(&stage, PATCH));
    let wanted = scans[1..].iter().chain(&patches[12..15]);
    let wanted = wanted.map(|run| format!("/logs/{}/rawtext.log", run.id));
    assert_eq!(read, wanted.collect());
}

#[tokio::test(start_paused = true)]
async fn a_read_sends_only_the_needed_requests() {
    let stage = after_a_run(&EACH).await;
    stage.azure.mark();
    read_lines(&stage).await;
    assert_eq!(stage.writes(), [""; 0]);
    let reads = log_reads(&stage);
    // Five scans and the failed patch.
    assert_eq!(reads.len(), 6);
    assert!(
        reads
            .iter()
            .all(|it| it.range.as_deref() == Some("bytes=0-65535"))
    );
    let requests = stage.azure.requests();
    let of = |end: &str| requests.iter().filter(|it| it.path.ends_with(end)).count();
    assert_eq!(of("/listLogSasUrl"), 6);
    assert_eq!(of("/tasks/cssc-trigger-workflow"), 1);
    let lists = requests.iter().filter(|it| it.path.ends_with("/runs"));
    let filters: BTreeSet<String> = lists
        .map(|it| {
            let query = url::form_urlencoded::parse(it.query.as_bytes());
            let filter = query.into_owned().find(|(name, _)| name == "$filter");
            filter.unwrap().1
        })
        .map(|filter| filter.split(" ge ").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        Vec::from_iter(filters),
        [
            "TaskName in ('cssc-scan-image','cssc-patch-image') and createTime",
            "TaskName in ('cssc-trigger-workflow','cssc-scan-image','cssc-patch-image') and Status in ('Queued','Started','Running')",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_filter_reads_no_patch_log_of_other_images() {
    let stage = after_a_run(&EACH).await;
    for (status, expected) in [
        ("Queued", ""),
        ("Running", ""),
        ("Succeeded", "python:b"),
        ("Failed", "python:d python:e"),
        ("Canceled", ""),
        ("Skipped", "python:a python:c"),
        ("Unknown", ""),
    ] {
        stage.azure.mark();
        let wanted = with(&config(&stage), "status", status);
        let (state, said) = read(&stage.terraform, &wanted).await;
        assert_eq!(said, []);
        let images = lines_of(&state);
        let names: Vec<_> = images
            .iter()
            .map(|it| it.split(' ').next().unwrap())
            .collect();
        assert_eq!(names.join(" "), expected, "{status}");
        let of_the_patch = usize::from(status == "Failed");
        assert_eq!(log_reads(&stage).len(), 5 + of_the_patch);
    }
}

#[tokio::test(start_paused = true)]
async fn only_images_within_lookback_days_are_listed() {
    let stage = after_a_run(&[Fate::Clean, Fate::Clean]).await;
    let day = jiff::SignedDuration::from_hours(24);
    let old = runs(&stage, SCAN)[0].id.clone();
    stage
        .registry()
        .edit_run(&old, |run| run.created -= day * 8);
    let names = |days: Value| {
        let config = with(&config(&stage), "lookback_days", days);
        let terraform = &stage.terraform;
        async move {
            let (state, said) = read(terraform, &config).await;
            assert_eq!(said, []);
            lines_of(&state).len()
        }
    };
    // The schedule sets the default.
    assert_eq!(names(Value::Null).await, 1);
    assert_eq!(names(7.into()).await, 1);
    assert_eq!(names(9.into()).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_unlisted_patch_run_is_read_by_its_id() {
    let stage = after_a_run(&[Fate::Vulnerable(1), Fate::Vulnerable(1)]).await;
    let patch = runs(&stage, PATCH)[0].id.clone();
    let day = jiff::SignedDuration::from_hours(24);
    stage
        .registry()
        .edit_run(&patch, |run| run.created -= day * 8);
    // The other patch does not exist.
    let log = runs(&stage, SCAN)[1]
        .log
        .replace("Queued a run with ID: dt", "Queued a run with ID: zz");
    store(&stage, 1, Some(&log));
    assert_eq!(
        read_lines(&stage).await,
        [
            "python:a | Succeeded | Succeeded | python:a-1",
            "python:b | Succeeded | Unknown",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_timeout_is_an_error() {
    let stage = after_a_run(&EACH).await;
    stage.azure.fault(
        Fault::on("POST", "/listLogSasUrl")
            .status(429)
            .times(u64::MAX),
    );
    let timeouts = Value::object([("read", Value::from("2m"))]);
    let (state, said) = read(
        &stage.terraform,
        &with(&config(&stage), "timeouts", timeouts),
    )
    .await;
    assert!(state.is_null());
    assert_eq!(
        lines(&said),
        ["error: Could not read the status of the images"]
    );
    let detail = &said[0].detail;
    assert!(detail.contains("The operation timed out"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_a_read() {
    let stage = after_a_run(&EACH).await;
    // The fourth request is for the first log link, after the trigger task and the lists.
    let ringing = stage.wire.ring_at(4);
    let config = config(&stage);
    let reading = read(&stage.terraform, &config);
    let stop = async {
        ringing.rung.await.unwrap();
        Core::stop(stage.terraform.client()).await;
        drop(ringing.go);
    };
    let ((state, said), ()) = tokio::join!(reading, stop);
    assert!(state.is_null());
    assert_eq!(
        lines(&said),
        ["error: Could not read the status of the images"]
    );
    assert!(said[0].detail.contains("The operation was interrupted."));
}

#[tokio::test(start_paused = true)]
async fn a_missing_workflow_is_a_warning_and_a_missing_registry_is_an_error() {
    let stage = Stage::plain().await;
    let (state, said) = read(&stage.terraform, &config(&stage)).await;
    assert_eq!(
        lines(&said),
        ["warning at .lookback_days: No schedule in contoso"]
    );
    assert_eq!(
        (state.get("lookback_days"), lines_of(&state)),
        (&30.into(), vec![])
    );
    let elsewhere = stage.registry().id().replace("contoso", "fabrikam");
    let elsewhere = with(&config(&stage), "registry_id", elsewhere);
    let (_, said) = read(&stage.terraform, &elsewhere).await;
    assert_eq!(lines(&said), ["error at .registry_id: Registry not found"]);
    let odd = with(&config(&stage), "status", "Done");
    let (_, said) = read(&stage.terraform, &odd).await;
    assert_eq!(lines(&said), ["error at .status: Invalid status"]);
}
