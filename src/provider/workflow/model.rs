//! The state as Rust types. Nothing in it is unknown; everything that Azure may have lost is optional.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use terraform_plugin::value::Value;

use crate::patching::{
    Policy, Repository, Schedule, TagConvention, TaskName, TimeOfDay, WORKFLOW_TYPE,
};
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::repositories::{read_repositories, write_repositories};
use crate::workflow::recorded::Recorded;

/// The state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    /// As the user has spelled it.
    pub(super) registry_id: String,
    pub(super) schedule: Option<Shown<Schedule>>,
    pub(super) start_time: Option<TimeOfDay>,
    pub(super) tag_convention: Option<TagConvention>,
    pub(super) repositories: Option<BTreeMap<String, Repository>>,
    pub(super) enabled: bool,
    pub(super) run_immediately: bool,
    pub(super) preflight: Option<Preflight>,
    pub(super) timeouts: Option<Timeouts>,
    pub(super) id: Option<String>,
    pub(super) login_server: Option<String>,
    pub(super) schedule_cron: Option<String>,
    pub(super) policy_digest: Option<String>,
    pub(super) tasks: BTreeMap<TaskName, TaskState>,
    /// The ids, by the key of each assignment.
    pub(super) role_assignments: BTreeMap<String, String>,
}

/// One task of [`State::tasks`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TaskState {
    pub(super) id: String,
    pub(super) principal_id: Option<String>,
    pub(super) definition: Option<String>,
    pub(super) status: String,
}

/// A value of Azure's: one that this provider would set, or another, which shows as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown<T> {
    /// One that a configuration may ask for.
    Ours(T),
    /// Anything else, word for word.
    Foreign(String),
}

impl<T: FromStr> From<&str> for Shown<T> {
    fn from(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Foreign(text.to_owned()), Self::Ours)
    }
}

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(value) => value.fmt(f),
            Self::Foreign(text) => text.fmt(f),
        }
    }
}

impl State {
    /// What is known of a workflow before it has been read: its registry.
    pub(super) fn imported(registry_id: String) -> Self {
        Self {
            registry_id,
            ..Self::default()
        }
    }

    /// Reads a state or a plan; what is unknown in a plan counts as absent.
    pub(super) fn read(state: &Value) -> Self {
        fn parsed<T: FromStr>(state: &Value, name: &str) -> Option<T> {
            state.get(name).as_str()?.parse().ok()
        }
        let text = |name| parsed::<String>(state, name);
        let timeouts = state.get(names::TIMEOUTS);
        Self {
            registry_id: text(names::REGISTRY_ID).unwrap_or_default(),
            schedule: state.get(names::SCHEDULE).as_str().map(Shown::from),
            start_time: parsed(state, names::START_TIME),
            tag_convention: parsed(state, names::TAG_CONVENTION),
            repositories: read_repositories(state.get(names::REPOSITORIES)),
            enabled: state.get(names::ENABLED).as_bool().unwrap_or(true),
            run_immediately: state.get(names::RUN_IMMEDIATELY).as_bool().unwrap_or(false),
            preflight: parsed(state, names::PREFLIGHT),
            timeouts: (!timeouts.is_null()).then(|| Timeouts::read(timeouts)),
            id: text(names::ID),
            login_server: text(names::LOGIN_SERVER),
            schedule_cron: text(names::SCHEDULE_CRON),
            policy_digest: text(names::POLICY_DIGEST),
            tasks: entries(state.get(names::TASKS))
                .filter_map(|(name, task)| {
                    Some((TaskName::from_name(name)?, TaskState::read(task)))
                })
                .collect(),
            role_assignments: entries(state.get(names::ROLE_ASSIGNMENTS))
                .filter_map(|(key, id)| Some((key.clone(), id.as_str()?.to_owned())))
                .collect(),
        }
    }

