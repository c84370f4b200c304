//! Tests of the data source with scripted answers of Azure.

use http::Method;
use http::header::RANGE;
use serde_json::{Value as Json, json as value};

use super::*;
use crate::azure::testing::{azure, registry};
use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};
use crate::provider::connection::Link;

const LINK: &str = "https://logs.blob.example/logs/cf1/rawtext.log?sig=planted";
const SCANNED: &str = "Scanning repo: python, Tag:3.11, OriginalTag:3.11\n";
const QUEUED: &str = "WARNING: Queued a run with ID: cf2\n";

fn run(id: &str, task: &str, status: &str) -> Json {
    let time = "2026-06-10T02:30:00Z";
    let properties = value!({"runId": id, "task": task, "status": status, "createTime": time});
    value!({"id": registry().run_id(id), "properties": properties})
}

fn runs(runs: &[Json]) -> crate::http::Response {
    json(200, &value!({"value": runs}))
}

/// Returns a transport with these runs and no active ones.
fn with(listed: &[Json]) -> ScriptedTransport {
    ScriptedTransport::default()
        .on(Method::GET, "createTime", runs(listed))
        .on(Method::GET, "Status", runs(&[]))
}

/// Returns the same with a link to the log of `cf1`.
fn linked(listed: &[Json]) -> ScriptedTransport {
    let link = json(200, &value!({"logLink": LINK}));
    with(listed).on(Method::POST, "/runs/cf1/listLogSasUrl?", link)
}

fn part(range: &str, text: impl Into<bytes::Bytes>) -> crate::http::Response {
    reply(206).with("content-range", range).with_body(text)
}

fn ranges(transport: &ScriptedTransport) -> Vec<String> {
    let asked = transport.requests().into_iter();
    let range = |request: crate::http::Request| request.headers.get(RANGE).cloned();
    let text = |range: http::HeaderValue| range.to_str().unwrap().to_owned();
    asked.filter_map(range).map(text).collect()
}

async fn read_in(
    context: Context,
    transport: &ScriptedTransport,
    lookback: Option<i64>,
) -> ReadDataSourceResult {
    let connection = Connection::default();
    connection.set(Link::Ready {
        azure: azure(transport),
        subscription: None,
    });
    let source = ContinuousPatchingStatus {
        now: || "2026-06-10T12:00:00.7Z".parse().unwrap(),
        ..ContinuousPatchingStatus::new(Arc::new(connection))
    };
    let config = Value::object([
        ("registry_id", registry().to_string().into()),
        (names::LOOKBACK_DAYS, lookback.into()),
    ]);
    source.read(&context, config).await
}

async fn read(transport: &ScriptedTransport, lookback: Option<i64>) -> ReadDataSourceResult {
    let read = read_in(Context::default(), transport, lookback).await;
    transport.assert_done();
    read
}

fn rendered(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics.iter().map(|it| {
        let kind = if it.is_error() { "error" } else { "warning" };
        let path = it.path.clone().unwrap_or_default();
        format!("{kind} at {path}: {}\n{}", it.summary, it.detail)
    });
    lines
        .collect::<Vec<_>>()
        .join("\n---\n")
        .replace(&registry().to_string(), "<registry>")
}

fn trigger(crons: &[&str]) -> crate::http::Response {
    let timer = |cron: &&str| value!({"name": "t", "schedule": cron});
    let timers: Vec<Json> = crons.iter().map(timer).collect();
    let properties = value!({"trigger": {"timerTriggers": timers}});
    let id = registry().task_id("cssc-trigger-workflow");
    json(
        200,
        &value!({"id": id, "name": "cssc-trigger-workflow", "location": "x", "properties": properties}),
    )
}

