//! The resource's values as Rust types: the configuration, in which anything may be unknown, and
//! the state, in which nothing is.

use std::collections::{BTreeMap, BTreeSet};

use crate::patching::{Policy, Repository, Schedule, TagConvention, TimeOfDay, WORKFLOW_TYPE};
use crate::provider::workflow::names;
use terraform_plugin::value::Value;

/// What the plan looks up beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preflight {
    /// Findings are warnings, the fatal ones errors.
    Warn,
    /// Every finding is an error.
    Error,
    /// Nothing is looked up.
    Off,
}

/// A part of a configuration: not there, not known yet, or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field<T> {
    /// Null.
    Absent,
    /// Known only at apply.
    Unknown,
    /// A valid value.
    Known(T),
}

/// A validated configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) registry_id: Field<String>,
    pub(crate) schedule: Field<Schedule>,
    pub(crate) start_time: Field<TimeOfDay>,
    pub(crate) tag_convention: Field<TagConvention>,
    pub(crate) repositories: Field<BTreeMap<String, Repository>>,
    pub(crate) preflight: Field<Preflight>,
}

/// The state. Everything that Azure may have lost is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) registry_id: String,
    pub(crate) schedule: Option<String>,
    pub(crate) start_time: Option<String>,
    pub(crate) tag_convention: Option<String>,
    pub(crate) repositories: Option<BTreeMap<String, Repository>>,
    pub(crate) enabled: bool,
    pub(crate) run_immediately: bool,
    pub(crate) preflight: Option<String>,
    pub(crate) timeouts: Value,
    pub(crate) id: Option<String>,
    pub(crate) login_server: Option<String>,
    pub(crate) schedule_cron: Option<String>,
    pub(crate) policy_digest: Option<String>,
    pub(crate) tasks: BTreeMap<String, TaskState>,
    pub(crate) role_assignments: BTreeMap<String, String>,
}

/// One task of [`State::tasks`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskState {
    pub(crate) id: String,
    pub(crate) principal_id: Option<String>,
    pub(crate) definition: Option<String>,
    pub(crate) status: String,
}

impl Preflight {
    /// All of them, the default first.
    pub(crate) const ALL: [Self; 3] = [Self::Warn, Self::Error, Self::Off];

    /// The word of the configuration.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Off => "off",
        }
    }

    /// The one that a configuration calls by this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|preflight| preflight.as_str() == word)
    }
}

impl<T> Field<T> {
    /// Reads a value that has passed validation; what doesn't parse counts as unknown, because
    /// it has been reported already.
    pub(crate) fn read(value: &Value, parse: impl FnOnce(&Value) -> Option<T>) -> Self {
        match value {
            Value::Null => Self::Absent,
            known => parse(known).map_or(Self::Unknown, Self::Known),
        }
    }

    /// The value, or `default` where the configuration has none; [`None`] while it is unknown.
    pub(crate) fn or(self, default: T) -> Option<T> {
        match self {
            Self::Absent => Some(default),
            Self::Unknown => None,
            Self::Known(value) => Some(value),
        }
    }

    /// The value if it is known and there.
    pub(crate) fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl Config {
    /// The policy, if all of it is known.
    pub(crate) fn policy(&self) -> Option<Policy> {
        Some(Policy {
            convention: self.tag_convention.clone().or(TagConvention::default())?,
            repositories: self.repositories.clone().known()?,
        })
    }

    /// Reads a configuration that has passed validation.
    pub(crate) fn read(config: &Value) -> Self {
        fn text<T: std::str::FromStr>(value: &Value) -> Option<T> {
            value.as_str()?.parse().ok()
        }
        Self {
            registry_id: Field::read(config.get(names::REGISTRY_ID), text),
            schedule: Field::read(config.get(names::SCHEDULE), text),
            start_time: Field::read(config.get(names::START_TIME), text),
            tag_convention: Field::read(config.get(names::TAG_CONVENTION), text),
            repositories: Field::read(config.get(names::REPOSITORIES), read_repositories),
            preflight: Field::read(config.get(names::PREFLIGHT), |value| {
                Preflight::from_word(value.as_str()?)
            }),
        }
    }
}

impl State {
    /// Reads a state or a plan; what is unknown in a plan counts as absent.
    pub(crate) fn read(state: &Value) -> Self {
        let text = |name| state.get(name).as_str().map(str::to_owned);
        Self {
            registry_id: text(names::REGISTRY_ID).unwrap_or_default(),
            schedule: text(names::SCHEDULE),
            start_time: text(names::START_TIME),
            tag_convention: text(names::TAG_CONVENTION),
            repositories: read_repositories(state.get(names::REPOSITORIES)),
            enabled: state.get(names::ENABLED).as_bool().unwrap_or(true),
            run_immediately: state.get(names::RUN_IMMEDIATELY).as_bool().unwrap_or(false),
            preflight: text(names::PREFLIGHT),
            timeouts: state.get(names::TIMEOUTS).clone(),
            id: text(names::ID),
            login_server: text(names::LOGIN_SERVER),
            schedule_cron: text(names::SCHEDULE_CRON),
            policy_digest: text(names::POLICY_DIGEST),
            tasks: entries(state.get(names::TASKS))
                .map(|(name, task)| (name.clone(), TaskState::read(task)))
                .collect(),
            role_assignments: entries(state.get(names::ROLE_ASSIGNMENTS))
                .filter_map(|(key, id)| Some((key.clone(), id.as_str()?.to_owned())))
                .collect(),
        }
    }

