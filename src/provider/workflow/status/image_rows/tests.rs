//! Tests of the rows.

use super::*;
use crate::azure::run::RunStatus;
use crate::patching::run_log::ScannedImage;

fn run(id: &str, status: RunStatus) -> Run {
    Run {
        id: format!("/runs/{id}"),
        run_id: id.to_owned(),
        status,
        task: None,
        create_time: Some("2026-06-01T02:30:00.5000000+00:00".to_owned()),
        start_time: None,
        finish_time: None,
        error_message: None,
    }
}

fn log() -> Markers {
    Markers {
        image: Some(ScannedImage {
            repository: "python".to_owned(),
            original: "3.11".to_owned(),
            scanned: "3.11".to_owned(),
        }),
        ..Markers::default()
    }
}

fn queued() -> Markers {
    Markers {
        queued_run: Some("cf2".to_owned()),
        patch_tag: Some("3.11-1".to_owned()),
        ..log()
    }
}

fn skipped() -> Markers {
    Markers {
        skip_reason: Some("no vulnerability found".to_owned()),
        ..log()
    }
}

fn row(scan: RunStatus, log: Markers, patch: Option<RunStatus>) -> ImageRow {
    ImageRow {
        scan: Scan {
            run: run("cf1", scan),
            log,
        },
        patch: patch.map(|status| run("cf2", status)),
        patch_log: Markers::default(),
    }
}

/// Returns the scan status, the patch status and the status of the image.
fn statuses(row: &ImageRow) -> [&'static str; 3] {
    [row.scan_status(), row.patch_status(), row.status()].map(Status::as_str)
}

#[test]
fn without_a_patch_the_scan_decides_the_status() {
    let unread = Markers::default;
    for (scan, log, expected) in [
        (
            RunStatus::Succeeded,
            skipped(),
            ["Succeeded", "Skipped", "Skipped"],
        ),
        // The log names neither a queued run nor a reason, or is missing.
        (
            RunStatus::Succeeded,
            log(),
            ["Succeeded", "Unknown", "Unknown"],
        ),
        (
            RunStatus::Succeeded,
            unread(),
            ["Succeeded", "Unknown", "Unknown"],
        ),
        (RunStatus::Queued, unread(), ["Queued", "Unknown", "Queued"]),
        (
            RunStatus::Started,
            unread(),
            ["Running", "Unknown", "Running"],
        ),
        (RunStatus::Running, log(), ["Running", "Unknown", "Running"]),
        (RunStatus::Failed, log(), ["Failed", "Unknown", "Failed"]),
        // The scan named a reason, and then failed.
        (RunStatus::Error, skipped(), ["Failed", "Unknown", "Failed"]),
        (
            RunStatus::Canceled,
            unread(),
            ["Canceled", "Unknown", "Canceled"],
        ),
    ] {
        assert_eq!(statuses(&row(scan, log, None)), expected);
    }
}

#[test]
fn a_queued_patch_decides_the_status() {
    for scan in [RunStatus::Running, RunStatus::Failed, RunStatus::Succeeded] {
        let row = row(scan, queued(), Some(RunStatus::Running));
        assert_eq!(statuses(&row)[1..], ["Running", "Running"]);
    }
    let both = Markers {
        skip_reason: Some("x".to_owned()),
        ..queued()
    };
    let patched = row(RunStatus::Succeeded, both, Some(RunStatus::Succeeded));
    assert_eq!(
        (patched.status(), patched.skip_reason()),
        (Status::Succeeded, None)
    );
}

#[test]
fn a_missing_patch_run_is_unknown_with_its_id() {
    for scan in [RunStatus::Succeeded, RunStatus::Failed] {
        let row = row(scan, queued(), None);
        assert_eq!(statuses(&row)[1..], ["Unknown", "Unknown"]);
        let value = row.value();
        assert_eq!(value.get(names::PATCH_RUN_ID), &"cf2".into());
        assert!(value.get(names::PATCH_TIME).is_null());
    }
}

