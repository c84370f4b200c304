//! Cancels the runs of a workflow's tasks.

use futures::future::join_all;

use crate::azure::run::Run;
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;

/// Cancels active runs in rounds until no run is active. More than one round may be needed: a scan may
/// queue a patch run just before it is cancelled, and cancelling takes a while.
#[derive(Debug)]
pub(crate) struct CancelRuns<'a> {
    registry: &'a RegistryClient,
    /// The number of rounds so far.
    rounds: usize,
}

/// The result of one round. The round tries to cancel every active run.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The cancelled runs.
    pub(crate) cancelled: Vec<Run>,
    /// The first error.
    pub(crate) failure: Option<Error>,
}

impl<'a> CancelRuns<'a> {
    /// Creates the rounds. It sends no request yet.
    pub(crate) fn new(registry: &'a RegistryClient) -> Self {
        Self {
            registry,
            rounds: 0,
        }
    }

    /// Runs the next round. Returns [`None`] if no run was active.
    ///
    /// # Errors
    /// If the runs can't be listed.
    pub(crate) async fn next_round(&mut self) -> Result<Option<Round>, Error> {
        if let Some(last) = self.rounds.checked_sub(1) {
            // If the budget is spent, the next request reports it.
            let pause = Backoff::until_shown().cycle().nth(last).unwrap_or_default();
            let _ = self.registry.budget().sleep(pause).await;
        }
        self.rounds += 1;
        let names = TaskName::ALL.map(TaskName::as_str);
        let runs = self.registry.list_active_runs(&names).await?;
        if runs.is_empty() {
            return Ok(None);
        }
        let outcomes = join_all(runs.iter().map(|run| self.cancel(run))).await;
        let mut round = Round::default();
        for (run, outcome) in runs.into_iter().zip(outcomes) {
            match outcome {
                Ok(true) => round.cancelled.push(run),
                Ok(false) => {}
                Err(error) => round.failure = round.failure.or(Some(error)),
            }
        }
        Ok(Some(round))
    }

    /// Cancels a run. Returns false if it had already ended.
    async fn cancel(&self, run: &Run) -> Result<bool, Error> {
        match self.registry.cancel_run(&run.run_id).await {
            // The run has ended in the meantime.
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(false),
            other => other.map(|()| true),
        }
    }
}
