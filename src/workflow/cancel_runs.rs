//! Cancels the runs of a workflow's tasks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::azure::run::Run;
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::workflow::wait::Wait;

/// How long the rounds go on. A cancelled run ends within seconds. One that is still active after this time
/// ignores its cancellation, and ends only with its task's timeout.
pub(crate) const BOUND: Duration = Duration::from_secs(5 * 60);

/// Cancels active runs in rounds until no run is active, or until [`BOUND`] has passed. More than one round
/// may be needed: a scan may queue a patch run just before it is cancelled, and cancelling takes a while.
#[derive(Debug)]
pub(crate) struct CancelRuns<'a> {
    registry: &'a RegistryClient,
    started: Instant,
    /// The wait between the rounds, from the first round on.
    wait: Option<Wait<'a>>,
    /// The IDs of the runs that a round has tried to cancel.
    tried: BTreeSet<String>,
}

/// The result of one round.
#[derive(Debug)]
pub(crate) enum Round {
    /// The round tried to cancel every active run.
    Tried {
        /// The runs whose cancellation Azure accepted.
        cancelled: Vec<Run>,
        /// The first error.
        failure: Option<Error>,
    },
    /// No run is active.
    NoneActive,
    /// The time is over, and these runs are still active after their cancellation.
    LeftActive(Vec<Run>),
}

impl<'a> CancelRuns<'a> {
    /// Starts the time of the rounds. It sends no request yet.
    pub(crate) fn new(registry: &'a RegistryClient) -> Self {
        Self {
            registry,
            started: Instant::now(),
            wait: None,
            tried: BTreeSet::new(),
        }
    }

    /// Runs all rounds. Returns the runs that are still active after their cancellation.
    ///
    /// # Errors
    /// If the runs can't be listed, or if Azure refuses a cancellation.
    pub(crate) async fn until_none_active(mut self) -> Result<Vec<Run>, Error> {
        loop {
            match self.next_round().await? {
                Round::NoneActive => return Ok(Vec::new()),
                Round::LeftActive(left) => return Ok(left),
                Round::Tried { failure, .. } => failure.map_or(Ok(()), Err)?,
            }
        }
    }

    /// Runs the next round.
    ///
    /// # Errors
    /// If the runs can't be listed.
    pub(crate) async fn next_round(&mut self) -> Result<Round, Error> {
        match &mut self.wait {
            // If the budget is spent, the next request reports it.
            Some(wait) => _ = wait.pause().await,
            None => {
                let what = format!("no run is active in {}", self.registry.id().registry);
                let pauses = Backoff::until_ended();
                self.wait = Some(Wait::new(self.registry.budget(), what, pauses));
            }
        }
        let names = TaskName::ALL.map(TaskName::as_str);
        let runs = self.registry.list_active_runs(&names).await?;
        if runs.is_empty() {
            return Ok(Round::NoneActive);
        }
        let is_over = self.started.elapsed() >= BOUND;
        // A run that another one has just queued is cancelled at least once.
        if is_over && runs.iter().all(|run| self.tried.contains(&run.run_id)) {
            return Ok(Round::LeftActive(runs));
        }
        let ids: Vec<&str> = runs.iter().map(|run| run.run_id.as_str()).collect();
        tracing::info!(?ids, "cancelling active runs");
        self.tried.extend(ids.into_iter().map(str::to_owned));
        Ok(self.cancel_all(runs).await)
    }

