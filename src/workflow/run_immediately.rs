//! `run_immediately`: queues a run of the trigger task, and again while it fails because the rights
//! of the tasks' identities haven't arrived everywhere yet.

use std::time::Duration;

use crate::azure::run::{Run, RunStatus};
use crate::azure::{Error, RegistryClient};
use crate::http::Backoff;
use crate::patching::TaskName;

/// A run that has been running for so long has used its rights: it logs in first of all.
const PROVEN: Duration = Duration::from_secs(60);

/// How the run went.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It has ended well, or is on its way.
    Queued,
    /// It has failed for a reason that waiting doesn't mend, or until the time was over.
    Failed(Run),
    /// It could not be queued or looked at.
    Unknown(Error),
}

/// What to make of a run as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Look,
    Done,
    QueueAgain,
    GiveUp,
}

/// Queues the run. `new_rights` says that some of the tasks' rights have been given just now: then
/// any failure may come from that, because a run's message doesn't always say so.
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

/// Queues one run, and watches it until its rights are proven; gives the run that failed.
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
        // It is queued; whatever becomes of it, it isn't ours to wait for any longer.
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
        // Somebody who cancels a run doesn't want it.
        RunStatus::Queued
        | RunStatus::Started
        | RunStatus::Running
        | RunStatus::Succeeded
        | RunStatus::Canceled
        | RunStatus::Other(_) => Verdict::Done,
    }
}

/// Whether a run may have failed for want of rights, as one does whose rights are still on their way.
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
    fn a_run_is_watched_until_its_rights_are_proven() {
        let running = run(RunStatus::Running, "");
        assert_eq!(verdict(&running, Duration::ZERO, true), Verdict::Look);
        assert_eq!(verdict(&running, PROVEN, true), Verdict::Done);
        let succeeded = run(RunStatus::Succeeded, "");
        assert_eq!(verdict(&succeeded, Duration::ZERO, true), Verdict::Done);
    }

    #[test]
    fn only_a_failure_that_rights_may_explain_is_queued_again() {
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
