//! Waits for the end of a run, and says meanwhile how it goes and what it prints.
//!
//! The wait can end before the run does. Then the run goes on: what has been asked for is a run, and
//! whoever interrupts Terraform doesn't say that it is wanted no more.

use crate::azure::Error;
use crate::azure::run::log::RunLog;
use crate::azure::run::{Run, RunStatus};
use crate::http::Backoff;
use crate::provider::workflow::action_arguments::Arguments;
use crate::provider::workflow::run::log_tail::LogTail;
use crate::provider::workflow::run::outcome::{self, WaitEnd};
use crate::provider::workflow::run::wording;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::Progress;

/// How much of a log is read at once.
const READ: usize = 64 << 10;

/// How it is with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    GoesOn,
    Succeeded,
    Failed,
}

/// Waits until the run has ended.
///
/// # Errors
/// It has ended badly; or it hasn't yet, and the wait has. The latter is an error too: what follows
/// on the action may rely on the run, and Terraform would go on, or end with success.
pub(super) async fn until_ended(
    arguments: &Arguments,
    run: Run,
    progress: &Progress,
) -> Result<Diagnostics, Diagnostics> {
    let mut watch = Watch {
        arguments,
        log: arguments.registry.run_log(&run.run_id),
        run,
        progress,
        tail: LogTail::default(),
        unreadable: None,
    };
    if let Err(end) = watch.until_ended().await {
        return Err(outcome::still_running(
            arguments.registry.id(),
            arguments.timeout,
            &watch.run,
            &end,
        )
        .into());
    }
    let Watch { run, tail, .. } = &watch;
    if verdict(&run.status) == Verdict::Failed {
        let last: Vec<&str> = tail.last_lines().map(String::as_str).collect();
        let unreadable = watch.unreadable.as_ref();
        return Err(outcome::failed(arguments.registry.id(), run, &last, unreadable).into());
    }
    let scans = tail.queued().filter(|_| watch.unreadable.is_none());
    progress.report(wording::succeeded(run, scans)).await;
    Ok(Diagnostics::new())
}

struct Watch<'a> {
    arguments: &'a Arguments,
    run: Run,
    progress: &'a Progress,
    log: RunLog,
    tail: LogTail,
    /// Why the log could not be read when it was tried last.
    unreadable: Option<Error>,
}

impl Watch<'_> {
    async fn until_ended(&mut self) -> Result<(), WaitEnd> {
        let mut pauses = Backoff::until_shown().cycle();
        while verdict(&self.run.status) == Verdict::GoesOn {
            let pause = pauses.next().unwrap_or_default();
            self.arguments.registry.budget().sleep(pause).await?;
            self.poll().await?;
        }
        Ok(())
    }

    async fn poll(&mut self) -> Result<(), WaitEnd> {
        let seen = self.arguments.registry.get_run(&self.run.run_id).await?;
        let before = std::mem::replace(&mut self.run, seen);
        if self.run.status == RunStatus::Queued {
            return Ok(());
        }
        if verdict(&self.run.status) == Verdict::GoesOn {
            if before.status != self.run.status {
                self.progress.report(wording::status(&self.run)).await;
            }
            // One failure is enough: the log must not keep the state waiting.
            if self.unreadable.is_some() {
                return Ok(());
            }
            self.read_log().await.map_err(WaitEnd::from)?;
        } else {
            // That is known now, whatever becomes of the log.
            let _ = self.read_log().await;
            self.tail.finish();
        }
        if let Some(batch) = self.tail.take() {
            let message = wording::log(&self.run, &batch);
            self.progress.report(message).await;
        }
        Ok(())
    }

    /// Reads what is new of the log. A failure of that is only noted, unless it is the end of the
    /// wait.
    async fn read_log(&mut self) -> Result<(), Error> {
        let failure = self.read_on().await.err();
        let was_unreadable = self.unreadable.is_some();
        self.unreadable = failure;
        match &self.unreadable {
            Some(stopped @ Error::Stopped { .. }) => Err(stopped.clone()),
            Some(failure) if !was_unreadable => {
                let message = wording::unreadable(&self.run, failure);
                self.progress.report(message).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads on; of a log that has grown by more than one part, its end.
    async fn read_on(&mut self) -> Result<(), Error> {
        let budget = self.arguments.registry.budget();
        let Some(part) = self.log.read(budget, self.tail.next(), READ).await? else {
            return Ok(());
        };
        self.tail.feed(&part.bytes);
        if part.total <= self.tail.next() {
            return Ok(());
        }
        let end = part.total.saturating_sub(READ as u64);
        if end > self.tail.next() {
            self.tail.skip_to(end);
        }
        if let Some(part) = self.log.read(budget, self.tail.next(), READ).await? {
            self.tail.feed(&part.bytes);
        }
        Ok(())
    }
}

fn verdict(status: &RunStatus) -> Verdict {
    match status {
        RunStatus::Succeeded => Verdict::Succeeded,
        RunStatus::Failed | RunStatus::Canceled | RunStatus::Error | RunStatus::Timeout => {
            Verdict::Failed
        }
        // A word that nobody knows may be an end or not. The time limit tells.
        RunStatus::Queued | RunStatus::Started | RunStatus::Running | RunStatus::Other(_) => {
            Verdict::GoesOn
        }
    }
}
