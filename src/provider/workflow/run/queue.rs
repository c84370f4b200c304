//! Queues exactly one run. If Azure does not confirm it, the action reports that instead of a retry.

use http::StatusCode;

use crate::azure::error::TASKS_NOT_ALLOWED;
use crate::azure::id::RegistryId;
use crate::azure::run::Run;
use crate::azure::{Error, RegistryClient};
use crate::patching::TaskName;
use crate::provider::common::registry_id;
use crate::provider::report;
use terraform_plugin::diagnostics::Diagnostic;

/// Why a registry can't queue a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hindrance {
    NoRegistry,
    NoWorkflow,
    Disabled,
}

/// Queues a run of the trigger task.
///
/// # Errors
/// Azure did not queue the run, or did not confirm it.
pub(super) async fn queue(registry: &RegistryClient) -> Result<Run, Diagnostic> {
    match registry.schedule_run(TaskName::Trigger.as_str()).await {
        Ok(run) => Ok(run),
        Err(error) => {
            let hindrance = hindrance(registry, &error).await;
            Err(not_queued(registry.id(), &error, hindrance))
        }
    }
}

/// Finds the reason for a refusal. It reads the registry only after the refusal, so that a successful run
/// takes one request, and Azure's answer decides.
async fn hindrance(registry: &RegistryClient, error: &Error) -> Option<Hindrance> {
    const TOLD_BY_WHAT_IS_THERE: [StatusCode; 3] = [
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::CONFLICT,
    ];
    if !TOLD_BY_WHAT_IS_THERE.contains(&error.status()?) || error.code() == Some(TASKS_NOT_ALLOWED)
    {
        return None;
    }
    let task = registry.get_task_opt(TaskName::Trigger.as_str());
    match task.await.ok()? {
        Some(task) => {
            let status = task.properties.status.unwrap_or_default();
            let is_disabled = status.eq_ignore_ascii_case("Disabled");
            is_disabled.then_some(Hindrance::Disabled)
        }
        None => Some(match registry.get().await {
            Err(error) if error.is_gone() => Hindrance::NoRegistry,
            _ => Hindrance::NoWorkflow,
        }),
    }
}

/// The error if Azure queued no run, or did not confirm it.
fn not_queued(registry: &RegistryId, error: &Error, hindrance: Option<Hindrance>) -> Diagnostic {
    const SUMMARY: &str = "Could not queue a run";
    let name = &registry.registry;
    if error.may_have_been_done() {
        return Diagnostic::error(
            "Azure did not confirm the run",
            format!(
                "{}\n\nAzure did not confirm whether the run was queued. The provider did not queue \
                 another. Before you invoke the action again, check the runs:\n\n  az acr task \
                 list-runs --registry {name} --name {}",
                report::happened(error),
                TaskName::Trigger
            ),
        );
    }
    let next = match hindrance {
        Some(Hindrance::NoRegistry) => return registry_id::not_found(&registry.to_string()),
        Some(Hindrance::NoWorkflow) => {
            return Diagnostic::error(
                "The registry has no workflow",
                format!(
                    "{registry} has no task {}. Create an acr_continuous_patching_workflow for it \
                     first. If this configuration does, set the action's `registry_id` to the \
                     resource's `id`.",
                    TaskName::Trigger
                ),
            );
        }
        Some(Hindrance::Disabled) => format!(
            "The task is disabled, so Azure refuses manual runs too. Apply the \
             acr_continuous_patching_workflow to enable it (`enabled = false` disables only the \
             timer), or run:\n\n  az acr task update --registry {name} --name {} --status Enabled",
            TaskName::Trigger
        ),
        None if matches!(error, Error::Stopped { .. }) => {
            "Azure has not queued a run. Invoke the action again.".to_owned()
        }
        None => return report::failure(SUMMARY, error),
    };
    let happened = report::happened(error);
    Diagnostic::error(SUMMARY, format!("{happened}\n\n{next}"))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use super::*;
    use crate::azure::testing::registry_client;
    use crate::http::Stopped;
    use crate::http::scripted_transport::{ScriptedTransport, json};
    use crate::provider::workflow::run::fixture::{
        refused, registry, rendered, stopped, unanswered,
    };

    #[tokio::test]
    async fn a_subscription_without_acr_tasks_has_no_other_hindrance() {
        let refused = value!({"error": {"code": TASKS_NOT_ALLOWED, "message": "Not permitted."}});
        let transport =
            ScriptedTransport::default().on(Method::POST, "/scheduleRun?", json(400, &refused));
        let error = queue(&registry_client(&transport)).await.unwrap_err();
        assert_eq!(error.summary, "Could not queue a run");
        assert!(error.detail.contains("Ask Azure support"), "{error:?}");
        assert_eq!(transport.requests().len(), 1);
    }

    #[test]
    fn each_refusal_and_an_unconfirmed_run_have_a_next_step() {
        let gone = refused(404, "ResourceNotFound", "The task was not found.");
        let disabled = refused(400, "TaskDisabled", "The task is disabled.");
        let no = |error: &Error, hindrance| not_queued(&registry(), error, hindrance);
        insta::assert_snapshot!(rendered([
            no(&gone, Some(Hindrance::NoRegistry)),
            no(&gone, Some(Hindrance::NoWorkflow)),
            no(&disabled, Some(Hindrance::Disabled)),
            no(&refused(503, "", ""), None),
            no(&unanswered(false), None),
            no(&unanswered(true), None),
            no(&stopped(Stopped::Cancelled), None),
            no(&stopped(Stopped::Deadline), None),
        ]), @"
        # Registry not found
        Registry /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso was not found, or the signed-in identity has no access to it. Check the ID, the subscription and the tenant. If the same configuration creates the registry, refer to its `id` attribute.

        # The registry has no workflow
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso has no task cssc-trigger-workflow. Create an acr_continuous_patching_workflow for it first. If this configuration does, set the action's `registry_id` to the resource's `id`.

        # Could not queue a run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 400 Bad Request: TaskDisabled: The task is disabled.

        The task is disabled, so Azure refuses manual runs too. Apply the acr_continuous_patching_workflow to enable it (`enabled = false` disables only the timer), or run:

          az acr task update --registry contoso --name cssc-trigger-workflow --status Enabled

        # Could not queue a run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: Azure answered 503 Service Unavailable

        The failure is on Azure's side. Run Terraform again in a few minutes.

        # Could not queue a run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        Run Terraform again. If the error persists, check the network between this machine and Azure.

        # Azure did not confirm the run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: the connection to management.azure.com was cut.

        Azure did not confirm whether the run was queued. The provider did not queue another. Before you invoke the action again, check the runs:

          az acr task list-runs --registry contoso --name cssc-trigger-workflow

        # Could not queue a run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: The operation was interrupted.

        Azure has not queued a run. Invoke the action again.

        # Could not queue a run
        While queueing a run of task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/t: The operation timed out.

        Azure has not queued a run. Invoke the action again.
        ");
    }
}
