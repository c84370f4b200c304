//! Waits for the end of a run, and reports its status and its log meanwhile.
//!
//! The wait can end before the run, which then continues. The user asked for a run, and an interrupt of
//! Terraform does not cancel it.

use std::time::Duration;

use tokio::time::Instant;

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

/// How long a 404 means that Azure doesn't show a queued run yet. Azure's reads lag behind its writes.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// After this time without a message, the action says that it still waits.
const QUIET: Duration = Duration::from_secs(60);

/// The bytes of a log to read at once.
const READ: usize = 64 << 10;

/// A run in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    GoesOn,
    Succeeded,
    Failed,
}

/// Waits until the run has ended.
///
/// # Errors
/// The run failed, or the wait ended before the run. Operations after the action may depend on the run, and
/// without an error Terraform would continue with them.
pub(super) async fn until_ended(
    arguments: &Arguments,
    run: Run,
    progress: &Progress,
) -> Result<Diagnostics, Diagnostics> {
    let mut watch = Watch {
        arguments,
        log: arguments.registry.run_log(&run.run_id),
        run,
        queued: Instant::now(),
        spoken: Instant::now(),
        is_shown: true,
        progress,
        tail: LogTail::default(),
        unreadable: None,
    };
    if let Err(end) = watch.until_ended().await {
        return Err(outcome::still_running(
            arguments.registry.id(),
            arguments.timeout,
            &watch.run,
            watch.is_shown,
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
    /// When Azure queued the run.
    queued: Instant,
    /// When the action last reported something.
    spoken: Instant,
    /// Whether Azure's last answer about the run was not a 404.
    is_shown: bool,
    progress: &'a Progress,
    log: RunLog,
    tail: LogTail,
    /// The failure of the last read of the log.
    unreadable: Option<Error>,
}

impl Watch<'_> {
    async fn until_ended(&mut self) -> Result<(), WaitEnd> {
        let mut pauses = Backoff::until_ended();
        while verdict(&self.run.status) == Verdict::GoesOn {
            let pause = pauses.next().unwrap_or_default();
            self.arguments.registry.budget().sleep(pause).await?;
            self.poll().await?;
            if self.spoken.elapsed() >= QUIET && verdict(&self.run.status) == Verdict::GoesOn {
                let message = wording::still(&self.run, self.queued.elapsed());
                self.say(message).await;
            }
        }
        Ok(())
    }

    async fn say(&mut self, message: String) {
        self.spoken = Instant::now();
        self.progress.report(message).await;
    }

    async fn poll(&mut self) -> Result<(), WaitEnd> {
        let looked = self.arguments.registry.get_run(&self.run.run_id).await;
        match &looked {
            Ok(_) => self.is_shown = true,
            Err(error) if is_missing(error) => self.is_shown = false,
            Err(_) => {}
        }
        let seen = match looked {
            Err(error) if error.is_not_found() && self.queued.elapsed() < SHOWN_WITHIN => {
                return Ok(());
            }
            seen => seen?,
        };
        let before = std::mem::replace(&mut self.run, seen);
        if self.run.status == RunStatus::Queued {
            return Ok(());
        }
        if verdict(&self.run.status) == Verdict::GoesOn {
            if before.status != self.run.status {
                self.say(wording::status(&self.run)).await;
            }
            // The action stops reading the log after one failure, because the status matters more.
            if self.unreadable.is_some() {
                return Ok(());
            }
            self.read_log().await.map_err(WaitEnd::from)?;
        } else {
            // A failure of the log does not change the known status.
            let _ = self.read_log().await;
            self.tail.finish();
        }
        if let Some(batch) = self.tail.take() {
            let message = wording::log(&self.run, &batch);
            self.say(message).await;
        }
        Ok(())
    }

    /// Reads the new part of the log. Records a failure, unless it ends the wait.
    async fn read_log(&mut self) -> Result<(), Error> {
        let failure = self.read_on().await.err();
        let was_unreadable = self.unreadable.is_some();
        self.unreadable = failure;
        match &self.unreadable {
            Some(stopped @ Error::Stopped { .. }) => Err(stopped.clone()),
            Some(failure) if !was_unreadable => {
                let message = wording::unreadable(&self.run, failure);
                self.say(message).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads the next part of the log. If the log grew by more than one part, reads its end.
    async fn read_on(&mut self) -> Result<(), Error> {
        let budget = self.arguments.registry.budget();
        let Some(mut part) = self.log.read(budget, self.tail.next(), READ).await? else {
            return Ok(());
        };
        if part.total < self.tail.next() {
            // A shorter log has replaced the one that the action has read.
            self.tail = LogTail::default();
            part = self.log.read(budget, 0, READ).await?.unwrap_or_default();
        }
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

/// Whether the last answer was a 404.
fn is_missing(error: &Error) -> bool {
    match error {
        Error::Stopped { last, .. } => last.as_deref().is_some_and(Error::is_not_found),
        error => error.is_not_found(),
    }
}

fn verdict(status: &RunStatus) -> Verdict {
    match status {
        RunStatus::Succeeded => Verdict::Succeeded,
        RunStatus::Failed | RunStatus::Canceled | RunStatus::Error | RunStatus::Timeout => {
            Verdict::Failed
        }
        // An unknown status may be final or not. The timeout limits the wait.
        RunStatus::Queued | RunStatus::Started | RunStatus::Running | RunStatus::Other(_) => {
            Verdict::GoesOn
        }
    }
}
