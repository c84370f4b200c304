//! Warnings about the run that `run_immediately` queues. The workflow itself is complete by then. An error
//! would taint it, and the next apply would replace it.

use std::fmt::Write as _;

use crate::azure::error::TASKS_NOT_ALLOWED;
use crate::azure::run::Run;
use crate::azure::{Error, RegistryId};
use crate::patching::TaskName;
use crate::patching::run_log::{LogEnd, printable};
use crate::provider::report;
use crate::provider::workflow::run::wording::{indented, logs, word};
use crate::workflow::run_immediately::Outcome;
use terraform_plugin::diagnostics::Diagnostic;

const COMPLETE: &str = "The workflow itself is complete.";

/// The warning about the outcome; [`None`] if the run succeeded or is running.
pub(super) fn warning(registry: &RegistryId, outcome: &Outcome) -> Option<Diagnostic> {
    let name = &registry.registry;
    let (summary, detail) = match outcome {
        Outcome::Queued => return None,
        Outcome::NotStarted(run) => (
            format!("Run {} in {name} is queued, not started yet", run.run_id),
            format!(
                "Azure has queued the run, but did not start it while the provider waited. It starts once \
                 Azure has an agent for it. {COMPLETE}\n\nTo show its log: {}",
                logs(registry, run)
            ),
        ),
        Outcome::Unread(run, error) => (
            format!(
                "Run {} in {name} is queued, but its state could not be read",
                run.run_id
            ),
            format!(
                "{}\n\nAzure has queued the run. {COMPLETE}\n\nTo show its log: {}",
                report::happened(error),
                logs(registry, run)
            ),
        ),
        Outcome::Failed { run, log } => (
            format!("Run {} in {name} failed", run.run_id),
            failed(registry, run, log),
        ),
        Outcome::NotQueued(error) if error.may_have_been_done() => (
            format!("Azure did not confirm a run in {name}"),
            format!(
                "{}\n\nThe provider did not queue another. {COMPLETE} To check the runs:\n\n  az acr task \
                 list-runs --registry {name} --name {}",
                report::happened(error),
                TaskName::Trigger
            ),
        ),
        Outcome::NotQueued(error) if error.code() == Some(TASKS_NOT_ALLOWED) => {
            let summary = format!("Could not queue a run in {name}");
            let why = report::failure(&summary, error).detail;
            let detail = format!(
                "{why}\n\nAll parts of the workflow exist, but Azure runs none of its tasks until the \
                 subscription may run ACR Tasks."
            );
            (summary, detail)
        }
        Outcome::NotQueued(error) => {
            let summary = format!("Could not queue a run in {name}");
            let why = report::failure(&summary, error).detail;
            let detail = format!(
                "{why}\n\n{COMPLETE} The next apply that changes it queues the run, if `run_immediately` is \
                 still set. {}",
                by_hand(registry)
            );
            (summary, detail)
        }
    };
    Some(Diagnostic::warning(summary, detail))
}

fn failed(registry: &RegistryId, run: &Run, log: &Result<LogEnd, Error>) -> String {
    let message = run.error_message.as_deref().map(printable);
    let message = message.filter(|it| !it.is_empty());
    let mut detail = format!(
        "The run ended with status {}: {}",
        word(&run.status),
        message.as_deref().unwrap_or("Azure gave no reason.")
    );
    match log {
        Ok(log) if log.last.is_empty() => {}
        Ok(log) => {
            let last = indented(log.last.iter().map(String::as_str));
            let _ = write!(detail, "\n\nThe last lines of its log:{last}");
        }
        Err(error) => {
            let why = report::happened(error);
            let _ = write!(detail, "\n\nThe log can't be read. {why}");
        }
    }
    let _ = write!(
        detail,
        "\n\n{COMPLETE} Correct the cause. {}",
        by_hand(registry)
    );
    detail
}

fn by_hand(registry: &RegistryId) -> String {
    format!(
        "To run it now:\n\n  az acr task run --registry {} --name {}",
        registry.registry,
        TaskName::Trigger
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::run::RunStatus;
    use crate::provider::workflow::run::fixture::{refused, registry, run, unanswered};

    #[test]
    fn without_acr_tasks_no_run_is_promised() {
        let error = refused(403, TASKS_NOT_ALLOWED, "Not permitted.");
        let warning = warning(&registry(), &Outcome::NotQueued(error)).unwrap();
        for promise in ["complete", "az acr task run", "schedule", "role"] {
            assert!(!warning.detail.contains(promise), "{}", warning.detail);
        }
    }

    #[test]
    fn each_outcome_says_what_is_true_of_the_run() {
        let queued = || run(RunStatus::Queued, None);
        let failed = |message, log| Outcome::Failed {
            run: run(RunStatus::Failed, message),
            log,
        };
        let log = LogEnd::read(
            b"Matches found: 101\nERROR: 101 images match the policy\n",
            None,
        );
        let forbidden = || refused(403, "AuthorizationFailed", "No.");
        let outcomes = [
            Outcome::NotStarted(queued()),
            Outcome::Unread(queued(), forbidden()),
            failed(Some("failed to run step ID: limit: exit status 1"), Ok(log)),
            failed(None, Err(unanswered(false))),
            Outcome::NotQueued(forbidden()),
            Outcome::NotQueued(unanswered(true)),
        ];
        let texts = outcomes.iter().map(|outcome| {
            let warning = warning(&registry(), outcome).unwrap();
            assert!(!warning.is_error());
            format!("# {}\n{}", warning.summary, warning.detail)
        });
        insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n\n"), @"
        # Run dt1 in contoso is queued, not started yet
        Azure has queued the run, but did not start it while the provider waited. It starts once Azure has an agent for it. The workflow itself is complete.

        To show its log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 in contoso is queued, but its state could not be read
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 403 Forbidden: AuthorizationFailed: No.

        Azure has queued the run. The workflow itself is complete.

        To show its log: az acr task logs --registry contoso --run-id dt1

        # Run dt1 in contoso failed
        The run ended with status Failed: failed to run step ID: limit: exit status 1

        The last lines of its log:
          Matches found: 101
          ERROR: 101 images match the policy

        The workflow itself is complete. Correct the cause. To run it now:

          az acr task run --registry contoso --name cssc-trigger-workflow

        # Run dt1 in contoso failed
        The run ended with status Failed: Azure gave no reason.

        The log can't be read. While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        The workflow itself is complete. Correct the cause. To run it now:

          az acr task run --registry contoso --name cssc-trigger-workflow

        # Could not queue a run in contoso
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 403 Forbidden: AuthorizationFailed: No.

        Assign the role Container Registry Tasks Contributor to the identity that runs Terraform. Azure names no permission, but this role allows the operation.

        The workflow itself is complete. The next apply that changes it queues the run, if `run_immediately` is still set. To run it now:

          az acr task run --registry contoso --name cssc-trigger-workflow

        # Azure did not confirm a run in contoso
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        The provider did not queue another. The workflow itself is complete. To check the runs:

          az acr task list-runs --registry contoso --name cssc-trigger-workflow
        ");
        assert!(warning(&registry(), &Outcome::Queued).is_none());
    }
}