    /// The state as Terraform stores it.
    pub(super) fn write(&self) -> Value {
        fn text(value: Option<&impl fmt::Display>) -> Value {
            value.map(ToString::to_string).into()
        }
        let tasks = self.tasks.iter();
        let tasks = tasks.map(|(name, task)| (name.to_string(), task.write()));
        let assignments = self.role_assignments.iter();
        let assignments = assignments.map(|(key, id)| (key.clone(), id.clone().into()));
        let repositories = self.repositories.as_ref();
        Value::object([
            (names::REGISTRY_ID, self.registry_id.clone().into()),
            (names::SCHEDULE, text(self.schedule.as_ref())),
            (names::START_TIME, text(self.start_time.as_ref())),
            (names::TAG_CONVENTION, text(self.tag_convention.as_ref())),
            (
                names::REPOSITORIES,
                repositories.map_or(Value::Null, write_repositories),
            ),
            (names::ENABLED, self.enabled.into()),
            (names::RUN_IMMEDIATELY, self.run_immediately.into()),
            (names::PREFLIGHT, text(self.preflight.as_ref())),
            (
                names::TIMEOUTS,
                self.timeouts.as_ref().map_or(Value::Null, Timeouts::write),
            ),
            (names::ID, self.id.clone().into()),
            (names::WORKFLOW_TYPE, WORKFLOW_TYPE.into()),
            (names::LOGIN_SERVER, self.login_server.clone().into()),
            (names::SCHEDULE_CRON, self.schedule_cron.clone().into()),
            (names::POLICY_DIGEST, self.policy_digest.clone().into()),
            (names::TASKS, Value::Map(tasks.collect())),
            (names::ROLE_ASSIGNMENTS, Value::Map(assignments.collect())),
        ])
    }

    /// The policy that the state describes; [`None`] where it is incomplete.
    pub(super) fn policy(&self) -> Option<Policy> {
        Some(Policy {
            convention: self.tag_convention?,
            repositories: self.repositories.clone()?,
        })
    }

    /// How long an operation may take.
    pub(super) fn timeout(&self, operation: Operation) -> std::time::Duration {
        let timeouts = self.timeouts.as_ref();
        timeouts.map_or(operation.default_timeout(), |it| it.of(operation))
    }

    /// What state and private data record of the workflow, for the engine.
    pub(super) fn recorded(&self, private: &PrivateData) -> Recorded {
        Recorded {
            registry_id: self.registry_id.clone(),
            login_server: self.login_server.clone(),
            policy: private.policy_manifest.clone().zip(self.policy()),
            tasks: self.tasks.keys().copied().collect(),
            role_assignments: self.role_assignments.clone(),
            orphans: private.orphans.clone(),
        }
    }
}

impl TaskState {
    fn read(task: &Value) -> Self {
        let text = |name| task.get(name).as_str().map(str::to_owned);
        Self {
            id: text(names::ID).unwrap_or_default(),
            principal_id: text(names::PRINCIPAL_ID),
            definition: text(names::DEFINITION),
            status: text(names::STATUS).unwrap_or_default(),
        }
    }

    fn write(&self) -> Value {
        Value::object([
            (names::ID, self.id.clone().into()),
            (names::PRINCIPAL_ID, self.principal_id.clone().into()),
            (names::DEFINITION, self.definition.clone().into()),
            (names::STATUS, self.status.clone().into()),
        ])
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_map().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::provider::workflow::schema::schema;

    fn state() -> State {
        let repository = Repository {
            tags: ["3.11".to_owned()].into(),
            enabled: false,
        };
        let timeouts = Value::object([("create", Value::from("5m"))]);
        State {
            schedule: Some("7d".into()),
            repositories: Some([("python".to_owned(), repository)].into()),
            timeouts: Some(Timeouts::read(&timeouts)),
            tasks: [(TaskName::Scan, TaskState::default())].into(),
            role_assignments: [("a/b".to_owned(), "/y".to_owned())].into(),
            ..State::imported("/x".to_owned())
        }
    }

    #[test]
    fn a_state_survives_being_stored() {
        assert_eq!(State::read(&state().write()), state());
        let foreign = State {
            schedule: Some("0 0 * * 1".into()),
            ..state()
        };
        assert_eq!(State::read(&foreign.write()), foreign);
        assert_eq!(
            foreign.schedule,
            Some(Shown::Foreign("0 0 * * 1".to_owned()))
        );
    }

    #[test]
    fn a_written_state_has_exactly_the_attributes_of_the_schema() {
        let schema = schema();
        let attributes = schema.block.attributes.iter().map(|it| &it.name);
        let blocks = schema.block.blocks.iter().map(|it| &it.name);
        let expected: BTreeSet<&String> = attributes.chain(blocks).collect();
        let written = state().write();
        let names: BTreeSet<&String> = written.as_map().unwrap().keys().collect();
        assert_eq!(names, expected);
        assert_eq!(schema.block.complete(written.clone()), written);
    }
}
