//! Reads runs and the needed parts of their logs from Azure.

use std::future::Future;
use std::sync::OnceLock;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use crate::azure::run::{Run, RunStatus};
use crate::azure::{Error, RegistryClient};
use crate::http::{LOOKUPS_AT_ONCE, TransportErrorKind};
use crate::patching::TaskName;
use crate::patching::run_log::Markers;
use crate::patching::schedule::parse_cron;
use crate::provider::workflow::status::image_rows::{ImageRow, Scan, newest, sorted};
use crate::provider::workflow::status::image_status::Status;

/// The bytes to read from the beginning of a log, and from the end of a longer one. The log of a scan names
/// the image at its beginning, and the result at its end.
const LENGTH: usize = 64 << 10;

/// The registry to read.
#[derive(Clone, Copy)]
pub(super) struct Fetch<'a> {
    pub(super) registry: &'a RegistryClient,
    /// The reason why no log can be read, once it is known.
    pub(super) logs_out_of_reach: &'a OnceLock<Error>,
}

/// The runs and images of a workflow.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) rows: Vec<ImageRow>,
    /// The IDs of the active runs, oldest first.
    pub(super) active: Vec<String>,
    /// One failure for each run or log that can't be read.
    pub(super) unread: Vec<Error>,
}

impl Fetch<'_> {
    /// Returns the days of the workflow's schedule; [`None`] if no timer has the provider's form. With several
    /// timers, returns the longest interval.
    ///
    /// # Errors
    /// The trigger task can't be read.
    pub(super) async fn schedule_interval(self) -> Result<Option<u8>, Error> {
        let task = self.registry.get_task_opt(TaskName::Trigger.as_str());
        let trigger = task.await?.and_then(|task| task.properties.trigger);
        let timers = trigger.map(|trigger| trigger.timer_triggers);
        let crons = timers.iter().flatten().map(|timer| &timer.schedule);
        let days = crons.filter_map(|cron| Some(parse_cron(cron)?.0.interval()));
        Ok(days.max())
    }

    /// Returns the images scanned since a time, filtered by status if one is wanted.
    ///
    /// # Errors
    /// The runs can't be listed, or the operation timed out. A failure of a single run is not an error.
    pub(super) async fn images_since(
        self,
        since: Timestamp,
        wanted: Option<Status>,
    ) -> Result<Fetched, Error> {
        let scan = TaskName::Scan.as_str();
        let of_an_image = [scan, TaskName::Patch.as_str()];
        let all = TaskName::ALL.map(TaskName::as_str);
        let (runs, mut active) = futures::try_join!(
            self.registry.list_runs_since(&of_an_image, since),
            self.registry.list_active_runs(&all),
        )?;
        let (scans, patches): (Vec<Run>, Vec<Run>) =
            runs.into_iter().partition(|run| run.is_of(scan));

        let mut unread = Vec::new();
        let scans = some_at_a_time(scans, |run| self.scanned(run), &mut unread).await?;
        let patched = |scan| self.patched(scan, &patches);
        let mut rows = some_at_a_time(newest(scans), patched, &mut unread).await?;
        // The lists of active runs and of all runs come from different moments.
        active.extend(rows.iter().flat_map(ImageRow::active_runs).cloned());
        active.sort_by_cached_key(|run| (run.created(), run.run_id.clone()));
        active.dedup_by(|one, other| one.run_id == other.run_id);
        rows.retain(|row| wanted.is_none_or(|wanted| row.status() == wanted));
        let rows = some_at_a_time(rows, |row| self.explained(row), &mut unread).await?;
        Ok(Fetched {
            rows: sorted(rows),
            active: active.into_iter().map(|run| run.run_id).collect(),
            unread,
        })
    }

    /// Reads a scan run and its log. A queued run has no log yet.
    async fn scanned(self, run: Run) -> Outcome<Scan> {
        let log = match run.status {
            RunStatus::Queued => Ok(Markers::default()),
            _ => self.markers(&run).await,
        };
        let (log, unread) = tolerated(log)?;
        Ok((Scan { run, log }, unread))
    }

    /// Finds the patch run that a scan queued. Azure may not list a new run yet, so a missing one is read
    /// by its ID.
    async fn patched(self, scan: Scan, listed: &[Run]) -> Outcome<ImageRow> {
        let patch = match &scan.log.queued_run {
            None => Ok(None),
            Some(id) => match listed.iter().find(|run| run.run_id == *id) {
                Some(run) => Ok(Some(run.clone())),
                None => self.run(id).await,
            },
        };
        let (patch, unread) = tolerated(patch)?;
        let row = ImageRow {
            scan,
            patch,
            patch_log: Markers::default(),
        };
        Ok((row, unread))
    }

    /// Adds the log of a failed patch to a row.
    async fn explained(self, row: ImageRow) -> Outcome<ImageRow> {
        let failed = row
            .patch
            .as_ref()
            .filter(|_| row.patch_status() == Status::Failed);
        let log = match failed {
            Some(run) => self.markers(run).await,
            None => Ok(Markers::default()),
        };
        let (patch_log, unread) = tolerated(log)?;
        Ok((ImageRow { patch_log, ..row }, unread))
    }

    async fn run(self, id: &str) -> Result<Option<Run>, Error> {
        match self.registry.get_run(id).await {
            Err(error) if error.is_not_found() => Ok(None),
            run => run.map(Some),
        }
    }

    /// Reads the log of a run; empty if it has none. Logs are in a storage account that a network may block.
    /// If one log is out of reach, so are the others.
    async fn markers(self, run: &Run) -> Result<Markers, Error> {
        if let Some(logs_out_of_reach) = self.logs_out_of_reach.get() {
            return Err(logs_out_of_reach.clone());
        }
        let log = self.read_log(run).await;
        if let Err(error @ Error::Transport { source, .. }) = &log
            && source.kind == TransportErrorKind::Connect
        {
            let _ = self.logs_out_of_reach.set(error.clone());
        }
        log
    }

    async fn read_log(self, run: &Run) -> Result<Markers, Error> {
        let budget = self.registry.budget();
        let mut log = self.registry.run_log(&run.run_id);
        let ends = log.read_ends(budget, LENGTH).await?;
        Ok(Markers::read(&ends.beginning, ends.end.as_deref()))
    }
}

