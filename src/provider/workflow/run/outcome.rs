//! Errors of the run action: the run failed, or the action stopped waiting for it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::azure::Error;
use crate::azure::id::RegistryId;
use crate::azure::run::{Run, RunStatus};
use crate::http::Stopped;
use crate::patching::TaskName;
use crate::patching::run_log::{lacks_rights, printable};
use crate::provider::report;
use crate::provider::workflow::run::wording::{indented, logs, span, word};
use terraform_plugin::diagnostics::Diagnostic;

/// Why the action stopped waiting for a run that continues.
#[derive(Debug)]
pub(super) enum WaitEnd {
    /// The timeout or an interrupt, and Azure's last failure before it.
    Stopped(Stopped, Option<Box<Error>>),
    /// The run can't be read.
    Lost(Error),
}

impl From<Stopped> for WaitEnd {
    fn from(why: Stopped) -> Self {
        Self::Stopped(why, None)
    }
}

impl From<Error> for WaitEnd {
    fn from(error: Error) -> Self {
        match error {
            Error::Stopped { why, last, .. } => Self::Stopped(why, last),
            error => Self::Lost(error),
        }
    }
}

/// The error for a failed run. `last` are the last lines of its log.
pub(super) fn failed(
    registry: &RegistryId,
    run: &Run,
    last: &[&str],
    unreadable: Option<&Error>,
) -> Diagnostic {
    let outcome = match run.status {
        RunStatus::Canceled => "was cancelled",
        RunStatus::Timeout => "timed out",
        _ => "failed",
    };
    let message = run.error_message.as_deref().map(printable);
    let message = message.filter(|it| !it.is_empty());
    let mut detail = format!(
        "Run {} of {registry} ended with status {}: {}",
        run.run_id,
        word(&run.status),
        message.as_deref().unwrap_or("Azure gave no reason.")
    );
    if !last.is_empty() {
        let _ = write!(
            detail,
            "\n\nThe last lines of its log:{}",
            indented(last.iter().copied())
        );
    } else if let Some(error) = unreadable {
        let _ = write!(
            detail,
            "\n\nThe log can't be read. {}",
            report::happened(error)
        );
    }
    let next = match run.status {
        RunStatus::Canceled => {
            Some("The run was cancelled in Azure. Invoke the action again to queue another run.")
        }
        RunStatus::Timeout => Some(
            "The run exceeded the timeout of its task. Select fewer images in the policy, or invoke \
             the action again.",
        ),
        _ if message.iter().any(|it| lacks_rights(it))
            || last.iter().any(|it| lacks_rights(it)) =>
        {
            Some(
                "The role assignments of a new workflow can take a few minutes to propagate. Invoke the \
             action again then. The resource's `run_immediately` waits for them.",
            )
        }
        // The reason and the log name the cause.
        _ => None,
    };
    if let Some(next) = next {
        let _ = write!(detail, "\n\n{next}");
    }
    let _ = write!(detail, "\n\nTo show the whole log: {}", logs(registry, run));
    Diagnostic::error(
        format!("Run {} of {} {outcome}", run.run_id, TaskName::Trigger),
        detail,
    )
}

/// The error after the action stopped waiting for a run that continues.
pub(super) fn still_running(
    registry: &RegistryId,
    timeout: Duration,
    run: &Run,
    why: &WaitEnd,
) -> Diagnostic {
    let id = &run.run_id;
    let goes_on = format!(
        "Run {id} of {registry} continues in Azure. Its last known status is {}.\n\nTo show its log: \
         {}\nTo cancel it, invoke acr_continuous_patching_cancel_runs.",
        word(&run.status),
        logs(registry, run)
    );
    match why {
        WaitEnd::Stopped(Stopped::Cancelled, _) => {
            Diagnostic::error(format!("Interrupted while waiting for run {id}"), goes_on)
        }
        WaitEnd::Stopped(Stopped::Deadline, last) => {
            let last = last.as_ref().map_or_else(String::new, |last| {
                format!("{}\n\n", report::happened(last))
            });
            Diagnostic::error(
                format!("Run {id} did not finish within {}", span(timeout)),
                format!("{last}{goes_on}\n\nTo wait longer, set `timeout`."),
            )
        }
        WaitEnd::Lost(error) => {
            let happened = report::happened(error);
            Diagnostic::error(
                format!("Could not read run {id}"),
                format!("{happened}\n\n{goes_on}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::run::fixture::{refused, registry, rendered, run, unanswered};

    const TIMEOUT: Duration = Duration::from_secs(5400);

    #[test]
    fn a_failed_run_shows_the_reason_the_log_and_the_next_step() {
        let last = ["Validating filter...", "ERROR: 101 images match"];
        let failed = |run: &Run, last: &[&str], unreadable: Option<&Error>| {
            super::failed(&registry(), run, last, unreadable)
        };
        insta::assert_snapshot!(rendered([
            failed(&run(RunStatus::Failed, Some("failed to run step ID: limit: exit status 1")), &last, None),
            failed(&run(RunStatus::Failed, Some("contoso.azurecr.io/x: unauthorized")), &[], None),
            failed(&run(RunStatus::Error, None), &[], Some(&unanswered(false))),
            failed(&run(RunStatus::Timeout, Some(" ")), &[], None),
            failed(&run(RunStatus::Canceled, None), &last, Some(&unanswered(false))),
        ]), @"
        # Run dt1 of cssc-trigger-workflow failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended with status Failed: failed to run step ID: limit: exit status 1

        The last lines of its log:
          Validating filter...
          ERROR: 101 images match

        To show the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended with status Failed: contoso.azurecr.io/x: unauthorized

        The role assignments of a new workflow can take a few minutes to propagate. Invoke the action again then. The resource's `run_immediately` waits for them.

        To show the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended with status Error: Azure gave no reason.

        The log can't be read. While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        To show the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow timed out
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended with status Timeout: Azure gave no reason.

        The run exceeded the timeout of its task. Select fewer images in the policy, or invoke the action again.

        To show the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow was cancelled
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended with status Canceled: Azure gave no reason.

        The last lines of its log:
          Validating filter...
          ERROR: 101 images match

        The run was cancelled in Azure. Invoke the action again to queue another run.

        To show the whole log: az acr task logs --registry contoso --run-id dt1
        ");
    }

    #[test]
    fn a_run_continues_after_the_action_stops_waiting() {
        let run = run(RunStatus::Running, None);
        let last = Some(Box::new(refused(429, "TooManyRequests", "Slow down.")));
        insta::assert_snapshot!(rendered([
            still_running(&registry(), TIMEOUT, &run, &Stopped::Cancelled.into()),
            still_running(&registry(), TIMEOUT, &run, &Stopped::Deadline.into()),
            still_running(&registry(), TIMEOUT, &run, &WaitEnd::Stopped(Stopped::Deadline, last)),
            still_running(&registry(), TIMEOUT, &run, &refused(500, "", "").into()),
        ]), @"
        # Interrupted while waiting for run dt1
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso continues in Azure. Its last known status is Running.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        # Run dt1 did not finish within 1h 30m
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso continues in Azure. Its last known status is Running.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        To wait longer, set `timeout`.

        # Run dt1 did not finish within 1h 30m
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 429 Too Many Requests: TooManyRequests: Slow down.

        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso continues in Azure. Its last known status is Running.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        To wait longer, set `timeout`.

        # Could not read run dt1
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 500 Internal Server Error

        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso continues in Azure. Its last known status is Running.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.
        ");
    }
}
