//! Progress messages for a run in progress, and for a successful one.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::azure::Error;
use crate::azure::id::RegistryId;
use crate::azure::run::{Run, RunStatus};
use crate::patching::TaskName;
use crate::provider::report;
use crate::provider::workflow::run::log_tail::Batch;

/// Azure has queued the run.
pub(super) fn queued(registry: &RegistryId, run: &Run) -> String {
    format!(
        "Queued run {} of {} on {}.",
        run.run_id,
        TaskName::Trigger,
        registry.registry
    )
}

/// The action does not wait for the run.
pub(super) fn how_to_see_log(registry: &RegistryId, run: &Run) -> String {
    format!(
        "The action does not wait for it. To show its log: {}",
        logs(registry, run)
    )
}

/// The status of a run in progress.
pub(super) fn status(run: &Run) -> String {
    let how = match &run.status {
        RunStatus::Queued => "is queued",
        RunStatus::Started => "has started",
        RunStatus::Running => "is running",
        other => return format!("Run {} is now {}.", run.run_id, word(other)),
    };
    format!("Run {} {how}.", run.run_id)
}

/// The action still waits for the run, which was queued this long ago.
pub(super) fn still(run: &Run, queued: Duration) -> String {
    let status = status(run);
    format!("{status} The action has waited {} for it.", span(queued))
}

/// The new part of a log.
pub(super) fn log(run: &Run, batch: &Batch) -> String {
    let mut text = format!("Log of run {}:", run.run_id);
    if batch.omitted > 0 {
        let _ = write!(text, "\n  [{} omitted]", size(batch.omitted));
    }
    text + &indented(batch.lines.iter().map(String::as_str))
}

/// The log can't be read, but the run can.
pub(super) fn unreadable(run: &Run, error: &Error) -> String {
    format!(
        "The log of run {} can't be read. The action still waits for the run. {}",
        run.run_id,
        report::happened(error)
    )
}

/// A run has succeeded.
pub(super) fn succeeded(run: &Run, scans: Option<usize>) -> String {
    let mut text = format!("Run {} succeeded", run.run_id);
    if let Some(lasted) = lasted(run) {
        let _ = write!(text, " after {}", span(lasted));
    }
    text.push_str(&match scans {
        None => ".".to_owned(),
        Some(0) => ". It queued no scans.".to_owned(),
        Some(1) => ". It queued 1 scan.".to_owned(),
        Some(scans) => format!(". It queued {scans} scans."),
    });
    text
}

/// Returns the command that shows the log.
pub(in crate::provider::workflow) fn logs(registry: &RegistryId, run: &Run) -> String {
    format!(
        "az acr task logs --registry {} --run-id {}",
        registry.registry, run.run_id
    )
}

/// Returns Azure's word for a status.
pub(in crate::provider::workflow) fn word(status: &RunStatus) -> String {
    match status {
        RunStatus::Other(word) => word.clone(),
        known => format!("{known:?}"),
    }
}

pub(in crate::provider::workflow) fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("\n  {line}")).collect()
}

fn size(bytes: u64) -> String {
    if bytes < 1 << 10 {
        format!("{bytes} bytes")
    } else {
        format!("{} KiB", bytes.div_ceil(1 << 10))
    }
}

fn lasted(run: &Run) -> Option<Duration> {
    let moment = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
    let lasted = moment(&run.finish_time)?.duration_since(moment(&run.start_time)?);
    Duration::try_from(lasted).ok()
}

/// Formats a duration, such as `1h 30m` or `45s`.
pub(in crate::provider::workflow) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() {
        "less than a second".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::run::fixture::{registry, run, unanswered};

    #[test]
    fn each_status_of_a_run_has_a_message() {
        let statuses = [
            RunStatus::Queued,
            RunStatus::Started,
            RunStatus::Running,
            RunStatus::Other("Paused".to_owned()),
        ];
        let well = run(RunStatus::Succeeded, None);
        let untimed = Run {
            finish_time: None,
            ..well.clone()
        };
        let mut messages = vec![
            queued(&registry(), &well),
            how_to_see_log(&registry(), &well),
        ];
        messages.extend(statuses.map(|it| status(&run(it, None))));
        messages.push(still(
            &run(RunStatus::Queued, None),
            Duration::from_secs(61),
        ));
        messages.extend([None, Some(0), Some(1), Some(7)].map(|scans| succeeded(&well, scans)));
        messages.push(succeeded(&untimed, None));
        insta::assert_snapshot!(messages.join("\n"), @"
        Queued run dt1 of cssc-trigger-workflow on contoso.
        The action does not wait for it. To show its log: az acr task logs --registry contoso --run-id dt1
        Run dt1 is queued.
        Run dt1 has started.
        Run dt1 is running.
        Run dt1 is now Paused.
        Run dt1 is queued. The action has waited 1m 1s for it.
        Run dt1 succeeded after 3m 20s.
        Run dt1 succeeded after 3m 20s. It queued no scans.
        Run dt1 succeeded after 3m 20s. It queued 1 scan.
        Run dt1 succeeded after 3m 20s. It queued 7 scans.
        Run dt1 succeeded.
        ");
    }

    #[test]
    fn a_log_message_names_the_omitted_size() {
        let lines = vec![
            "Validating filter...".to_owned(),
            "Matches found: 2".to_owned(),
        ];
        let of = |omitted| Batch {
            lines: lines.clone(),
            omitted,
        };
        let run = run(RunStatus::Running, None);
        let messages = [0, 1000, 70_000].map(|omitted| log(&run, &of(omitted)));
        insta::assert_snapshot!(messages.join("\n"), @"
        Log of run dt1:
          Validating filter...
          Matches found: 2
        Log of run dt1:
          [1000 bytes omitted]
          Validating filter...
          Matches found: 2
        Log of run dt1:
          [69 KiB omitted]
          Validating filter...
          Matches found: 2
        ");
        insta::assert_snapshot!(unreadable(&run, &unanswered(false)), @"The log of run dt1 can't be read. The action still waits for the run. While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.");
    }

    #[test]
    fn durations_are_formatted_with_units() {
        for (seconds, expected) in [
            (0, "less than a second"),
            (45, "45s"),
            (60, "1m"),
            (200, "3m 20s"),
            (3605, "1h 5s"),
            (90_000, "25h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }
}
