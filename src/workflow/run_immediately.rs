//! Implements `run_immediately`: queues a run of the trigger task. It queues another one while runs fail
//! because new role assignments have not propagated.

use std::time::Duration;

use crate::azure::run::{Run, RunStatus};
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;

/// How long to watch a run. By then it has used its permissions, because it logs in first.
const PROVEN: Duration = Duration::from_secs(60);

/// The outcome of the run.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The run succeeded, was cancelled, or is still queued or running.
    Queued,
    /// The run failed, and retrying doesn't help or the time is over.
    Failed(Run),
    /// The run could not be queued or read.
    Unknown(Error),
}

/// The decision about a run in its current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Look,
    Done,
    QueueAgain,
    GiveUp,
}

/// Queues the run. `new_rights` says that role assignments have just been created. Then any failure may
/// come from them, because a run's message doesn't always say so.
pub(crate) async fn run(registry: &RegistryClient, new_rights: bool) -> Outcome {
    let mut waits = Backoff::until_authorized();
    loop {
        let failed = match attempt(registry, new_rights).await {
            Ok(None) => return Outcome::Queued,
            Ok(Some((run, Verdict::QueueAgain))) => run,
            Ok(Some((run, _))) => return Outcome::Failed(run),
            Err(error) => return Outcome::Unknown(error),
        };
        let wait = waits.next().unwrap_or_default();
        if registry.budget().sleep(wait).await.is_err() {
            return Outcome::Failed(failed);
        }
    }
}

/// Queues one run and watches it until its permissions are proven. Returns the run if it failed.
async fn attempt(
    registry: &RegistryClient,
    new_rights: bool,
) -> Result<Option<(Run, Verdict)>, Error> {
    let mut run = registry.schedule_run(TaskName::Trigger.as_str()).await?;
    let mut watched = Duration::ZERO;
    let mut pauses = Backoff::until_shown().cycle();
    loop {
        match verdict(&run, watched, new_rights) {
            Verdict::Look => {}
            Verdict::Done => return Ok(None),
            verdict @ (Verdict::QueueAgain | Verdict::GiveUp) => return Ok(Some((run, verdict))),
        }
        let pause = pauses.next().unwrap_or_default();
        // The run is queued, and the time for watching it is over.
        if registry.budget().sleep(pause).await.is_err() {
            return Ok(None);
        }
        watched += pause;
        run = registry.get_run(&run.run_id).await?;
    }
}

fn verdict(run: &Run, watched: Duration, new_rights: bool) -> Verdict {
    match run.status {
        RunStatus::Queued | RunStatus::Started | RunStatus::Running if watched < PROVEN => {
            Verdict::Look
        }
        RunStatus::Failed | RunStatus::Error if new_rights || lacks_rights(run) => {
            Verdict::QueueAgain
        }
        RunStatus::Failed | RunStatus::Error | RunStatus::Timeout => Verdict::GiveUp,
        // A cancelled run is not repeated, because a user cancelled it on purpose.
        RunStatus::Queued
        | RunStatus::Started
        | RunStatus::Running
        | RunStatus::Succeeded
        | RunStatus::Canceled
        | RunStatus::Other(_) => Verdict::Done,
    }
}

/// Whether a run may have failed because of missing permissions, which also happens until role
/// assignments propagate.
pub(crate) fn lacks_rights(run: &Run) -> bool {
    const SIGNS: [&str; 5] = [
        "unauthorized",
        "authentication required",
        "authorizationfailed",
        "does not have authorization",
        "denied",
    ];
    let message = run.error_message.as_deref().unwrap_or_default();
    let message = message.to_lowercase();
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: RunStatus, message: &str) -> Run {
        Run {
            id: String::new(),
            run_id: "cf1".to_owned(),
            status,
            task: None,
            create_time: None,
            start_time: None,
            finish_time: None,
            error_message: Some(message.to_owned()),
        }
    }

    #[test]
    fn watches_a_run_until_its_permissions_are_proven() {
        let running = run(RunStatus::Running, "");
        assert_eq!(verdict(&running, Duration::ZERO, true), Verdict::Look);
        assert_eq!(verdict(&running, PROVEN, true), Verdict::Done);
        let succeeded = run(RunStatus::Succeeded, "");
        assert_eq!(verdict(&succeeded, Duration::ZERO, true), Verdict::Done);
    }

    #[test]
    fn retries_only_failures_that_permissions_can_explain() {
        let refused = run(RunStatus::Failed, "failed to pull: Unauthorized");
        let broken = run(RunStatus::Failed, "step ID: limit: exit status 1");
        assert_eq!(
            verdict(&refused, Duration::ZERO, false),
            Verdict::QueueAgain
        );
        assert_eq!(verdict(&broken, Duration::ZERO, true), Verdict::QueueAgain);
        assert_eq!(verdict(&broken, Duration::ZERO, false), Verdict::GiveUp);
        let cancelled = run(RunStatus::Canceled, "");
        assert_eq!(verdict(&cancelled, Duration::ZERO, true), Verdict::Done);
    }
}
