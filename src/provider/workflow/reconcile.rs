//! The path that create, update and repair share: compare Azure with the plan, apply the differences, and
//! wait until Azure shows them.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{Applied, ApplyRequest, ApplyResult, Recorder};
use terraform_plugin::model::Model as _;

use crate::azure::RegistryClient;
use crate::provider::report;
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::stale_plan::{refuse_stale_plan, replaced_meanwhile};
use crate::provider::workflow::state_recorder::StateRecorder;
use crate::provider::workflow::{notices, owed_run, state};
use crate::workflow::begin::begin;
use crate::workflow::converge::{Failure, converge};
use crate::workflow::desired::Desired;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded::Recorded;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::registry_facts::RegistryFacts;

/// One apply, under the summary that its errors have.
#[derive(Debug)]
pub(super) struct Apply<'a> {
    pub(super) summary: &'a str,
    pub(super) request: &'a ApplyRequest,
    pub(super) planned: State,
    /// Names this apply in an unfinished workflow.
    pub(super) mark: &'a str,
}

/// Changes Azure from its observed state to the planned one.
pub(super) async fn reconcile(
    registry: &RegistryClient,
    apply: Apply<'_>,
    mut observed: Observed,
    recorder: &Recorder,
) -> ApplyResult {
    let Apply {
        summary,
        request,
        planned,
        mark,
    } = apply;
    let is_create = request.prior.is_null();
    let prior = match is_create {
        true => State::default(),
        false => State::of(&request.prior)?,
    };
    let mut private = PrivateData::read(&request.planned_private);
    private.run_owed = owed_run::is_owed(&private, &prior, &planned);
    if is_create {
        private.created_by = Some(mark.to_owned());
    }
    let mut recorded = prior.recorded(&private);
    recorded.registry_id.clone_from(&planned.registry_id);
    let owned = find_owned(&observed, &recorded);
    refuse_stale_plan(&request.planned, &observed, &owned)?;
    let desired = desired(&planned, &observed.facts)?;
    let mut now = state::of(&observed, &owned, &planned);
    if observed.policy == PolicyState::NotRead {
        // The planned policy may not exist yet.
        now.set_policy(&PolicyState::Missing);
    }
    let progress = StateRecorder::new(&observed, now, &planned, &private, recorder);
    let writer = Writer {
        registry,
        login_server: &desired.facts.login_server,
        progress: &progress,
    };
    let recorded = || {
        let (state, private) = progress.now();
        let principals = state
            .tasks
            .values()
            .filter_map(|task| task.principal_id.clone());
        Recorded {
            current_principals: principals.collect(),
            ..state.recorded(&private)
        }
    };
    let begun = begin(writer, &desired, &mut observed, mark).await;
    let begun = begun.map_err(|failures| report::failures(summary, &failures))?;
    progress.add_policy(&observed);
    let settled = match converge(writer, &desired, &observed, &recorded, mark, begun).await {
        Ok(settled) => settled,
        Err(Failure::Failed(failures)) => return Err(report::failures(summary, &failures)),
        Err(Failure::TakenOver) => {
            if is_create {
                // The parts belong to the other apply's state.
                recorder.forget();
            }
            return Err(notices::taken_over(observed.facts.id.as_written()).into());
        }
    };
    let left = notices::leftovers(request, &observed, &owned, &desired.policy);
    let mut diagnostics: Diagnostics = left.into_iter().collect();
    diagnostics.extend(notices::not_settled(&observed.facts.id, &settled));
    let (state, mut private) = progress.now();
    let state = state.write();
    if let Some(error) = replaced_meanwhile(&request.planned, &state) {
        // The host keeps the recorded state. It would report the difference as a bug of the provider.
        diagnostics.extend([error]);
        return Err(diagnostics);
    }
    diagnostics.extend(owed_run::pay(registry, &planned, &mut private).await);
    Ok(Applied {
        state,
        private: private.write(),
        diagnostics,
    })
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
            mark: None,
        })
        .ok_or_else(|| {
            Diagnostic::error(
                "Incomplete plan",
                "The plan has no policy or no schedule. This is always a bug in the provider. Report \
                 it to the developers of the provider.",
            )
        })
}
