//! The state that describes an observed workflow.

use crate::azure::id::ids_equal;
use crate::azure::task::Task;
use crate::patching::schedule::{TIMER_NAME, parse_cron};
use crate::patching::{Policy, TaskName};
use crate::provider::workflow::model::{Shown, State, TaskState};
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::repositories::of_policy;
use crate::provider::workflow::task_status;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::Owned;
use crate::workflow::recorded::Recorded;
use crate::workflow::task_drift::{Part, definition, find_differences, is_enabled, timers};

/// Returns the state after a refresh; [`None`] if nothing of the workflow exists. The prior state supplies
/// values that Azure does not store, and the letter case of equal ones.
pub(super) fn refreshed(observed: &Observed, owned: &Owned, before: &State) -> Option<State> {
    let nothing_left = observed.tasks.is_empty()
        && observed.leaving.is_empty()
        && observed.policy == PolicyState::Missing
        && *owned == Owned::default();
    (!nothing_left).then(|| of(observed, owned, before))
}

/// Returns the state that describes `observed`.
pub(super) fn of(observed: &Observed, owned: &Owned, before: &State) -> State {
    let facts = &observed.facts;
    let mut state = State {
        registry_id: before.registry_id.clone(),
        enabled: before.enabled,
        run_immediately: before.run_immediately,
        preflight: before.preflight.or(Some(Preflight::Warn)),
        adopt_existing: before.adopt_existing,
        timeouts: before.timeouts.clone(),
        tag_convention: before.tag_convention,
        repositories: before.repositories.clone(),
        policy_digest: before.policy_digest.clone(),
        id: Some(spelled(before.id.as_deref(), facts.id.as_written())),
        login_server: Some(facts.login_server.clone()),
        role_assignments: owned
            .held
            .iter()
            .chain(owned.without_identity())
            .map(|(key, assignment)| {
                let before = before.role_assignments.get(key).map(String::as_str);
                (key.clone(), spelled(before, &assignment.id))
            })
            .collect(),
        ..State::default()
    };
    state.set_policy(&observed.policy);
    for (&name, task) in &observed.tasks {
        state.set_task(name, task, before.tasks.get(&name), &facts.login_server);
    }
    state
}

impl State {
    /// Keeps recorded tasks and role assignments that Azure does not list, because it may list them late.
    pub(super) fn keep_unlisted(
        &mut self,
        observed: &Observed,
        before: &Self,
        recorded: &Recorded,
    ) {
        let unlisted = recorded.unlisted(observed);
        self.role_assignments
            .extend(unlisted.map(|(key, id)| (key.clone(), id.clone())));
        for (&name, task) in &before.tasks {
            self.tasks.entry(name).or_insert_with(|| task.clone());
        }
    }

    /// Sets the attributes of the policy.
    pub(super) fn set_policy(&mut self, policy: &PolicyState) {
        let valid = match policy {
            PolicyState::NotRead => return,
            PolicyState::Valid(policy) => Some(policy),
            PolicyState::Missing | PolicyState::Invalid { .. } => None,
        };
        self.repositories = valid.map(|policy| of_policy(&policy.repositories));
        self.tag_convention = valid.map(|policy| policy.convention);
        self.policy_digest = valid.map(Policy::digest);
    }

    /// Sets the attributes of a task. The trigger task also sets the schedule.
    pub(super) fn set_task(
        &mut self,
        name: TaskName,
        task: &Task,
        before: Option<&TaskState>,
        login_server: &str,
    ) {
        let shown: Vec<&str> = find_differences(name, task, login_server)
            .into_iter()
            .filter_map(Part::shown_as)
            .collect();
        let status = task.properties.status.as_deref().unwrap_or_default();
        let id = |before: &TaskState| before.id.clone();
        let principal = |before: &TaskState| before.principal_id.clone();
        let described = TaskState {
            id: Some(spelled(before.and_then(id).as_deref(), &task.id)),
            principal_id: task
                .principal_id()
                .map(|id| spelled(before.and_then(principal).as_deref(), id)),
            definition: definition(task),
            status: Some(task_status::describe(status, &shown)),
        };
        self.tasks.insert(name, described);
        if name == TaskName::Trigger {
            self.set_timer(task);
        }
    }

