//! Whether a registry has a workflow, and what it is: for whoever lists them.
//!
//! A registry has one where any of the three tasks is there: just then a create refuses, and asks
//! for an import.

use crate::azure::id::RegistryId;
use crate::azure::{Azure, Error, RegistryClient};
use crate::http::Budget;
use crate::patching::TaskName;
use crate::provider::common::timeouts::Operation;
use crate::provider::report;
use crate::provider::workflow::identity;
use crate::provider::workflow::lookup::{Lookup, look_up};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::ListResult;

/// How long a look at one registry may take: as long as a refresh.
pub(crate) fn timeout() -> std::time::Duration {
    Operation::Read.default_timeout()
}

/// The workflow of a registry; [`None`] where it has none. With its state where that is wanted, as
/// a refresh after an import would find it.
///
/// # Errors
/// The registry can't be looked at.
pub(crate) async fn find(
    azure: &Azure,
    budget: &Budget,
    registry: &RegistryId,
    with_state: bool,
) -> Result<Option<ListResult>, Error> {
    let found = |resource, diagnostics| ListResult {
        display_name: registry.registry.clone(),
        identity: identity::of_registry(registry),
        resource,
        diagnostics,
    };
    if !with_state {
        let tasks = azure.list_tasks(budget, registry).await?;
        let has_one = tasks
            .iter()
            .any(|task| TaskName::from_name(&task.name).is_some() && !task.is_leaving());
        return Ok(has_one.then(|| found(None, Diagnostics::new())));
    }
    let client = RegistryClient::new(azure.clone(), budget.clone(), registry.clone());
    Ok(match look_up(&client).await? {
        Lookup::NoRegistry | Lookup::NoWorkflow => None,
        Lookup::Workflow { state, diagnostics } => Some(found(Some(state), diagnostics)),
    })
}

/// A registry that can't be looked at. The others can: it is no error, which would end the list.
pub(crate) fn unreadable(registry: &RegistryId, error: &Error) -> Diagnostic {
    let summary = format!("Could not look up the workflow of {}", registry.registry);
    let failure = report::failure(&summary, error);
    Diagnostic::warning(failure.summary, failure.detail)
}