    /// The state as Terraform stores it.
    pub(crate) fn write(&self) -> Value {
        Value::object([
            (names::REGISTRY_ID, self.registry_id.clone().into()),
            (names::SCHEDULE, self.schedule.clone().into()),
            (names::START_TIME, self.start_time.clone().into()),
            (names::TAG_CONVENTION, self.tag_convention.clone().into()),
            (
                names::REPOSITORIES,
                self.repositories
                    .as_ref()
                    .map_or(Value::Null, write_repositories),
            ),
            (names::ENABLED, self.enabled.into()),
            (names::RUN_IMMEDIATELY, self.run_immediately.into()),
            (names::PREFLIGHT, self.preflight.clone().into()),
            (names::TIMEOUTS, self.timeouts.clone()),
            (names::ID, self.id.clone().into()),
            (names::WORKFLOW_TYPE, WORKFLOW_TYPE.into()),
            (names::LOGIN_SERVER, self.login_server.clone().into()),
            (names::SCHEDULE_CRON, self.schedule_cron.clone().into()),
            (names::POLICY_DIGEST, self.policy_digest.clone().into()),
            (
                names::TASKS,
                Value::Map(
                    self.tasks
                        .iter()
                        .map(|(name, task)| (name.clone(), task.write()))
                        .collect(),
                ),
            ),
            (
                names::ROLE_ASSIGNMENTS,
                Value::Map(
                    self.role_assignments
                        .iter()
                        .map(|(key, id)| (key.clone(), id.clone().into()))
                        .collect(),
                ),
            ),
        ])
    }

    /// The policy that the state describes; [`None`] where it is incomplete.
    pub(crate) fn policy(&self) -> Option<Policy> {
        Some(Policy {
            convention: self.tag_convention.as_deref()?.parse().ok()?,
            repositories: self.repositories.clone()?,
        })
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

/// The repositories as Terraform stores them.
pub(crate) fn write_repositories(repositories: &BTreeMap<String, Repository>) -> Value {
    let write = |repository: &Repository| {
        Value::object([
            (
                names::TAGS,
                Value::Set(repository.tags.iter().cloned().map(Value::from).collect()),
            ),
            (names::ENABLED, repository.enabled.into()),
        ])
    };
    Value::Map(
        repositories
            .iter()
            .map(|(name, repository)| (name.clone(), write(repository)))
            .collect(),
    )
}

/// [`None`] where any of it is unknown or null.
fn read_repositories(value: &Value) -> Option<BTreeMap<String, Repository>> {
    value
        .as_map()?
        .iter()
        .map(|(name, repository)| {
            let tags: Option<BTreeSet<String>> = repository
                .get(names::TAGS)
                .as_elements()?
                .iter()
                .map(|tag| tag.as_str().map(str::to_owned))
                .collect();
            let enabled = Field::read(repository.get(names::ENABLED), Value::as_bool).or(true)?;
            let repository = Repository {
                tags: tags?,
                enabled,
            };
            Some((name.clone(), repository))
        })
        .collect()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_map().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_being_stored() {
        let state = State {
            registry_id: "/x".to_owned(),
            schedule: Some("7d".to_owned()),
            repositories: Some(
                [(
                    "python".to_owned(),
                    Repository {
                        tags: ["3.11".to_owned()].into(),
                        enabled: false,
                    },
                )]
                .into(),
            ),
            timeouts: Value::object([("create", Value::from("5m"))]),
            tasks: [("cssc-scan-image".to_owned(), TaskState::default())].into(),
            role_assignments: [("a/b".to_owned(), "/y".to_owned())].into(),
            ..State::default()
        };
        assert_eq!(State::read(&state.write()), state);
    }

    #[test]
    fn what_is_partly_unknown_is_not_known() {
        let config = Value::object([(
            names::REPOSITORIES,
            Value::Map(
                [(
                    "python".to_owned(),
                    Value::object([
                        (names::TAGS, Value::Set(vec!["a".into(), Value::Unknown])),
                        (names::ENABLED, Value::Null),
                    ]),
                )]
                .into(),
            ),
        )]);
        assert_eq!(Config::read(&config).repositories, Field::Unknown);
        assert_eq!(Config::read(&config).schedule, Field::Absent);
    }
}
