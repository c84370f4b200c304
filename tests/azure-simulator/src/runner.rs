//! The life cycle of runs.
//!
//! A client, a timer or another run queues them, reads advance them, and the pipeline computes their outcome.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::pipeline::{Outcome, begun, with_queued};
use crate::registry::Registry;
use crate::repository::Fate;
use crate::run::{Course, Run, RunStatus};
use crate::state::World;
use crate::task::TimerTrigger;

impl World {
    /// Queues a run and returns its ID.
    pub(crate) fn queue_run(
        &mut self,
        registry: &str,
        task: &str,
        values: BTreeMap<String, String>,
        timer: Option<String>,
    ) -> String {
        let (id, created) = (format!("dt{}", self.next_number()), self.now());
        let failure = self
            .registry_mut(registry)
            .and_then(|found| found.next_failure(task));
        let run = Run {
            id: id.clone(),
            task: task.to_owned(),
            values,
            timer,
            status: RunStatus::Queued,
            created,
            started: None,
            finished: None,
            error: None,
            log: String::new(),
            course: Course {
                failure,
                ..Course::default()
            },
        };
        if let Some(registry) = self.registry_mut(registry) {
            registry.runs.push(run);
        }
        id
    }

    /// Fires the first enabled timer of an enabled task, and returns the run's ID.
    pub(crate) fn fire_timer(&mut self, registry: &str, task: &str) -> Option<String> {
        let found = self
            .registry(registry)?
            .tasks
            .get(&task.to_lowercase())
            .filter(|task| task.enabled())?;
        let enabled = |timer: &&TimerTrigger| timer.status.as_deref() != Some("Disabled");
        let (name, timer) = (
            found.name.clone(),
            found.timers().iter().find(enabled)?.name.clone(),
        );
        Some(self.queue_run(registry, &name, BTreeMap::new(), Some(timer)))
    }

    /// Advances the active runs of a registry by one stage, or by the clock if `run_duration_ms` is set.
    pub(crate) fn look_at_runs(&mut self, registry: &str) {
        let due: Vec<String> = match self.registry(registry) {
            Some(found) => found
                .runs
                .iter()
                .filter(|run| self.is_due(run))
                .map(|run| run.id.clone())
                .collect(),
            None => return,
        };
        for id in due {
            self.move_on(registry, &id);
        }
    }

    /// Completes all runs of a registry, and the runs that they queue.
    pub(crate) fn settle_runs(&mut self, registry: &str) {
        loop {
            let active = |found: &Registry| {
                found
                    .runs
                    .iter()
                    .find(|run| run.status.is_active())
                    .map(|run| run.id.clone())
            };
            let Some(id) = self.registry(registry).and_then(active) else {
                return;
            };
            if let Some(run) = self.run_mut(registry, &id) {
                run.hasten();
            }
            self.move_on(registry, &id);
        }
    }

    fn is_due(&self, run: &Run) -> bool {
        let Some(stage) = self.knobs.run_duration_ms else {
            return run.status.is_active();
        };
        if run.course.canceling.is_some() {
            return run.status.is_active();
        }
        let since = self
            .now()
            .duration_since(run.started.unwrap_or(run.created));
        run.status.is_active()
            && since >= SignedDuration::from_millis(i64::try_from(stage).unwrap_or(i64::MAX))
    }

    fn move_on(&mut self, registry: &str, id: &str) {
        let (now, queued_looks) = (self.now(), self.knobs.queued_looks);
        let Some(run) = self.run_mut(registry, id) else {
            return;
        };
        if let Some(looks) = run.course.canceling {
            // An accepted cancellation also ends the run's progress.
            match looks.checked_sub(1) {
                Some(left) => run.course.canceling = Some(left),
                None => run.cancel(0, now),
            }
            return;
        }
        if run.status == RunStatus::Queued {
            if run.course.queued_looks < queued_looks {
                run.course.queued_looks += 1;
                return;
            }
            run.status = RunStatus::Running;
            run.started = Some(now);
            return;
        }
        run.course.looks += 1;
        let run = run.clone();
        let Some(found) = self.registry(registry) else {
            return;
        };
        let task = found.tasks.get(&run.task.to_lowercase());
        let mut outcome = match (&run.course.failure, task) {
            (Some(log), _) => scripted(log),
            (None, Some(task)) => self.outcome(found, task, &run),
            (None, None) => Outcome {
                error: Some("The task was not found.".to_owned()),
                ..Outcome::default()
            },
        };
        let looks = self.knobs.run_looks;
        if run.course.looks <= looks {
            let shown = begun(&outcome.log, run.course.looks, looks);
            if let Some(run) = self.run_mut(registry, id) {
                run.print(shown);
            }
            return;
        }
        for (task, values) in std::mem::take(&mut outcome.queues) {
            let queued = self.queue_run(registry, task, values, None);
            outcome.log = with_queued(&outcome.log, &queued);
        }
        if let Some((repository, tag)) = &outcome.pushes {
            self.push_image(registry, repository, tag, "linux", Fate::Clean);
        }
        if let Some(run) = self.run_mut(registry, id) {
            run.status = if outcome.error.is_some() {
                RunStatus::Failed
            } else {
                RunStatus::Succeeded
            };
            run.finished = Some(now);
            run.error = outcome.error;
            run.print(&outcome.log);
        }
    }

    pub(crate) fn run_mut(&mut self, registry: &str, id: &str) -> Option<&mut Run> {
        self.registry_mut(registry)?
            .runs
            .iter_mut()
            .find(|run| run.id == id)
    }
}

/// Returns the outcome of a run that fails with this log.
fn scripted(log: &str) -> Outcome {
    Outcome {
        log: format!("{}\n", log.trim_end()),
        error: Some("failed to run step ID: acb_step_0: exit status 1".to_owned()),
        ..Outcome::default()
    }
}
