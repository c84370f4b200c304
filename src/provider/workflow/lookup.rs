//! The workflow of a registry, or its policy alone, for whoever has no state of it.

use std::collections::BTreeSet;

use crate::azure::id::RegistryId;
use crate::azure::{Azure, Error};
use crate::http::Budget;
use crate::provider::workflow::model::State;
use crate::provider::workflow::{notices, state};
use crate::workflow::observe::{Known, Policies, observe, pull};
use crate::workflow::ownership::owned;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::value::Value;

pub(crate) use crate::workflow::observe::Found;

/// What a look at a registry has found.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// No registry.
    NoRegistry,
    /// A registry, and none of the three tasks: just then a create goes on.
    NoWorkflow,
    /// A workflow, whoever set it up.
    Workflow {
        /// Its state, as a refresh after an import would find it.
        state: Value,
        /// What a refresh would have to say.
        diagnostics: Diagnostics,
    },
}

/// Looks at a registry: at everything of a workflow at once.
///
/// # Errors
/// The registry can't be looked at.
pub(crate) async fn look_up(
    azure: &Azure,
    budget: &Budget,
    registry: &RegistryId,
) -> Result<Lookup, Error> {
    let policies = Policies::Read(Known::default());
    let Some(observed) = observe(azure, budget, registry, policies).await? else {
        return Ok(Lookup::NoRegistry);
    };
    if observed.tasks.is_empty() {
        return Ok(Lookup::NoWorkflow);
    }
    let imported = State {
        registry_id: registry.to_string(),
        ..State::default()
    };
    let owned = owned(&observed, &imported.registry_id, &BTreeSet::new());
    Ok(Lookup::Workflow {
        state: state::of(&observed, &owned, &imported).write(),
        diagnostics: notices::unreadable_policy(&observed).into_iter().collect(),
    })
}

/// The policy of the registry with this login server, and the digest of its manifest.
///
/// # Errors
/// It can't be looked at; that there is none, or something else in its place, is no error.
pub(crate) async fn live_policy(
    azure: &Azure,
    budget: &Budget,
    login_server: &str,
) -> Result<(Found, Option<String>), Error> {
    pull(azure, budget, login_server, &Known::default()).await
}
