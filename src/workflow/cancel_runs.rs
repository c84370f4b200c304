//! Ends the runs of a workflow's tasks.

use futures::future::join_all;

use crate::azure::run::Run;
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;

/// Looks for active runs and has them cancelled, round by round until none is active: a scan may
/// have queued a patch run just before it was cancelled, and a cancelled run takes a while to end.
#[derive(Debug)]
pub(crate) struct CancelRuns<'a> {
    registry: &'a RegistryClient,
    /// How many rounds there have been.
    rounds: usize,
}

/// What has become of the runs that were active. All have been tried.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Those that have been cancelled.
    pub(crate) cancelled: Vec<Run>,
    /// Why one of them could not be.
    pub(crate) failure: Option<Error>,
}

impl<'a> CancelRuns<'a> {
    /// Nothing is asked yet.
    pub(crate) fn new(registry: &'a RegistryClient) -> Self {
        Self {
            registry,
            rounds: 0,
        }
    }

    /// The next round: the runs that have been cancelled; [`None`] where none was active.
    ///
    /// # Errors
    /// The runs can't be listed.
    pub(crate) async fn next_round(&mut self) -> Result<Option<Round>, Error> {
        if let Some(last) = self.rounds.checked_sub(1) {
            // Where there is no time left, the next request says so.
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

    /// Whether the run has been cancelled.
    async fn cancel(&self, run: &Run) -> Result<bool, Error> {
        match self.registry.cancel_run(&run.run_id).await {
            // It has ended by itself in the meantime.
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(false),
            other => other.map(|()| true),
        }
    }
}
