//! One operation on one registry: what it works with, and the path that create, update and repair
//! share: observe, compare, change.

use crate::azure::id::RegistryId;
use crate::azure::{Azure, Error, Operation, OperationKind};
use crate::http::Budget;
use crate::provider::common::timeouts;
use crate::provider::connection::{Connection, TurnOf};
use crate::provider::report;
use crate::provider::workflow::model::State;
use crate::provider::workflow::progress::Progress;
use crate::provider::workflow::{names, notices, state};
use crate::workflow::apply::{Site, apply};
use crate::workflow::changes::changes;
use crate::workflow::consistency::{Settled, until_made};
use crate::workflow::desired::Desired;
use crate::workflow::observe::{Known, Observed, Policies, observe};
use crate::workflow::ownership::owned;
use crate::workflow::registry_facts::{Facts, Private};
use crate::workflow::run_immediately;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{Applied, ApplyRequest, ApplyResult, Context, Recorder};
use terraform_plugin::value::Value;

/// One operation on one registry.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) azure: Azure,
    pub(crate) budget: Budget,
    pub(crate) registry: RegistryId,
}

impl Work {
    /// Prepares `operation` on the registry of `state`.
    ///
    /// # Errors
    /// The provider isn't configured yet.
    pub(crate) fn begin(
        connection: &Connection,
        context: &Context,
        state: &State,
        operation: &str,
    ) -> Result<Self, Diagnostic> {
        let (registry, timeouts) = (&state.registry_id, &state.timeouts);
        Self::on(registry, timeouts, connection, context, operation)
    }

    /// Prepares a look at the registry of a data source's configuration.
    ///
    /// # Errors
    /// The provider isn't configured yet, or there can't be such a registry.
    pub(crate) fn look(
        connection: &Connection,
        context: &Context,
        config: &Value,
    ) -> Result<Self, Diagnostic> {
        let registry = config.get(names::REGISTRY_ID).as_str().unwrap_or_default();
        let timeouts = config.get(names::TIMEOUTS);
        Self::on(registry, timeouts, connection, context, names::READ)
    }

    fn on(
        registry_id: &str,
        timeouts: &Value,
        connection: &Connection,
        context: &Context,
        operation: &str,
    ) -> Result<Self, Diagnostic> {
        let registry = registry_id
            .parse()
            .map_err(|error| notices::invalid_registry(&error))?;
        let timeout = timeouts::of(timeouts, operation);
        let work = Self {
            azure: connection.ready()?,
            budget: Budget::new(timeout, context.cancelled.clone()),
            registry,
        };
        tracing::info!(operation, registry_id = %work.registry, "working on a registry");
        Ok(work)
    }

    /// Waits for the turn to change the registry's workflow.
    ///
    /// # Errors
    /// There is no time left, under this summary.
    pub(crate) async fn turn(
        &self,
        connection: &Connection,
        summary: &str,
    ) -> Result<TurnOf, Diagnostic> {
        let id = self.registry.to_string();
        let turn = connection.turn(&self.budget, &id).await;
        turn.map_err(|why| {
            let operation = Operation::new(OperationKind::WaitForTurn, id);
            report::failure(summary, &Error::stopped(&operation, why))
        })
    }

    /// Reads what there is; [`None`] where the registry is gone.
    pub(crate) async fn observe(&self, policies: Policies) -> Result<Option<Observed>, Error> {
        observe(&self.azure, &self.budget, &self.registry, policies).await
    }

    /// What changes are made with.
    pub(crate) fn site<'a>(&'a self, progress: &'a Progress<'a>) -> Site<'a> {
        Site {
            azure: &self.azure,
            budget: &self.budget,
            registry: &self.registry,
            progress,
        }
    }

    /// Makes Azure what `planned` says, from whatever is there.
    pub(crate) async fn reconcile(
        &self,
        summary: &str,
        request: &ApplyRequest,
        planned: State,
        observed: &Observed,
        recorder: &Recorder,
    ) -> ApplyResult {
        let prior = State::read(&request.prior);
        let recorded = Private::read(&request.planned_private).recorded(&prior);
        let owned = owned(observed, &planned.registry_id, &recorded);
        notices::still_as_planned(&request.planned, observed, &owned)?;
        let desired = desired(&planned, &observed.facts)?;
        let changes = changes(&desired, observed, &owned);
        let now = state::of(observed, &owned, &planned);
        let progress = Progress::new(observed, &owned, now, &planned, recorder);
        let site = self.site(&progress);
        let failures = apply(site, &desired, &changes, observed).await;
        if !failures.is_empty() {
            return Err(report::failures(summary, &failures));
        }
        let left = notices::leftovers(request, observed, &owned, &desired.policy);
        let mut diagnostics: Diagnostics = left.into_iter().collect();
        if !changes.is_empty() {
            diagnostics.extend(self.settle(&desired, &progress).await);
        }
        if planned.run_immediately && starts_something_new(&prior, &planned) {
            // The workflow is as it should be: an error would have it made anew.
            let outcome = run_immediately::run(self, !changes.grants.is_empty()).await;
            diagnostics.extend(notices::first_run(&outcome));
        }
        let (state, private) = progress.now();
        Ok(Applied {
            state: state.write(),
            private: private.write(),
            diagnostics,
        })
    }

    async fn settle(&self, desired: &Desired, progress: &Progress<'_>) -> Option<Diagnostic> {
        let (state, private) = progress.now();
        let known = Known {
            login_server: state.login_server.clone(),
            policy: private.policy_manifest.clone().zip(state.policy()),
        };
        let recorded = private.recorded(&state);
        match until_made(self, desired, known, &state, &recorded).await {
            Settled::Yes => None,
            Settled::NotYet => Some(notices::not_shown_yet(&desired.facts.id)),
        }
    }
}

/// Whether what is scanned and patched, or when, isn't what it was.
fn starts_something_new(prior: &State, planned: &State) -> bool {
    prior.policy_digest != planned.policy_digest || prior.schedule_cron != planned.schedule_cron
}

/// The workflow that a plan describes.
fn desired(planned: &State, facts: &Facts) -> Result<Desired, Diagnostic> {
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
                "The plan holds no policy or no schedule. This is always a bug in the provider; \
                 please report it.",
            )
        })
}

/// What `state` and its private data know of the policy.
pub(crate) fn known(state: &State, private: &[u8]) -> Policies {
    Policies::Read(Known {
        login_server: state.login_server.clone(),
        policy: Private::read(private).policy_manifest.zip(state.policy()),
    })
}
