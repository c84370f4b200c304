//! Waits until Azure shows what has been done. Its lists lag behind its writes, and a plan made from
//! an old list would be wrong.

use std::collections::BTreeSet;

use crate::azure::error::Error;
use crate::provider::workflow::model::State;
use crate::provider::workflow::work::Work;
use crate::workflow::changes::changes;
use crate::workflow::desired::Desired;
use crate::workflow::observe::{Found, Known, Observed, Policies};
use crate::workflow::ownership::{Owned, owned};
use crate::workflow::pauses::pauses;

/// Whether Azure has come to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    /// It has, or it can't be asked: then the next refresh will tell.
    Yes,
    /// Not for some minutes, or not within the time that was allowed.
    NotYet,
}

/// Waits until a workflow shows as it should be.
pub(crate) async fn until_made(
    work: &Work,
    desired: &Desired,
    known: Known,
    now: &State,
    recorded: &BTreeSet<String>,
) -> Settled {
    until(work, Policies::Read(known), |observed| {
        observed.is_some_and(|observed| {
            let owned = owned(observed, &now.registry_id, recorded);
            changes(desired, observed, &owned).is_empty()
        })
    })
    .await
}

/// Waits until nothing of a workflow shows any more.
pub(crate) async fn until_gone(work: &Work, prior: &State, recorded: &BTreeSet<String>) -> Settled {
    let policies = Policies::Read(Known {
        login_server: prior.login_server.clone(),
        policy: None,
    });
    until(work, policies, |observed| {
        observed.is_none_or(|observed| {
            let owned = owned(observed, &prior.registry_id, recorded);
            observed.tasks.is_empty()
                && observed.leaving.is_empty()
                && observed.policy == Found::Nothing
                && owned == Owned::default()
        })
    })
    .await
}

async fn until(
    work: &Work,
    policies: Policies,
    shows: impl Fn(Option<&Observed>) -> bool,
) -> Settled {
    for pause in pauses() {
        match work.observe(policies.clone()).await {
            Ok(observed) if shows(observed.as_ref()) => return Settled::Yes,
            Ok(_) => {}
            Err(Error::Stopped { .. }) => return Settled::NotYet,
            Err(error) => {
                tracing::debug!(%error, "what has been done could not be looked at");
                return Settled::Yes;
            }
        }
        if work.budget.sleep(pause).await.is_err() {
            break;
        }
    }
    Settled::NotYet
}
