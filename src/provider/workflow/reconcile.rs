//! The path that create, update and repair share: compare Azure with the plan, apply the differences, and
//! wait until Azure shows them.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{Applied, ApplyRequest, ApplyResult, Recorder};
use terraform_plugin::model::Model as _;

use crate::azure::RegistryClient;
use crate::provider::report;
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::stale_plan::refuse_stale_plan;
use crate::provider::workflow::state_recorder::StateRecorder;
use crate::provider::workflow::{notices, owed_run, state};
use crate::workflow::apply::apply;
use crate::workflow::changes::find_changes;
use crate::workflow::consistency::{Consistency, wait_until_applied};
use crate::workflow::desired::Desired;
use crate::workflow::observe::Observed;
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::registry_facts::RegistryFacts;

/// Changes Azure from its observed state to `planned`.
pub(super) async fn reconcile(
    registry: &RegistryClient,
    summary: &str,
    request: &ApplyRequest,
    planned: State,
    observed: &Observed,
    recorder: &Recorder,
) -> ApplyResult {
    let prior = match request.prior.is_null() {
        true => State::default(),
        false => State::of(&request.prior)?,
    };
    let before = PrivateData::read(&request.planned_private);
    let owes_run = owed_run::is_owed(&before, &prior, &planned);
    let mut recorded = prior.recorded(&before);
    recorded.registry_id.clone_from(&planned.registry_id);
    let owned = find_owned(observed, &recorded);
    refuse_stale_plan(&request.planned, observed, &owned)?;
    let desired = desired(&planned, &observed.facts)?;
    let changes = find_changes(&desired, observed, &owned);
    let now = state::of(observed, &owned, &planned);
    let progress =
        StateRecorder::new(observed, &owned, now, &planned, recorder).owing_run(owes_run);
    let writer = Writer {
        registry,
        login_server: &observed.facts.login_server,
        progress: &progress,
    };
    let failures = apply(writer, &desired, &changes, observed).await;
    if !failures.is_empty() {
        return Err(report::failures(summary, &failures));
    }
    let left = notices::leftovers(request, observed, &owned, &desired.policy);
    let mut diagnostics: Diagnostics = left.into_iter().collect();
    if !changes.is_empty() {
        diagnostics.extend(settle(registry, &desired, &progress).await);
    }
    let (state, mut private) = progress.now();
    diagnostics.extend(owed_run::pay(registry, &planned, &mut private).await);
    Ok(Applied {
        state: state.write(),
        private: private.write(),
        diagnostics,
    })
}

/// Waits until Azure shows every change. Returns a warning if it does not.
async fn settle(
    registry: &RegistryClient,
    desired: &Desired,
    progress: &StateRecorder<'_>,
) -> Option<Diagnostic> {
    let (state, private) = progress.now();
    match wait_until_applied(registry, desired, &state.recorded(&private)).await {
        Consistency::Shown => None,
        Consistency::NotYet => Some(notices::not_shown_yet(&desired.facts.id)),
    }
}

/// The workflow that a plan describes.
fn desired(planned: &State, facts: &RegistryFacts) -> Result<Desired, Diagnostic> {
    planned
        .policy()
        .zip(planned.schedule_cron.clone())
        .map(|(policy, cron)| Desired {
            facts: facts.clone(),
            policy,
            cron,
            enabled: planned.enabled,
        })
        .ok_or_else(|| {
            Diagnostic::error(
                "Incomplete plan",
                "The plan has no policy or no schedule. This is always a bug in the provider. Report \
                 it to the developers of the provider.",
            )
        })
}