/// The data of one run, and the failure of a part that can't be read.
type Outcome<T> = Result<(T, Option<Error>), Error>;

/// Continues without the data that can't be read, unless the operation itself was stopped.
fn tolerated<T: Default>(read: Result<T, Error>) -> Outcome<T> {
    match read {
        Ok(read) => Ok((read, None)),
        Err(error @ (Error::Stopped { .. } | Error::SignIn(_))) => Err(error),
        Err(error) => Ok((T::default(), Some(error))),
    }
}

/// Reads several runs in order. Adds failures to `unread`.
async fn some_at_a_time<I, T, L: Future<Output = Outcome<T>>>(
    items: Vec<I>,
    fetch: impl Fn(I) -> L,
    unread: &mut Vec<Error>,
) -> Result<Vec<T>, Error> {
    let fetches: Vec<L> = items.into_iter().map(fetch).collect();
    let fetched: Vec<_> = stream::iter(fetches)
        .buffered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    let (found, failures): (Vec<T>, Vec<_>) = fetched.into_iter().unzip();
    unread.extend(failures.into_iter().flatten());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn eight_reads_run_at_once_and_results_keep_their_order() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let fetch = async |number: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // The last ones finish first.
            for _ in number..30 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::Relaxed);
            Ok((number, None))
        };
        let all: Vec<usize> = (0..30).collect();
        let seen = some_at_a_time(all.clone(), fetch, &mut Vec::new()).await;
        assert_eq!(seen.unwrap(), all);
        assert_eq!(most.into_inner(), LOOKUPS_AT_ONCE);
    }
}
