//! The look at Azure: runs, and as much of their logs as it takes.

use std::future::Future;
use std::sync::OnceLock;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use crate::azure::run::{Run, RunStatus};
use crate::azure::{Azure, Error, RegistryId};
use crate::http::{Budget, LOOKUPS_AT_ONCE, TransportErrorKind};
use crate::patching::TaskName;
use crate::patching::run_log::Markers;
use crate::patching::schedule::parse_cron;
use crate::provider::workflow::status::image_status::Status;
use crate::provider::workflow::status::rows::{Row, Scan, newest, sorted};

/// How many bytes are read of the beginning of a log, and of its end where it is longer. A scan
/// names its image first, and says last what comes of it.
const LENGTH: usize = 64 << 10;

/// A registry to look at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) azure: &'a Azure,
    pub(super) budget: &'a Budget,
    pub(super) registry: &'a RegistryId,
    /// Why no log can be read at all, once that is known.
    pub(super) no_way: &'a OnceLock<Error>,
}

/// What there is to see.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) rows: Vec<Row>,
    /// The ids of the active runs, the oldest first.
    pub(super) active: Vec<String>,
    /// Why a run or its log couldn't be read, once for each.
    pub(super) unread: Vec<Error>,
}

impl Look<'_> {
    /// The days of the workflow's schedule; [`None`] where there is none of that form. Of several
    /// timers the rarest counts.
    ///
    /// # Errors
    /// The trigger task can't be read.
    pub(super) async fn interval(self) -> Result<Option<u8>, Error> {
        let name = TaskName::Trigger.as_str();
        let task = self.azure.get_task_opt(self.budget, self.registry, name);
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
    pub(super) async fn since(
        self,
        since: Timestamp,
        wanted: Option<Status>,
    ) -> Result<Seen, Error> {
        let Self {
            azure,
            budget,
            registry,
            ..
        } = self;
        let scan = TaskName::Scan.as_str();
        let of_an_image = [scan, TaskName::Patch.as_str()];
        let all = TaskName::ALL.map(TaskName::as_str);
        let (runs, mut active) = futures::try_join!(
            azure.list_runs_since(budget, registry, &of_an_image, since),
            azure.list_active_runs(budget, registry, &all),
        )?;
        let (scans, patches): (Vec<Run>, Vec<Run>) =
            runs.into_iter().partition(|run| run.is_of(scan));

        let mut unread = Vec::new();
        let scans = some_at_a_time(scans, |run| self.scanned(run), &mut unread).await?;
        let patched = |scan| self.patched(scan, &patches);
        let mut rows = some_at_a_time(newest(scans), patched, &mut unread).await?;
        // Azure has been asked for the active runs and for each run at different moments.
        active.extend(rows.iter().flat_map(Row::active_runs).cloned());
        active.sort_by_cached_key(|run| (run.created(), run.run_id.clone()));
        active.dedup_by(|one, other| one.run_id == other.run_id);
        rows.retain(|row| wanted.is_none_or(|wanted| row.status() == wanted));
        let rows = some_at_a_time(rows, |row| self.explained(row), &mut unread).await?;
        Ok(Seen {
            rows: sorted(rows),
            active: active.into_iter().map(|run| run.run_id).collect(),
            unread,
        })
    }

    /// What a scan run says. One that waits for a machine has said nothing yet.
    async fn scanned(self, run: Run) -> Outcome<Scan> {
        let said = match run.status {
            RunStatus::Queued => Ok(Markers::default()),
            _ => self.said(&run).await,
        };
        let (said, unread) = tolerated(said)?;
        Ok((Scan { run, said }, unread))
    }

    /// A scan with the patch run that it has queued. One that isn't among those listed may not be
    /// listed yet.
    async fn patched(self, scan: Scan, listed: &[Run]) -> Outcome<Row> {
        let patch = match &scan.said.queued_run {
            None => Ok(None),
            Some(id) => match listed.iter().find(|run| run.run_id == *id) {
                Some(run) => Ok(Some(run.clone())),
                None => self.run(id).await,
            },
        };
        let (patch, unread) = tolerated(patch)?;
        let row = Row {
            scan,
            patch,
            patch_said: Markers::default(),
        };
        Ok((row, unread))
    }

    /// A row with what the patch says of its failure.
    async fn explained(self, row: Row) -> Outcome<Row> {
        let failed = row
            .patch
            .as_ref()
            .filter(|_| row.patch_status() == Status::Failed);
        let said = match failed {
            Some(run) => self.said(run).await,
            None => Ok(Markers::default()),
        };
        let (patch_said, unread) = tolerated(said)?;
        Ok((Row { patch_said, ..row }, unread))
    }

    async fn run(self, id: &str) -> Result<Option<Run>, Error> {
        match self.azure.get_run(self.budget, self.registry, id).await {
            Err(error) if error.is_not_found() => Ok(None),
            run => run.map(Some),
        }
    }

    /// What the log of a run says; nothing where there is none. Logs lie where not every network leads:
    /// where one is out of reach, so are the others.
    async fn said(self, run: &Run) -> Result<Markers, Error> {
        if let Some(no_way) = self.no_way.get() {
            return Err(no_way.clone());
        }
        let said = self.read_log(run).await;
        if let Err(error @ Error::Transport { source, .. }) = &said
            && source.kind == TransportErrorKind::Connect
        {
            let _ = self.no_way.set(error.clone());
        }
        said
    }

    async fn read_log(self, run: &Run) -> Result<Markers, Error> {
        let mut log = self.azure.run_log(self.registry, &run.run_id);
        let Some(beginning) = log.read(self.budget, 0, LENGTH).await? else {
            return Ok(Markers::default());
        };
        let read = beginning.bytes.len() as u64;
        if beginning.total <= read {
            return Ok(Markers::read(&beginning.bytes, None));
        }
        let first = read.max(beginning.total.saturating_sub(LENGTH as u64));
        let end = log
            .read(self.budget, first, LENGTH)
            .await?
            .unwrap_or_default();
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

/// Looks at each of several, in order; what couldn't be read goes to `unread`.
async fn some_at_a_time<I, T, L: Future<Output = Outcome<T>>>(
    items: Vec<I>,
    look: impl Fn(I) -> L,
    unread: &mut Vec<Error>,
) -> Result<Vec<T>, Error> {
    let looks: Vec<L> = items.into_iter().map(look).collect();
    let looks: Vec<_> = stream::iter(looks)
        .buffered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    let (found, failures): (Vec<T>, Vec<_>) = looks.into_iter().unzip();
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
        let look = async |number: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // The later ones are done first.
            for _ in number..30 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::Relaxed);
            Ok((number, None))
        };
        let all: Vec<usize> = (0..30).collect();
        let seen = some_at_a_time(all.clone(), look, &mut Vec::new()).await;
        assert_eq!(seen.unwrap(), all);
        assert_eq!(most.into_inner(), LOOKUPS_AT_ONCE);
    }
}