#[tokio::test]
async fn the_lookback_is_one_interval_of_the_schedule() {
    let transport = with(&[]).on(
        Method::GET,
        "/tasks/cssc-trigger-workflow?",
        trigger(&["30 2 */7 * *"]),
    );
    let data = read(&transport, None).await.unwrap();
    assert_eq!(data.diagnostics, Diagnostics::new());
    assert_eq!(data.state.get(names::LOOKBACK_DAYS), &7.into());
    assert_eq!(data.state.get(names::IMAGES), &Value::List(vec![]));
    let mut filters: Vec<String> = transport
        .requests()
        .iter()
        .flat_map(|it| it.url.query_pairs().into_owned())
        .filter_map(|(name, filter)| (name == "$filter").then_some(filter))
        .collect();
    filters.sort();
    insta::assert_snapshot!(filters.join("\n"), @"
    TaskName in ('cssc-scan-image','cssc-patch-image') and createTime ge 2026-06-03T12:00:00Z
    TaskName in ('cssc-trigger-workflow','cssc-scan-image','cssc-patch-image') and Status in ('Queued','Started','Running')
    ");
}

#[tokio::test(start_paused = true)]
async fn without_a_schedule_the_lookback_is_30_days_with_a_warning() {
    let task = "/tasks/cssc-trigger-workflow?";
    let missing = with(&[]).twice(Method::GET, task, absent("ResourceNotFound"));
    let answers = [trigger(&["0 0 * * 1"]), trigger(&[])];
    let timed = answers.map(|answer| with(&[]).on(Method::GET, task, answer));
    for transport in timed.into_iter().chain([missing]) {
        let data = read(&transport, None).await.unwrap();
        assert_eq!(data.state.get(names::LOOKBACK_DAYS), &30.into());
        insta::allow_duplicates! {
            insta::assert_snapshot!(rendered(&data.diagnostics), @"
            warning at lookback_days: No schedule in cli000002
            The registry <registry> has no task cssc-trigger-workflow, or the task has no schedule of 1 to 30 days. The data source therefore covers the last 30 days. Check the registry ID and the workflow, or set `lookback_days`.
            ");
        }
    }
}

#[tokio::test]
async fn the_longest_interval_of_several_timers_is_the_lookback() {
    let timers = ["0 0 * * 1", "0 2 */3 * *", "0 2 */5 * *", "0 2 */4 * *"];
    let task = "/tasks/cssc-trigger-workflow?";
    let transport = with(&[]).on(Method::GET, task, trigger(&timers));
    let data = read(&transport, None).await.unwrap();
    assert_eq!(data.state.get(names::LOOKBACK_DAYS), &5.into());
    assert_eq!(data.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn only_both_ends_of_a_large_log_are_read() {
    let listed = [
        run("cf1", "cssc-scan-image", "Succeeded"),
        run("cf2", "cssc-patch-image", "Running"),
    ];
    let huge = 10_u64 << 30;
    let transport = linked(&listed)
        .on(
            Method::GET,
            "/rawtext.log",
            part(&format!("bytes 0-65535/{huge}"), SCANNED),
        )
        .on(
            Method::GET,
            "/rawtext.log",
            part(
                &format!("bytes 10737352704-10737418239/{huge}"),
                format!("e\n{QUEUED}"),
            ),
        );
    let data = read(&transport, Some(1)).await.unwrap();
    assert_eq!(
        ranges(&transport),
        ["bytes=0-65535", "bytes=10737352704-10737418239"]
    );
    let [row] = data.state.get(names::IMAGES).as_elements().unwrap() else {
        panic!("one image: {data:?}");
    };
    assert_eq!(row.get(names::IMAGE), &"python:3.11".into());
    assert_eq!(row.get(names::PATCH_STATUS), &"Running".into());
}

#[tokio::test]
async fn a_log_of_two_parts_is_read_as_one() {
    let listed = [
        run("cf1", "cssc-scan-image", "Succeeded"),
        run("cf2", "cssc-patch-image", "Running"),
    ];
    let mut whole = SCANNED.to_owned();
    whole += &"x".repeat((64 << 10) - SCANNED.len() - 10);
    whole += "\n";
    whole += QUEUED;
    let (first, second) = whole.split_at(64 << 10);
    let total = whole.len();
    let transport = linked(&listed)
        .on(
            Method::GET,
            "/rawtext.log",
            part(&format!("bytes 0-65535/{total}"), first.to_owned()),
        )
        .on(
            Method::GET,
            "/rawtext.log",
            part(
                &format!("bytes 65536-{}/{total}", total - 1),
                second.to_owned(),
            ),
        );
    let data = read(&transport, Some(1)).await.unwrap();
    assert_eq!(ranges(&transport), ["bytes=0-65535", "bytes=65536-131071"]);
    let images = data.state.get(names::IMAGES).as_elements().unwrap();
    assert_eq!(images[0].get(names::PATCH_RUN_ID), &"cf2".into());
}

#[tokio::test]
async fn an_unreadable_run_or_log_is_unknown_with_one_warning() {
    let refusal =
        value!({"error": {"code": "AuthorizationFailed", "message": "No action 'listLogSasUrl'."}});
    let listed = [
        run("cf1", "cssc-scan-image", "Succeeded"),
        run("cf3", "cssc-scan-image", "Failed"),
        run("cf4", "cssc-scan-image", "Succeeded"),
    ];
    let transport = linked(&listed)
        // A patch run that denies access.
        .on(
            Method::GET,
            "/rawtext.log",
            part("bytes 0-9/10", format!("{SCANNED}{QUEUED}")),
        )
        .on(Method::GET, "/runs/cf2?", json(403, &refusal))
        // A log that denies access, and one with an invalid link.
        .on(
            Method::POST,
            "/runs/cf3/listLogSasUrl?",
            json(403, &refusal),
        )
        .on(
            Method::POST,
            "/runs/cf4/listLogSasUrl?",
            json(200, &value!({"logLink": "planted"})),
        );
    let data = read(&transport, Some(1)).await.unwrap();
    let rows: Vec<_> = data
        .state
        .get(names::IMAGES)
        .as_elements()
        .unwrap()
        .iter()
        .map(|row| {
            [names::IMAGE, names::SCAN_STATUS, names::PATCH_STATUS]
                .map(|it| row.get(it).as_str().unwrap().to_owned())
                .join(" ")
        })
        .collect();
    assert_eq!(
        rows,
        [
            "Unknown Failed Unknown",
            "Unknown Succeeded Unknown",
            "python:3.11 Succeeded Unknown"
        ]
    );
    insta::assert_snapshot!(rendered(&data.diagnostics), @"
    warning at : Could not read some runs or logs in cli000002
    3 runs or their logs could not be read, so their values are `Unknown` or missing. The reason for the first:

    While reading the log of run <registry>/runs/cf3: Azure answered 403 Forbidden: AuthorizationFailed: No action 'listLogSasUrl'.

    Assign the role Container Registry Tasks Contributor to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ");
}

#[tokio::test(start_paused = true)]
async fn a_missing_registry_is_an_error_at_registry_id() {
    let gone = value!({"error": {"code": "ResourceNotFound", "message": "…"}});
    let transport = ScriptedTransport::default()
        .twice(Method::GET, "/runs?", json(404, &gone))
        .twice(Method::GET, "/runs?", json(404, &gone));
    let error = read_in(Context::default(), &transport, Some(1))
        .await
        .unwrap_err();
    assert!(
        rendered(&error).starts_with("error at registry_id: Registry not found"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_interrupted_read_is_an_error() {
    let context = Context::default();
    context.cancelled.cancel();
    let error = read_in(context, &ScriptedTransport::default(), Some(1))
        .await
        .unwrap_err();
    assert!(
        rendered(&error).contains("The operation was interrupted."),
        "{error:?}"
    );
}
