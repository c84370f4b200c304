//! Implements `run_immediately`: queues a run of the trigger task, and watches it until it has used its
//! rights. It queues another one while runs fail because new role assignments have not propagated.

use std::time::Duration;

use tokio::time::Instant;

use crate::azure::run::{Run, RunStatus};
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::patching::run_log::{LogEnd, lacks_rights};
use crate::workflow::wait::Wait;

/// How long to watch a run after its start. By then it has used its rights. The trigger task tries a refused
/// listing or queueing again, which takes up to two minutes.
const PROVEN: Duration = Duration::from_secs(150);

/// How long to wait until Azure starts a queued run.
const STARTS_WITHIN: Duration = Duration::from_secs(3 * 60);

/// How long to queue runs again. Azure documents that a role assignment takes up to ten minutes.
const RIGHTS_ARRIVE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// The bytes to read from each end of a log.
const LOG_LENGTH: usize = 64 << 10;

/// The outcome of the run.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The run succeeded, was cancelled, or is running.
    Queued,
    /// The run is queued, but Azure has not started it within a few minutes, or before the timeout.
    NotStarted(Run),
    /// The run failed, and retrying doesn't help or the time is over.
    Failed {
        run: Run,
        /// The end of its log, if it can be read.
        log: Result<LogEnd, Error>,
    },
    /// The run is queued, but its state can't be read.
    Unread(Run, Error),
    /// Azure did not queue the run, or did not confirm it.
    NotQueued(Error),
}

impl Outcome {
    /// Whether Azure surely has not queued a run.
    pub(crate) fn is_owed(&self) -> bool {
        matches!(self, Self::NotQueued(error) if !error.may_have_been_done())
    }
}

/// The decision about a run in its current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Look,
    Done,
    NotStarted,
    Failed,
}

/// Queues the run.
pub(crate) async fn run(registry: &RegistryClient) -> Outcome {
    let first = Instant::now();
    let what = "new role assignments have propagated";
    let mut wait = Wait::new(registry.budget(), what, Backoff::until_authorized());
    loop {
        let outcome = attempt(registry).await;
        let Outcome::Failed { run, log } = &outcome else {
            return outcome;
        };
        let elapsed = first.elapsed() + wait.next_pause();
        if !is_worth_another(run, log.as_ref().ok(), elapsed) {
            return outcome;
        }
        tracing::info!(
            id = run.run_id,
            "a run lacked rights, so another one follows"
        );
        if wait.pause().await.is_err() {
            return outcome;
        }
    }
}

/// Queues one run, and watches it until it has used its rights.
async fn attempt(registry: &RegistryClient) -> Outcome {
    let mut run = match registry.schedule_run(TaskName::Trigger.as_str()).await {
        Ok(run) => run,
        Err(error) => return Outcome::NotQueued(error),
    };
    let queued = Instant::now();
    let mut started = None;
    let what = format!("run {} has used its rights", run.run_id);
    let mut wait = Wait::new(registry.budget(), what, Backoff::until_ended());
    loop {
        if run.status != RunStatus::Queued {
            started = started.or_else(|| Some(Instant::now()));
        }
        let running = started.map(|at| at.elapsed());
        match verdict(&run.status, queued.elapsed(), running) {
            Verdict::Look => {}
            Verdict::Done => return Outcome::Queued,
            Verdict::NotStarted => return Outcome::NotStarted(run),
            Verdict::Failed => {
                let log = read_log(registry, &run).await;
                return Outcome::Failed { run, log };
            }
        }
        if wait.pause().await.is_err() {
            return unwatched(run);
        }
        match registry.get_run(&run.run_id).await {
            Ok(seen) => run = seen,
            // Azure's reads lag behind its writes.
            Err(error) if error.is_not_found() && queued.elapsed() < STARTS_WITHIN => {}
            Err(Error::Stopped { last: None, .. }) => return unwatched(run),
            Err(error) => return Outcome::Unread(run, error),
        }
    }
}

/// The outcome of a run without a failure, once the time for watching it is over.
fn unwatched(run: Run) -> Outcome {
    match run.status {
        RunStatus::Queued => Outcome::NotStarted(run),
        _ => Outcome::Queued,
    }
}

async fn read_log(registry: &RegistryClient, run: &Run) -> Result<LogEnd, Error> {
    let mut log = registry.run_log(&run.run_id);
    let ends = log.read_ends(registry.budget(), LOG_LENGTH).await?;
    Ok(LogEnd::read(&ends.beginning, ends.end.as_deref()))
}

/// Decides about a run by the time since it was queued, and since it started.
fn verdict(status: &RunStatus, queued: Duration, running: Option<Duration>) -> Verdict {
    match status {
        RunStatus::Queued if queued < STARTS_WITHIN => Verdict::Look,
        RunStatus::Queued => Verdict::NotStarted,
        RunStatus::Started | RunStatus::Running | RunStatus::Other(_)
            if running.unwrap_or_default() < PROVEN =>
        {
            Verdict::Look
        }
        RunStatus::Failed | RunStatus::Error | RunStatus::Timeout => Verdict::Failed,
        // A cancelled run is not repeated, because a user cancelled it on purpose.
        RunStatus::Started
        | RunStatus::Running
        | RunStatus::Other(_)
        | RunStatus::Succeeded
        | RunStatus::Canceled => Verdict::Done,
    }
}

/// Whether to queue another run after a failed one, at a time since the first. Only missing rights pass by
/// themselves. A run that has queued scans had its rights, and another one would scan the images twice.
fn is_worth_another(run: &Run, log: Option<&LogEnd>, since_first: Duration) -> bool {
    let message = run.error_message.as_deref().unwrap_or_default();
    let lacked = lacks_rights(message) || log.is_some_and(LogEnd::lacks_rights);
    let has_queued = log.is_some_and(|log| log.has_queued);
    let in_time = since_first < RIGHTS_ARRIVE_WITHIN;
    run.status != RunStatus::Timeout && lacked && !has_queued && in_time
}

#[cfg(test)]
mod tests;
