//! Missing, truncated, huge and unreadable logs.

use azure_simulator::{Fate, Fault, Run};

use crate::lifecycle::status::{
    EACH, PATCH, SCAN, after_a_run, config, lines_of, log_reads, read, read_lines, runs, store,
};
use terraform_plugin_testing::host::lines;

#[tokio::test(start_paused = true)]
async fn a_missing_or_truncated_log_still_gives_a_row() {
    let stage = after_a_run(&[Fate::Vulnerable(1); 6]).await;
    let whole = runs(&stage, SCAN)[3].log.clone();
    store(&stage, 0, None);
    store(&stage, 1, Some(""));
    store(&stage, 2, Some("Scanning repo: python, Tag:c, Ori"));
    let image = whole.split_inclusive('\n').next().unwrap();
    store(&stage, 3, Some(image));
    let fifth = runs(&stage, SCAN)[4].id.clone();
    let garbage: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    stage.registry().store_log(&fifth, Some(garbage));
    assert_eq!(
        read_lines(&stage).await,
        [
            "Unknown | Succeeded | Unknown",
            "Unknown | Succeeded | Unknown",
            "Unknown | Succeeded | Unknown",
            "Unknown | Succeeded | Unknown",
            "python:d | Succeeded | Unknown",
            "python:f | Succeeded | Succeeded | python:f-1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn only_both_ends_of_a_huge_log_are_read() {
    let stage = after_a_run(&[Fate::Vulnerable(1)]).await;
    let log = runs(&stage, SCAN)[0].log.clone();
    let (image, rest) = log.split_once('\n').unwrap();
    let huge = format!("{image}\n{}\n{rest}", "x".repeat(5 << 20));
    store(&stage, 0, Some(&huge));
    stage.azure.mark();
    assert_eq!(
        read_lines(&stage).await,
        ["python:a | Succeeded | Succeeded | python:a-1"]
    );
    let (first, last) = (huge.len() - (64 << 10), huge.len() - 1);
    let ranges: Vec<_> = log_reads(&stage)
        .into_iter()
        .filter_map(|it| it.range)
        .collect();
    assert_eq!(
        ranges,
        ["bytes=0-65535".to_owned(), format!("bytes={first}-{last}")]
    );
}

#[tokio::test(start_paused = true)]
async fn unreadable_logs_are_one_warning() {
    let stage = after_a_run(&EACH).await;
    let (scans, patches) = (runs(&stage, SCAN), runs(&stage, PATCH));
    let on_blob = |run: &Run| Fault::on("GET", &format!("/logs/{}/", run.id)).times(u64::MAX);
    stage.azure.fault(on_blob(&scans[0]).status(500));
    stage.azure.fault(on_blob(&scans[1]).cut());
    stage.azure.fault(on_blob(&patches[1]).status(403));
    let (state, said) = read(&stage.terraform, &config(&stage)).await;
    assert_eq!(
        lines(&said),
        ["warning: Could not read some runs or logs in contoso"]
    );
    let detail = &said[0].detail;
    assert!(
        detail.starts_with("3 runs or their logs could not be read"),
        "{detail}"
    );
    assert!(!detail.contains("sig="), "{detail}");
    insta::assert_snapshot!(lines_of(&state).join("\n"), @"
    Unknown | Succeeded | Unknown
    Unknown | Succeeded | Unknown
    python:c | Succeeded | Skipped | EOSL is true for image python:c
    python:d | Failed | Unknown | ERROR: trivy: unable to scan python:d | failed to run step: trivy: unable to scan python:d
    python:e | Succeeded | Failed | failed to run step: copa: unable to patch python:e
    ");
}