    /// Removes a task. The trigger task also removes the schedule.
    pub(super) fn remove_task(&mut self, name: TaskName) {
        self.tasks.remove(&name);
        if name == TaskName::Trigger {
            self.schedule = None;
            self.start_time = None;
            self.schedule_cron = None;
        }
    }

    /// Sets the schedule. A cron expression of another form has no days and no time of day. The state then
    /// has Azure's expression word for word, so that a plan shows it.
    fn set_timer(&mut self, trigger: &Task) {
        let timers = timers(trigger);
        let crons: Vec<&str> = timers.iter().map(|timer| timer.schedule.as_str()).collect();
        let ours = match timers {
            [timer] if timer.name == TIMER_NAME => parse_cron(&timer.schedule),
            _ => None,
        };
        let verbatim = crons.join("; ");
        let foreign = || Shown::Foreign(verbatim.clone());
        self.schedule = Some(ours.map_or_else(foreign, |(days, _)| Shown::Ours(days)));
        self.start_time = ours.map(|(_, time)| time);
        // More than one space between fields makes no difference to cron.
        self.schedule_cron = Some(ours.map_or(verbatim.clone(), |(days, time)| days.cron(time)));
        self.enabled = timers
            .iter()
            .any(|timer| is_enabled(timer.status.as_deref()));
    }
}

/// Returns `now`, in the letter case of `before` if they are otherwise equal.
fn spelled(before: Option<&str>, now: &str) -> String {
    before
        .filter(|before| ids_equal(before, now))
        .unwrap_or(now)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patching::TimeOfDay;
    use crate::provider::workflow::fixture::{again, state};
    use crate::workflow::fixture::{REGISTRY, observed};

    #[test]
    fn a_refresh_describes_the_observed_workflow() {
        let state = state(&observed());
        assert_eq!(state.schedule, Some("7d".into()));
        assert_eq!(state.start_time, TimeOfDay::new(2, 30));
        assert_eq!(state.role_assignments.len(), 5);
        assert_eq!(
            state.tasks[&TaskName::Patch].status.as_deref(),
            Some("Enabled")
        );
    }

    #[test]
    fn ids_keep_their_letter_case() {
        let before = state(&observed());
        let mut respelled = observed();
        respelled.facts.id = REGISTRY.to_lowercase().parse().unwrap();
        for task in respelled.tasks.values_mut() {
            task.id = task.id.to_lowercase();
        }
        for assignment in &mut respelled.assignments {
            assignment.id = assignment.id.to_lowercase();
        }
        assert_eq!(again(&respelled, &before), Some(before));
    }

    #[test]
    fn only_a_workflow_without_any_piece_has_no_state() {
        let before = state(&observed());
        let mut left = observed();
        left.tasks.clear();
        left.policy = PolicyState::Missing;
        let orphans_only = again(&left, &before).expect("the orphans are ours to remove");
        let keys = orphans_only.role_assignments.keys();
        assert!(keys.clone().count() == 5 && orphans_only.tasks.is_empty());
        for key in keys {
            assert!(key.starts_with("orphan/"), "{key}");
        }
        left.assignments.clear();
        assert_eq!(again(&left, &before), None);
    }

    #[test]
    fn a_cron_expression_of_another_form_stays_as_it_is() {
        let mut edited = observed();
        let trigger = edited.tasks.get_mut(&TaskName::Trigger).unwrap();
        let timers = &mut trigger.properties.trigger.as_mut().unwrap().timer_triggers;
        timers[0].schedule = "0 0 * * 1".to_owned();
        timers[0].status = Some("Disabled".to_owned());
        let state = state(&edited);
        assert_eq!(state.schedule, Some("0 0 * * 1".into()));
        assert_eq!(state.start_time, None);
        assert!(!state.enabled);
    }

    #[test]
    fn drift_without_an_attribute_shows_in_the_task_status() {
        let mut edited = observed();
        let scan = edited.tasks.get_mut(&TaskName::Scan).unwrap();
        scan.properties.timeout = Some(60);
        scan.properties.status = Some("disabled".to_owned());
        assert_eq!(
            state(&edited).tasks[&TaskName::Scan].status.as_deref(),
            Some("Disabled, but differs in timeout")
        );
    }
}
