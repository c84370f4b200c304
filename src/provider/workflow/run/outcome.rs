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

/// Why the action stopped waiting for a run.
#[derive(Debug)]
pub(super) enum WaitEnd {
    /// The timeout or an interrupt, and Azure's last failure before it.
    Stopped(Stopped, Option<Box<Error>>),
    /// The run can't be read.
    Lost(Error),
    /// Azure answers that the run doesn't exist.
    Gone(Error),
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
            // A proxy's page has no code, and proves nothing.
            error if error.is_not_found() && error.code().is_some() => Self::Gone(error),
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

/// The error after the action stopped waiting for a run. `is_shown` is whether Azure's last answer was not a
/// 404. Only then the run surely continues.
pub(super) fn still_running(
    registry: &RegistryId,
    timeout: Duration,
    run: &Run,
    is_shown: bool,
    why: &WaitEnd,
) -> Diagnostic {
    let id = &run.run_id;
    let status = word(&run.status);
    let state = match is_shown {
        true => format!("Run {id} of {registry} continues in Azure."),
        false => format!("Azure has accepted run {id} of {registry}, but does not show it."),
    };
    let goes_on = format!(
        "{state} Its last known status is {status}.\n\nTo show its log: {}\nTo cancel it, invoke \
         acr_continuous_patching_cancel_runs.",
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
        WaitEnd::Gone(error) => {
            let happened = report::happened(error);
            Diagnostic::error(
                format!("Azure no longer knows run {id}"),
                format!(
                    "{happened}\n\nThe last known status of the run is {status}. Check that the registry \
                     still exists. To show its runs:\n\n  az acr task list-runs --registry {} --name {}",
                    registry.registry,
                    TaskName::Trigger
                ),
            )
        }
    }
}

/// The warning if the user interrupts the action while Azure queues the run. The host then shows only the
/// outcome of the action, without its messages.
pub(super) fn queued_despite_interrupt(registry: &RegistryId, run: &Run) -> Diagnostic {
    let id = &run.run_id;
    Diagnostic::warning(
        format!("Azure has queued run {id} despite the interrupt"),
        format!(
            "The action was interrupted while it queued run {id} of {} on {registry}. The run continues in \
             Azure.\n\nTo show its log: {}\nTo cancel it, invoke acr_continuous_patching_cancel_runs.",
            TaskName::Trigger,
            logs(registry, run)
        ),
    )
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
            still_running(&registry(), TIMEOUT, &run, true, &Stopped::Cancelled.into()),
            still_running(&registry(), TIMEOUT, &run, true, &Stopped::Deadline.into()),
            still_running(&registry(), TIMEOUT, &run, true, &WaitEnd::Stopped(Stopped::Deadline, last)),
            still_running(&registry(), TIMEOUT, &run, true, &refused(500, "", "").into()),
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

    #[test]
    fn a_run_that_azure_does_not_show_is_not_said_to_continue() {
        let queued = run(RunStatus::Queued, None);
        let missing = || refused(404, "ResourceNotFound", "The run was not found.");
        let last = Some(Box::new(missing()));
        let said = rendered([
            still_running(
                &registry(),
                TIMEOUT,
                &queued,
                false,
                &Stopped::Cancelled.into(),
            ),
            still_running(
                &registry(),
                TIMEOUT,
                &queued,
                false,
                &WaitEnd::Stopped(Stopped::Deadline, last),
            ),
            still_running(
                &registry(),
                TIMEOUT,
                &queued,
                false,
                &refused(404, "", "").into(),
            ),
            still_running(&registry(), TIMEOUT, &queued, false, &missing().into()),
        ]);
        assert!(!said.contains("continues"), "{said}");
        insta::assert_snapshot!(said, @"
        # Interrupted while waiting for run dt1
        Azure has accepted run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso, but does not show it. Its last known status is Queued.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        # Run dt1 did not finish within 1h 30m
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 404 Not Found: ResourceNotFound: The run was not found.

        Azure has accepted run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso, but does not show it. Its last known status is Queued.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        To wait longer, set `timeout`.

        # Could not read run dt1
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 404 Not Found

        Azure has accepted run dt1 of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso, but does not show it. Its last known status is Queued.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.

        # Azure no longer knows run dt1
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 404 Not Found: ResourceNotFound: The run was not found.

        The last known status of the run is Queued. Check that the registry still exists. To show its runs:

          az acr task list-runs --registry contoso --name cssc-trigger-workflow
        ");
    }

    #[test]
    fn an_interrupt_while_azure_queues_a_run_is_a_warning_with_its_id() {
        let said = queued_despite_interrupt(&registry(), &run(RunStatus::Queued, None));
        assert!(!said.is_error());
        insta::assert_snapshot!(format!("# {}\n{}", said.summary, said.detail), @"
        # Azure has queued run dt1 despite the interrupt
        The action was interrupted while it queued run dt1 of cssc-trigger-workflow on /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso. The run continues in Azure.

        To show its log: az acr task logs --registry contoso --run-id dt1
        To cancel it, invoke acr_continuous_patching_cancel_runs.
        ");
    }
}
