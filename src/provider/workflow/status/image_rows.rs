//! Determines the status of each image from its latest scan and patch.
//!
//! Pure: takes runs and parsed logs, and returns rows.

use std::collections::HashSet;

use crate::azure::run::Run;
use crate::patching::run_log::{Markers, printable};
use crate::provider::workflow::status::image_status::Status;
use crate::provider::workflow::status::names;
use terraform_plugin::value::Value;

/// The name of an image if its scan's log does not name it.
pub(super) const UNKNOWN_IMAGE: &str = "Unknown";

/// A scan run and its parsed log: the latest scan of an image, or a scan of an unknown image.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) run: Run,
    pub(super) log: Markers,
}

/// The runs of an image.
#[derive(Clone, Debug)]
pub(super) struct ImageRow {
    pub(super) scan: Scan,
    /// The patch run that the scan queued, if it was found.
    pub(super) patch: Option<Run>,
    /// The parsed log of the patch run. Empty unless the run failed.
    pub(super) patch_log: Markers,
}

/// Returns the latest scan of each image, and every scan of an unknown image. `scans` has the newest first.
pub(super) fn newest(scans: Vec<Scan>) -> Vec<Scan> {
    let mut seen = HashSet::new();
    let is_first = |scan: &Scan| match &scan.log.image {
        Some(image) => seen.insert(image.name()),
        None => true,
    };
    scans.into_iter().filter(is_first).collect()
}

/// Sorts rows by image. Rows of the same image keep their order.
pub(super) fn sorted(mut rows: Vec<ImageRow>) -> Vec<ImageRow> {
    rows.sort_by_cached_key(ImageRow::image);
    rows
}

impl ImageRow {
    /// Returns `<repository>:<tag>` of the patched tag.
    fn image(&self) -> String {
        let image = self.scan.log.image.as_ref();
        image.map_or_else(|| UNKNOWN_IMAGE.to_owned(), |image| image.name())
    }

    fn scan_status(&self) -> Status {
        Status::of(&self.scan.run.status)
    }

    pub(super) fn patch_status(&self) -> Status {
        let log = &self.scan.log;
        match &self.patch {
            Some(run) => Status::of(&run.status),
            None if log.queued_run.is_none()
                && log.skip_reason.is_some()
                && self.scan_status() == Status::Succeeded =>
            {
                Status::Skipped
            }
            None => Status::Unknown,
        }
    }

    /// Returns the status of the image: that of its patch if the scan succeeded or queued one, else the scan's.
    pub(super) fn status(&self) -> Status {
        let scan = self.scan_status();
        if scan == Status::Succeeded || self.scan.log.queued_run.is_some() {
            self.patch_status()
        } else {
            scan
        }
    }

    /// Returns the runs that were active when they were read.
    pub(super) fn active_runs(&self) -> impl Iterator<Item = &Run> {
        let runs = std::iter::once(&self.scan.run).chain(&self.patch);
        runs.filter(|run| run.status.is_active())
    }

    /// Returns the newest patched image: the one that the patch pushed, else the scanned earlier one.
    fn patched_image(&self) -> Option<String> {
        let log = &self.scan.log;
        let image = log.image.as_ref()?;
        let tag = if self.patch_status() == Status::Succeeded {
            log.patch_tag.as_ref()?
        } else {
            Some(&image.scanned).filter(|tag| **tag != image.original)?
        };
        Some(format!("{}:{tag}", image.repository))
    }

    fn skip_reason(&self) -> Option<String> {
        let reason = self.scan.log.skip_reason.clone();
        reason.filter(|_| self.patch_status() == Status::Skipped)
    }

    /// Returns the errors of the failed scan or patch.
    fn errors(&self) -> Vec<String> {
        let mut errors: Vec<String> = Vec::new();
        let runs = [
            (Some(&self.scan.run), &self.scan.log),
            (self.patch.as_ref(), &self.patch_log),
        ];
        for (run, log) in runs {
            let Some(run) = run.filter(|run| Status::of(&run.status) == Status::Failed) else {
                continue;
            };
            let message = run.error_message.iter().map(|text| printable(text));
            for error in log.errors.iter().cloned().chain(message) {
                if !error.is_empty() && !errors.contains(&error) {
                    errors.push(error);
                }
            }
        }
        errors
    }

    /// Returns the element of the list `images`.
    pub(super) fn value(&self) -> Value {
        let queued_run = self.scan.log.queued_run.clone();
        let errors = self.errors().into_iter().map(Value::from).collect();
        Value::object([
            (names::IMAGE, self.image().into()),
            (names::SCAN_STATUS, self.scan_status().as_str().into()),
            (names::SCAN_TIME, time(&self.scan.run).into()),
            (names::SCAN_RUN_ID, self.scan.run.run_id.as_str().into()),
            (names::PATCH_STATUS, self.patch_status().as_str().into()),
            (names::PATCH_TIME, self.patch.as_ref().and_then(time).into()),
            (names::PATCH_RUN_ID, queued_run.into()),
            (names::PATCHED_IMAGE, self.patched_image().into()),
            (names::SKIP_REASON, self.skip_reason().into()),
            (names::ERRORS, Value::List(errors)),
        ])
    }
}

/// Returns the time when a run was queued, in RFC 3339 and UTC.
fn time(run: &Run) -> Option<String> {
    run.created().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
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
            ("errors", Value::List(vec![])),
        ]);
        assert_eq!(row.value(), expected);
    }
}
