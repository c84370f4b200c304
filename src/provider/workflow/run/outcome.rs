//! How an action ends that doesn't end well: with a run that has failed, or with one that goes on.

use std::fmt::Write as _;
use std::time::Duration;

use crate::azure::Error;
use crate::azure::id::RegistryId;
use crate::azure::run::{Run, RunStatus};
use crate::http::Stopped;
use crate::patching::TaskName;
use crate::patching::run_log::printable;
use crate::provider::report;
use crate::provider::workflow::run::wording::{indented, logs, span, word};
use crate::workflow::run_immediately;
use terraform_plugin::diagnostics::Diagnostic;

/// Why a run is no longer waited for, although it goes on.
#[derive(Debug)]
pub(super) enum WaitEnd {
    /// The time is over or the user has interrupted; and what Azure said last, if that was a failure.
    Stopped(Stopped, Option<Box<Error>>),
    /// It can't be looked at.
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

/// A run has ended badly. `last` are the last lines of its log.
pub(super) fn failed(
    registry: &RegistryId,
    run: &Run,
    last: &[&str],
    unreadable: Option<&Error>,
) -> Diagnostic {
    let outcome = match run.status {
        RunStatus::Canceled => "was cancelled",
        RunStatus::Timeout => "has timed out",
        _ => "has failed",
    };
    let message = run.error_message.as_deref().map(printable);
    let message = message.filter(|it| !it.is_empty());
    let mut detail = format!(
        "Run {} of {registry} ended as {}: {}",
        run.run_id,
        word(&run.status),
        message.as_deref().unwrap_or("Azure gives no reason.")
    );
    if !last.is_empty() {
        let _ = write!(
            detail,
            "\n\nThe end of its log:{}",
            indented(last.iter().copied())
        );
    } else if let Some(error) = unreadable {
        let _ = write!(
            detail,
            "\n\nIts log can't be read. {}",
            report::happened(error)
        );
    }
    let next = match run.status {
        RunStatus::Canceled => "Somebody has cancelled it. Invoke the action again to start over.",
        RunStatus::Timeout => {
            "It took longer than its task may. Have the policy select fewer images, or invoke the \
             action again."
        }
        _ if run_immediately::lacks_rights(run) => {
            "A workflow that has just been created may have to wait some minutes until the rights \
             of its tasks have arrived everywhere. Invoke the action again then; the resource's \
             `run_immediately` waits for it by itself."
        }
        _ => "Invoke the action again once the cause is gone.",
    };
    let _ = write!(
        detail,
        "\n\n{next} To see the whole log: {}",
        logs(registry, run)
    );
    Diagnostic::error(
        format!("Run {} of {} {outcome}", run.run_id, TaskName::Trigger),
        detail,
    )
}

/// A run goes on, and is no longer waited for.
pub(super) fn still_running(
    registry: &RegistryId,
    timeout: Duration,
    run: &Run,
    why: &WaitEnd,
) -> Diagnostic {
    let id = &run.run_id;
    let goes_on = format!(
        "Run {id} of {registry} goes on in Azure; when it was last looked at, it was {}. To see \
         its log: {}\nTo end it, invoke acr_continuous_patching_cancel_runs.",
        word(&run.status),
        logs(registry, run)
    );
    match why {
        WaitEnd::Stopped(Stopped::Cancelled, _) => {
            Diagnostic::error(format!("The wait for run {id} was interrupted"), goes_on)
        }
        WaitEnd::Stopped(Stopped::Deadline, last) => {
            let last = last.as_ref().map_or_else(String::new, |last| {
                format!("{}\n\n", report::happened(last))
            });
            Diagnostic::error(
                format!("Run {id} has not ended within {}", span(timeout)),
                format!("{last}{goes_on}\n\nTo wait longer, set `timeout`."),
            )
        }
        WaitEnd::Lost(error) => {
            let happened = report::happened(error);
            Diagnostic::error(
                format!("Could not look at run {id} any more"),
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
    fn a_failure_has_its_reason_the_end_of_the_log_and_the_next_step() {
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
        # Run dt1 of cssc-trigger-workflow has failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended as Failed: failed to run step ID: limit: exit status 1

        The end of its log:
          Validating filter...
          ERROR: 101 images match

        Invoke the action again once the cause is gone. To see the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow has failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended as Failed: contoso.azurecr.io/x: unauthorized

        A workflow that has just been created may have to wait some minutes until the rights of its tasks have arrived everywhere. Invoke the action again then; the resource's `run_immediately` waits for it by itself. To see the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow has failed
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended as Error: Azure gives no reason.

        Its log can't be read. While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        Invoke the action again once the cause is gone. To see the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow has timed out
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended as Timeout: Azure gives no reason.

        It took longer than its task may. Have the policy select fewer images, or invoke the action again. To see the whole log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 of cssc-trigger-workflow was cancelled
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso ended as Canceled: Azure gives no reason.

        The end of its log:
          Validating filter...
          ERROR: 101 images match

        Somebody has cancelled it. Invoke the action again to start over. To see the whole log: az acr task logs --registry contoso --run-id dt1
        ");
    }

    #[test]
    fn a_run_that_is_left_goes_on() {
        let run = run(RunStatus::Running, None);
        let last = Some(Box::new(refused(429, "TooManyRequests", "Slow down.")));
        insta::assert_snapshot!(rendered([
            still_running(&registry(), TIMEOUT, &run, &Stopped::Cancelled.into()),
            still_running(&registry(), TIMEOUT, &run, &Stopped::Deadline.into()),
            still_running(&registry(), TIMEOUT, &run, &WaitEnd::Stopped(Stopped::Deadline, last)),
            still_running(&registry(), TIMEOUT, &run, &refused(500, "", "").into()),
        ]), @"
        # The wait for run dt1 was interrupted
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso goes on in Azure; when it was last looked at, it was Running. To see its log: az acr task logs --registry contoso --run-id dt1
        To end it, invoke acr_continuous_patching_cancel_runs.

        # Run dt1 has not ended within 1h 30m
        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso goes on in Azure; when it was last looked at, it was Running. To see its log: az acr task logs --registry contoso --run-id dt1
        To end it, invoke acr_continuous_patching_cancel_runs.

        To wait longer, set `timeout`.

        # Run dt1 has not ended within 1h 30m
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 429 Too Many Requests: TooManyRequests: Slow down.

        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso goes on in Azure; when it was last looked at, it was Running. To see its log: az acr task logs --registry contoso --run-id dt1
        To end it, invoke acr_continuous_patching_cancel_runs.

        To wait longer, set `timeout`.

        # Could not look at run dt1 any more
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 500 Internal Server Error

        Run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso goes on in Azure; when it was last looked at, it was Running. To see its log: az acr task logs --registry contoso --run-id dt1
        To end it, invoke acr_continuous_patching_cancel_runs.
        ");
    }
}
