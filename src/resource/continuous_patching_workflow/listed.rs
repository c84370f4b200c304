//! Whether a registry has a workflow, and what it is: for whoever lists them.
//!
//! A registry has one where any of the three tasks is there: just then a create refuses, and asks
//! for an import.

use std::collections::BTreeSet;

use crate::azure::id::RegistryId;
use crate::azure::{Azure, Error};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::ListResult;
use crate::http::Budget;
use crate::patching::TaskName;
use crate::resource::continuous_patching_workflow::model::State;
use crate::resource::continuous_patching_workflow::observed::{Known, Policies, observe};
use crate::resource::continuous_patching_workflow::ownership::owned;
use crate::resource::continuous_patching_workflow::{identity, names, notices, state, timeouts};
use crate::resource::report;

/// How long a look at one registry may take: as long as a refresh.
pub(crate) fn timeout() -> std::time::Duration {
    timeouts::of(&crate::value::Value::Null, names::READ)
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
    let policies = Policies::Read(Known::default());
    let observed = observe(azure, budget, registry, policies).await?;
    let Some(observed) = observed.filter(|observed| !observed.tasks.is_empty()) else {
        return Ok(None);
    };
    let imported = State {
        registry_id: registry.to_string(),
        ..State::default()
    };
    let owned = owned(&observed, &imported.registry_id, &BTreeSet::new());
    let state = state::of(&observed, &owned, &imported);
    let said = notices::unreadable_policy(&observed).into_iter().collect();
    Ok(Some(found(Some(state.write()), said)))
}

/// A registry that can't be looked at. The others can: it is no error, which would end the list.
pub(crate) fn unreadable(registry: &RegistryId, error: &Error) -> Diagnostic {
    let summary = format!("Could not look up the workflow of {}", registry.registry);
    let failure = report::failure(&summary, error);
    Diagnostic::warning(failure.summary, failure.detail)
}
