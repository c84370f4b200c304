//! Reads the workflow of a registry without a prior state.

use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::model::Model as _;
use terraform_plugin::value::Value;

use crate::azure::task::Task;
use crate::azure::{Error, RegistryClient};
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::{notices, state};
use crate::workflow::observe::{KnownPolicy, Observed, PolicyRead, observe, observe_rest};
use crate::workflow::ownership::find_owned;

/// The outcome of a lookup.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// The registry was not found.
    NoRegistry,
    /// The registry has none of the three tasks. Only then does a create proceed.
    NoWorkflow,
    /// The registry has a workflow of any tool.
    Workflow {
        /// The state after an import and a refresh.
        state: Value,
        /// The diagnostics of that refresh.
        diagnostics: Diagnostics,
    },
}

/// Reads the workflow of a registry.
///
/// # Errors
/// The registry or a part of the workflow can't be read.
pub(crate) async fn look_up(registry: &RegistryClient) -> Result<Lookup, Error> {
    let observed = observe(registry, whole_policy()).await?;
    Ok(lookup(registry, observed))
}

/// Reads the rest of a workflow whose tasks the caller has just listed.
///
/// # Errors
/// As [`look_up`].
pub(crate) async fn look_up_rest(
    registry: &RegistryClient,
    tasks: Vec<Task>,
) -> Result<Lookup, Error> {
    let observed = observe_rest(registry, tasks, whole_policy()).await?;
    Ok(lookup(registry, observed))
}

fn whole_policy() -> PolicyRead {
    PolicyRead::Read(KnownPolicy::default())
}

fn lookup(registry: &RegistryClient, observed: Option<Observed>) -> Lookup {
    let Some(observed) = observed else {
        return Lookup::NoRegistry;
    };
    if observed.tasks.is_empty() {
        return Lookup::NoWorkflow;
    }
    let imported = State::imported(registry.id().to_string());
    let owned = find_owned(&observed, &imported.recorded(&PrivateData::default()));
    Lookup::Workflow {
        state: state::of(&observed, &owned, &imported).write(),
        diagnostics: notices::unreadable_policy(&observed).into_iter().collect(),
    }
}
