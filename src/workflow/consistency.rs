//! Waits until Azure shows the changes. Azure's lists lag behind its writes, and a plan from an old list
//! would be wrong.

use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::workflow::changes::find_changes;
use crate::workflow::desired::Desired;
use crate::workflow::observe::{KnownPolicy, Observed, PolicyRead, PolicyState, observe};
use crate::workflow::ownership::{Owned, find_owned};
use crate::workflow::recorded::Recorded;

/// Whether Azure shows the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Consistency {
    /// Azure shows the changes, or it can't be read. In the second case the next refresh finds out.
    Shown,
    /// Azure doesn't show the changes within a few minutes or within the timeout.
    NotYet,
}

/// Waits until Azure shows the desired workflow. `recorded` contains what has been recorded so far.
pub(crate) async fn wait_until_applied(
    registry: &RegistryClient,
    desired: &Desired,
    recorded: &Recorded,
) -> Consistency {
    let known = KnownPolicy {
        login_server: recorded.login_server.clone(),
        policy: recorded.policy.clone(),
    };
    wait_until(registry, known, |observed| {
        observed.is_some_and(|observed| {
            let owned = find_owned(observed, recorded);
            find_changes(desired, observed, &owned).is_empty()
        })
    })
    .await
}

/// Waits until Azure shows nothing of the workflow.
pub(crate) async fn wait_until_removed(
    registry: &RegistryClient,
    recorded: &Recorded,
) -> Consistency {
    let known = KnownPolicy {
        login_server: recorded.login_server.clone(),
        policy: None,
    };
    wait_until(registry, known, |observed| {
        observed.is_none_or(|observed| {
            let owned = find_owned(observed, recorded);
            observed.tasks.is_empty()
                && observed.leaving.is_empty()
                && observed.policy == PolicyState::Missing
                && owned == Owned::default()
        })
    })
    .await
}

async fn wait_until(
    registry: &RegistryClient,
    known: KnownPolicy,
    is_shown: impl Fn(Option<&Observed>) -> bool,
) -> Consistency {
    for pause in Backoff::until_shown() {
        match observe(registry, PolicyRead::Read(known.clone())).await {
            Ok(observed) if is_shown(observed.as_ref()) => return Consistency::Shown,
            Ok(_) => {}
            Err(Error::Stopped { .. }) => return Consistency::NotYet,
            Err(error) => {
                tracing::debug!(%error, "could not check whether Azure shows the changes");
                return Consistency::Shown;
            }
        }
        if registry.budget().sleep(pause).await.is_err() {
            break;
        }
    }
    Consistency::NotYet
}
