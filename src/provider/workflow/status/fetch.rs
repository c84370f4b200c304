//! Fetches from Azure: runs, and as much of their logs as it takes.

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

/// How many bytes are read of the beginning of a log, and of its end where it is longer. A scan
/// names its image first, and says last what comes of it.
const LENGTH: usize = 64 << 10;

/// A registry to look at.
#[derive(Clone, Copy)]
pub(super) struct Fetch<'a> {
    pub(super) registry: &'a RegistryClient,
    /// Why no log can be read at all, once that is known.
    pub(super) logs_out_of_reach: &'a OnceLock<Error>,
}

/// What there is to see.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) rows: Vec<ImageRow>,
    /// The ids of the active runs, the oldest first.
    pub(super) active: Vec<String>,
    /// Why a run or its log couldn't be read, once for each.
    pub(super) unread: Vec<Error>,
}

impl Fetch<'_> {
    /// The days of the workflow's schedule; [`None`] where there is none of that form. Of several
    /// timers the rarest counts.
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

    /// What has become of the images that were scanned since then: those of this status, where one
    /// is wanted.
    ///
    /// # Errors
    /// The runs can't be listed, or there is no time left. What fails for one run alone is no
    /// error.
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
        // Azure has been asked for the active runs and for each run at different moments.
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

    /// What a scan run says. One that waits for a machine has said nothing yet.
    async fn scanned(self, run: Run) -> Outcome<Scan> {
        let log = match run.status {
            RunStatus::Queued => Ok(Markers::default()),
            _ => self.markers(&run).await,
        };
        let (log, unread) = tolerated(log)?;
        Ok((Scan { run, log }, unread))
    }

    /// A scan with the patch run that it has queued. One that isn't among those listed may not be
    /// listed yet.
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

    /// A row with what the patch says of its failure.
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

    /// What the log of a run says; nothing where there is none. Logs lie where not every network leads:
    /// where one is out of reach, so are the others.
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
        let Some(beginning) = log.read(budget, 0, LENGTH).await? else {
            return Ok(Markers::default());
        };
        let read = beginning.bytes.len() as u64;
        if beginning.total <= read {
            return Ok(Markers::read(&beginning.bytes, None));
        }
        let first = read.max(beginning.total.saturating_sub(LENGTH as u64));
        let end = log.read(budget, first, LENGTH).await?.unwrap_or_default();
        Ok(if first == read {
            Markers::read(&[beginning.bytes, end.bytes].concat(), None)
        } else {
            Markers::read(&beginning.bytes, Some(&end.bytes))
        })
    }
}

/// What one run has come to, and why a part of it couldn't be read.
type Outcome<T> = Result<(T, Option<Error>), Error>;

/// Does without what couldn't be read, unless nothing else could be either.
fn tolerated<T: Default>(read: Result<T, Error>) -> Outcome<T> {
    match read {
        Ok(read) => Ok((read, None)),
        Err(error @ (Error::Stopped { .. } | Error::SignIn(_))) => Err(error),
        Err(error) => Ok((T::default(), Some(error))),
    }
}

/// Fetches each of several, in order; what couldn't be read goes to `unread`.
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
    async fn eight_are_looked_at_at_once_and_all_in_order() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let fetch = async |number: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // The later ones are done first.
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
