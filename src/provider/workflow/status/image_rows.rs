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
        let vulnerabilities = self.scan.log.vulnerabilities.map(i64::from);
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
            (names::VULNERABILITIES, vulnerabilities.into()),
            (names::ERRORS, Value::List(errors)),
        ])
    }
}

/// Returns the time when a run was queued, in RFC 3339 and UTC.
fn time(run: &Run) -> Option<String> {
    run.created().map(|time| time.to_string())
}

#[cfg(test)]
mod tests;
