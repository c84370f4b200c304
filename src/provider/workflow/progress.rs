//! What exists by now, noted as soon as Azure says so. It is what reaches the state, whatever
//! fails after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::azure::task::Task;
use crate::patching::TaskName;
use crate::provider::workflow::model::{State, TaskState};
use crate::workflow::observe::{Found, Observed};
use crate::workflow::ownership::Owned;
use crate::workflow::registry_facts::{Facts, Private};
use terraform_plugin::framework::Recorder;

/// The growing (or, while deleting, shrinking) state of one operation.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    facts: &'a Facts,
    /// The tasks of the plan: what is equal but for letter case has to stay as planned.
    planned: BTreeMap<String, TaskState>,
    now: Mutex<(State, Private)>,
    recorder: &'a Recorder,
}

impl<'a> Progress<'a> {
    /// Starts from what was there before the operation. Nothing is recorded yet: as long as
    /// nothing has been changed, there is nothing to lose.
    pub(crate) fn new(
        observed: &'a Observed,
        owned: &Owned,
        before: State,
        planned: &State,
        recorder: &'a Recorder,
    ) -> Self {
        Self {
            facts: &observed.facts,
            planned: planned.tasks.clone(),
            now: Mutex::new((before, observed.private(owned))),
            recorder,
        }
    }

    /// Notes a change, and records the state that it leads to.
    pub(crate) fn note(&self, change: impl FnOnce(&mut State)) {
        self.note_both(|state, _| change(state));
    }

    /// Notes what a task is by now.
    pub(crate) fn note_task(&self, name: TaskName, task: &Task) {
        let planned = self.planned.get(name.as_str());
        self.note(|state| state.set_task(name, task, planned, &self.facts.login_server));
    }

    /// Notes a change of the policy.
    pub(crate) fn note_policy(&self, policy: &Found, manifest: Option<String>) {
        self.note_both(|state, private| {
            state.set_policy(policy);
            private.policy_manifest = manifest;
        });
    }

    /// The state by now, and what is kept beside it.
    pub(crate) fn now(&self) -> (State, Private) {
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The registry's login server.
    pub(crate) fn login_server(&self) -> &str {
        &self.facts.login_server
    }

    fn note_both(&self, change: impl FnOnce(&mut State, &mut Private)) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, private) = &mut *now;
        change(state, private);
        self.recorder.record(state.write(), private.write());
    }
}