    async fn cancel_all(&self, runs: Vec<Run>) -> Round {
        let outcomes = join_all(runs.iter().map(|run| self.cancel(run))).await;
        let mut cancelled = Vec::new();
        let mut failure = None;
        for (run, outcome) in runs.into_iter().zip(outcomes) {
            match outcome {
                Ok(true) => cancelled.push(run),
                Ok(false) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Round::Tried { cancelled, failure }
    }

    /// Cancels a run. Returns whether Azure accepted the cancellation. If Azure refuses it, the run may have
    /// ended in the meantime, which a look at the run shows.
    async fn cancel(&self, run: &Run) -> Result<bool, Error> {
        let refusal = match self.registry.cancel_run(&run.run_id).await {
            Ok(()) => return Ok(true),
            // The next round's list shows whether the run is still active.
            Err(error) if error.is_not_found() || error.is_conflict() => return Ok(false),
            Err(refusal @ Error::Response(_)) => refusal,
            Err(other) => return Err(other),
        };
        match self.registry.get_run(&run.run_id).await {
            Ok(seen) if !seen.status.is_active() => Ok(false),
            Err(error) if error.is_gone() => Ok(false),
            _ => Err(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};
    use serde_json::json as value;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::azure::testing::{azure, registry, registry_client};
    use crate::http::Budget;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    fn listed(ids: &[&str]) -> crate::http::Response {
        let run = |id: &&str| {
            let properties = value!({"runId": id, "task": "cssc-scan-image", "status": "Running"});
            value!({"id": registry().run_id(id), "properties": properties})
        };
        let runs: Vec<_> = ids.iter().map(run).collect();
        json(200, &value!({"value": runs}))
    }

    /// Cancels runs with a budget of half an hour. Returns the IDs of the active ones, and how long it took.
    async fn left(script: &ScriptedTransport) -> (Vec<String>, Duration) {
        let budget = Budget::new(Duration::from_secs(1800), CancellationToken::new());
        let client = RegistryClient::new(azure(script), budget, registry());
        let start = Instant::now();
        let left = CancelRuns::new(&client).until_none_active().await.unwrap();
        script.assert_done();
        (
            left.into_iter().map(|run| run.run_id).collect(),
            start.elapsed(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_ignores_its_cancellation_is_left_after_the_bound() {
        let script = (0..35).fold(ScriptedTransport::default(), |script, _| {
            let script = script.on(Method::GET, "/runs?", listed(&["cf1"]));
            script.on(Method::POST, "/runs/cf1/cancel?", reply(200))
        });
        let script = script.on(Method::GET, "/runs?", listed(&["cf1"]));
        let (left, lasted) = left(&script).await;
        assert_eq!(left, ["cf1"]);
        assert!(
            (BOUND..BOUND + Duration::from_secs(11)).contains(&lasted),
            "{lasted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_queued_late_is_still_cancelled() {
        let script = (0..35).fold(ScriptedTransport::default(), |script, _| {
            let script = script.on(Method::GET, "/runs?", listed(&["cf1"]));
            script.on(Method::POST, "/runs/cf1/cancel?", reply(200))
        });
        let script = script
            .on(Method::GET, "/runs?", listed(&["cf1", "cf2"]))
            .on(Method::POST, "/runs/cf1/cancel?", reply(200))
            .on(Method::POST, "/runs/cf2/cancel?", reply(200))
            .on(Method::GET, "/runs?", listed(&["cf1"]));
        assert_eq!(left(&script).await.0, ["cf1"]);
    }

    fn seen(status: &str) -> crate::http::Response {
        let properties = value!({"runId": "cf1", "task": "cssc-scan-image", "status": status});
        json(
            200,
            &value!({"id": registry().run_id("cf1"), "properties": properties}),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_cancel_of_a_run_that_has_ended_is_a_success() {
        for refusal in [reply(400), reply(403)] {
            let script = ScriptedTransport::default()
                .on(Method::GET, "/runs?", listed(&["cf1"]))
                .on(Method::POST, "/runs/cf1/cancel?", refusal)
                .on(Method::GET, "/runs/cf1?", seen("Succeeded"))
                .on(Method::GET, "/runs?", listed(&[]));
            assert_eq!(left(&script).await.0, [""; 0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_cancel_of_an_active_run_is_an_error() {
        let script = ScriptedTransport::default()
            .on(Method::GET, "/runs?", listed(&["cf1"]))
            .on(Method::POST, "/runs/cf1/cancel?", reply(403))
            .on(Method::GET, "/runs/cf1?", seen("Running"));
        let client = registry_client(&script);
        let refused = CancelRuns::new(&client).until_none_active().await;
        assert_eq!(refused.unwrap_err().status(), Some(StatusCode::FORBIDDEN));
        script.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_is_answered_404_cancels_nothing() {
        let script = ScriptedTransport::default()
            .on(Method::GET, "/runs?", listed(&["cf1"]))
            .twice(Method::POST, "/runs/cf1/cancel?", reply(404));
        let client = registry_client(&script);
        let round = CancelRuns::new(&client).next_round().await.unwrap();
        let Round::Tried { cancelled, failure } = round else {
            panic!("{round:?}");
        };
        assert_eq!((cancelled.len(), failure.is_none()), (0, true));
    }

    #[tokio::test(start_paused = true)]
    async fn runs_that_end_leave_none_active() {
        let script = ScriptedTransport::default()
            .on(Method::GET, "/runs?", listed(&["cf1"]))
            .on(Method::POST, "/runs/cf1/cancel?", reply(409))
            .on(Method::GET, "/runs?", listed(&[]));
        assert_eq!(left(&script).await.0, [""; 0]);
    }
}
