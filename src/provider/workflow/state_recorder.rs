//! Records the state during an operation, so that the host gets everything that exists after a failure.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use terraform_plugin::framework::Recorder;
use terraform_plugin::model::Model as _;

use crate::patching::TaskName;
use crate::provider::workflow::model::{State, TaskState};
use crate::provider::workflow::private_data::PrivateData;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::progress::{ProgressEvent, ProgressSink};

/// The state of one operation in progress. A create extends it, a delete reduces it.
#[derive(Debug)]
pub(super) struct StateRecorder<'a> {
    login_server: String,
    /// The planned tasks. Values that differ only in letter case must stay as planned.
    planned: BTreeMap<TaskName, TaskState>,
    now: Mutex<(State, PrivateData)>,
    recorder: &'a Recorder,
}

impl<'a> StateRecorder<'a> {
    /// Starts from the state before the operation. Records nothing yet, because nothing has changed.
    pub(super) fn new(
        observed: &Observed,
        before: State,
        planned: &State,
        private: &PrivateData,
        recorder: &'a Recorder,
    ) -> Self {
        Self {
            login_server: observed.facts.login_server.clone(),
            planned: planned.tasks.clone(),
            now: Mutex::new((
                before,
                PrivateData::of(observed, planned.start_time).keeping(private),
            )),
            recorder,
        }
    }

    /// Adds the policy, which has been read later than the rest. Records nothing, because nothing has changed.
    pub(super) fn add_policy(&self, observed: &Observed) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, private) = &mut *now;
        state.set_policy(&observed.policy);
        let read = PrivateData::of(observed, private.start_time);
        private.policy_manifest = read.policy_manifest;
    }

    /// Returns the current state and private data.
    pub(super) fn now(&self) -> (State, PrivateData) {
        self.now
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, event: ProgressEvent<'_>, state: &mut State, private: &mut PrivateData) {
        match event {
            ProgressEvent::TaskExists(name, task) => {
                let planned = self.planned.get(&name);
                state.set_task(name, task, planned, &self.login_server);
            }
            ProgressEvent::TaskDeleted(name) => state.remove_task(name),
            ProgressEvent::PolicyPushed(policy, manifest) => {
                state.set_policy(&PolicyState::Valid(policy.clone()));
                private.policy_manifest = Some(manifest.to_owned());
            }
            ProgressEvent::PolicyDeleted => {
                state.set_policy(&PolicyState::Missing);
                private.policy_manifest = None;
            }
            ProgressEvent::RoleAssigned(key, id) => {
                state.role_assignments.insert(key.to_owned(), id.to_owned());
            }
            ProgressEvent::RoleRevoked(key) => {
                state.role_assignments.remove(key);
            }
            // NO-OP: recording any state makes the next refresh look for the piece.
            ProgressEvent::InDoubt => {}
        }
    }
}

impl ProgressSink for StateRecorder<'_> {
    fn record(&self, event: ProgressEvent<'_>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, private) = &mut *now;
        self.note(event, state, private);
        self.recorder.record(state.write(), private.write());
    }
}
