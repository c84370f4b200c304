//! The workflow of a registry, for whoever has no state of it.

use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::model::Model as _;
use terraform_plugin::value::Value;

use crate::azure::{Error, RegistryClient};
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::{notices, state};
use crate::workflow::observe::{KnownPolicy, PolicyRead, observe};
use crate::workflow::ownership::find_owned;

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
pub(crate) async fn look_up(registry: &RegistryClient) -> Result<Lookup, Error> {
    let policy = PolicyRead::Read(KnownPolicy::default());
    let Some(observed) = observe(registry, policy).await? else {
        return Ok(Lookup::NoRegistry);
    };
    if observed.tasks.is_empty() {
        return Ok(Lookup::NoWorkflow);
    }
    let imported = State::imported(registry.id().to_string());
    let owned = find_owned(&observed, &imported.recorded(&PrivateData::default()));
    Ok(Lookup::Workflow {
        state: state::of(&observed, &owned, &imported).write(),
        diagnostics: notices::unreadable_policy(&observed).into_iter().collect(),
    })
}