#[test]
fn the_patched_image_is_the_newest_patch() {
    let again = |mut log: Markers| {
        if let Some(image) = &mut log.image {
            image.scanned = "3.11-4".to_owned();
        }
        log.patch_tag = log.patch_tag.map(|_| "3.11-5".to_owned());
        log
    };
    let done = RunStatus::Succeeded;
    for (row, expected) in [
        (
            row(done.clone(), queued(), Some(done.clone())),
            Some("python:3.11-1"),
        ),
        (row(done.clone(), queued(), Some(RunStatus::Failed)), None),
        (row(done.clone(), skipped(), None), None),
        (
            row(done.clone(), again(queued()), Some(done.clone())),
            Some("python:3.11-5"),
        ),
        (
            row(done.clone(), again(queued()), Some(RunStatus::Failed)),
            Some("python:3.11-4"),
        ),
        (
            row(done.clone(), again(skipped()), None),
            Some("python:3.11-4"),
        ),
        (row(done.clone(), Markers::default(), None), None),
    ] {
        assert_eq!(row.patched_image().as_deref(), expected);
    }
    // The pushed image is not the earlier patch, even if the log lacks its name.
    let untold = Markers {
        patch_tag: None,
        ..again(queued())
    };
    let row = row(done.clone(), untold, Some(done));
    assert_eq!(row.patched_image(), None);
}

#[test]
fn errors_come_from_the_failed_runs() {
    let erring = |log: Markers, error: &str| Markers {
        errors: vec![error.to_owned()],
        ..log
    };
    let mut row = row(
        RunStatus::Failed,
        erring(queued(), "error: scan"),
        Some(RunStatus::Timeout),
    );
    row.scan.run.error_message = Some("failed to run step \x1b[31mscan\n".to_owned());
    row.patch_log = erring(Markers::default(), "error: patch");
    row.patch.as_mut().unwrap().error_message = Some("error: patch".to_owned());
    assert_eq!(
        row.errors(),
        ["error: scan", "failed to run step scan", "error: patch"]
    );
    // A successful run has no errors, even if its log has.
    row.scan.run.status = RunStatus::Succeeded;
    row.patch.as_mut().unwrap().status = RunStatus::Canceled;
    assert_eq!(row.errors(), [""; 0]);
}

#[test]
fn the_latest_scan_of_each_image_counts_and_unknown_images_keep_all() {
    let scan = |id: &str, repository: Option<&str>| {
        let mut log = log();
        match (repository, &mut log.image) {
            (Some(name), Some(image)) => image.repository = name.to_owned(),
            _ => log.image = None,
        }
        Scan {
            run: run(id, RunStatus::Succeeded),
            log,
        }
    };
    let scans = vec![
        scan("cf5", Some("b")),
        scan("cf4", None),
        scan("cf3", Some("a")),
        scan("cf2", Some("b")),
        scan("cf1", None),
    ];
    let rows = newest(scans).into_iter().map(|scan| ImageRow {
        scan,
        patch: None,
        patch_log: Markers::default(),
    });
    let rows: Vec<_> = sorted(rows.collect())
        .iter()
        .map(|row| (row.image(), row.scan.run.run_id.clone()))
        .collect();
    let rows: Vec<_> = rows.iter().map(|(image, id)| (&**image, &**id)).collect();
    assert_eq!(
        rows,
        [
            ("Unknown", "cf4"),
            ("Unknown", "cf1"),
            ("a:3.11", "cf3"),
            ("b:3.11", "cf5")
        ]
    );
}

#[test]
fn missing_values_of_a_row_are_null() {
    let row = row(RunStatus::Succeeded, skipped(), None);
    let expected = Value::object([
        ("image", "python:3.11".into()),
        ("scan_status", "Succeeded".into()),
        ("scan_time", "2026-06-01T02:30:00.5Z".into()),
        ("scan_run_id", "cf1".into()),
        ("patch_status", "Skipped".into()),
        ("patch_time", Value::Null),
        ("patch_run_id", Value::Null),
        ("patched_image", Value::Null),
        ("skip_reason", "no vulnerability found".into()),
        ("vulnerabilities", Value::Null),
        ("errors", Value::List(vec![])),
    ]);
    assert_eq!(row.value(), expected);
}

#[test]
fn a_row_has_the_number_of_vulnerabilities() {
    for count in [0, 12] {
        let log = Markers {
            vulnerabilities: Some(count),
            ..log()
        };
        let value = row(RunStatus::Failed, log, None).value();
        assert_eq!(value.get(names::VULNERABILITIES), &i64::from(count).into());
    }
}
