//! The state as Rust types. No value is unknown. A value that Azure may have lost is optional.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::model::{FromValue, Model as _, ToValue};
use terraform_plugin::value::{TypeError, Value};

use crate::patching::{Policy, Schedule, TagConvention, TaskName, TimeOfDay, WORKFLOW_TYPE};
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::repositories::{RepositoryModel, to_policy};
use crate::workflow::recorded::Recorded;

terraform_plugin::model! {
    /// The state.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) struct State {
        /// In the letter case of the configuration.
        pub(super) registry_id: String = names::REGISTRY_ID,
        pub(super) schedule: Option<Shown<Schedule>> = names::SCHEDULE,
        pub(super) start_time: Option<TimeOfDay> = names::START_TIME,
        pub(super) tag_convention: Option<TagConvention> = names::TAG_CONVENTION,
        pub(super) repositories: Option<BTreeMap<String, RepositoryModel>> = names::REPOSITORIES,
        pub(super) enabled: bool = names::ENABLED => or(true),
        pub(super) run_immediately: bool = names::RUN_IMMEDIATELY => or(false),
        pub(super) preflight: Option<Preflight> = names::PREFLIGHT,
        pub(super) adopt_existing: bool = names::ADOPT_EXISTING => or(false),
        pub(super) timeouts: Option<Timeouts> = names::TIMEOUTS,
        pub(super) id: Option<String> = names::ID,
        pub(super) workflow_type: WorkflowType = names::WORKFLOW_TYPE,
        pub(super) login_server: Option<String> = names::LOGIN_SERVER,
        pub(super) schedule_cron: Option<String> = names::SCHEDULE_CRON,
        pub(super) policy_digest: Option<String> = names::POLICY_DIGEST,
        pub(super) tasks: BTreeMap<TaskName, TaskState> = names::TASKS => or(BTreeMap::new()),
        /// The IDs, by the key of each role assignment.
        pub(super) role_assignments: BTreeMap<String, String> =
            names::ROLE_ASSIGNMENTS => or(BTreeMap::new()),
    }
}

terraform_plugin::model! {
    /// One task of [`State::tasks`].
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(super) struct TaskState {
        pub(super) id: Option<String> = names::ID,
        pub(super) principal_id: Option<String> = names::PRINCIPAL_ID,
        pub(super) definition: Option<String> = names::DEFINITION,
        pub(super) status: Option<String> = names::STATUS,
    }
}

/// The only workflow type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WorkflowType;

/// A value in Azure, which may be one that a configuration can't set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown<T> {
    /// A value that a configuration can set.
    Ours(T),
    /// Any other value, word for word.
    Foreign(String),
}

impl<T: FromStr> From<&str> for Shown<T> {
    fn from(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Foreign(text.to_owned()), Self::Ours)
    }
}

impl<T: FromStr> FromValue for Shown<T> {
    fn from_value(value: &Value) -> Result<Self, TypeError> {
        String::from_value(value).map(|text| text.as_str().into())
    }
}

impl<T: fmt::Display> ToValue for Shown<T> {
    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

impl FromValue for WorkflowType {
    // NO-OP: the value carries no information.
    fn from_value(_: &Value) -> Result<Self, TypeError> {
        Ok(Self)
    }
}

impl ToValue for WorkflowType {
    fn to_value(&self) -> Value {
        WORKFLOW_TYPE.into()
    }
}

terraform_plugin::text_value!(Schedule, TimeOfDay, TagConvention, Preflight);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(value) => value.fmt(f),
            Self::Foreign(text) => text.fmt(f),
        }
    }
}

impl State {
    /// The state of an import before the first refresh: only the registry is known.
    pub(super) fn imported(registry_id: String) -> Self {
        Self {
            registry_id,
            ..Self::default()
        }
    }

    /// Reads the state.
    ///
    /// # Errors
    /// The value is not a state of this resource.
    pub(super) fn of(state: &Value) -> Result<Self, Diagnostic> {
        Self::read(state).map_err(|misfit| {
            Diagnostic::error(
                "The state can't be read",
                format!(
                    "{misfit}. This is always a bug in the provider; please report it with the version \
                     that has written the state."
                ),
            )
        })
    }

    /// Reads the planned state. Values that are known after apply are absent.
    ///
    /// # Errors
    /// The value is not a planned state of this resource.
    pub(super) fn planned(plan: &Value) -> Result<Self, Diagnostic> {
        Self::of(&known_part(plan))
    }

    /// Returns the policy in state; [`None`] if it is incomplete.
    pub(super) fn policy(&self) -> Option<Policy> {
        Some(Policy {
            convention: self.tag_convention?,
            repositories: to_policy(self.repositories.clone()?),
        })
    }

    /// Returns the timeout of an operation.
    pub(super) fn timeout(&self, operation: Operation) -> std::time::Duration {
        let timeouts = self.timeouts.as_ref();
        timeouts.map_or(operation.default_timeout(), |it| it.of(operation))
    }

    /// Returns the recorded pieces of the workflow, for the engine.
    pub(super) fn recorded(&self, private: &PrivateData) -> Recorded {
        Recorded {
            registry_id: self.registry_id.clone(),
            login_server: self.login_server.clone(),
            policy: private.policy_manifest.clone().zip(self.policy()),
            tasks: self.tasks.keys().copied().collect(),
            role_assignments: self.role_assignments.clone(),
            ..Recorded::default()
        }
    }
}

/// Replaces unknown values with null, and removes unknown map elements.
fn known_part(value: &Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::Object(attributes) => Value::Object(
            attributes
                .iter()
                .map(|(name, value)| (name.clone(), known_part(value)))
                .collect(),
        ),
        Value::Map(elements) => Value::Map(
            elements
                .iter()
                .filter(|(_, element)| !element.is_unknown())
                .map(|(key, element)| (key.clone(), known_part(element)))
                .collect(),
        ),
        known => known.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::patching::Repository;
    use crate::provider::workflow::schema::schema;

    fn state() -> State {
        let repository = Repository {
            tags: ["3.11".to_owned()].into(),
            enabled: false,
        };
        let repository = RepositoryModel::from(&repository);
        let timeouts = Timeouts {
            create: "5m".parse().ok(),
            ..Timeouts::default()
        };
        State {
            schedule: Some("7d".into()),
            repositories: Some([("python".to_owned(), repository)].into()),
            timeouts: Some(timeouts),
            tasks: [(TaskName::Scan, TaskState::default())].into(),
            role_assignments: [("a/b".to_owned(), "/y".to_owned())].into(),
            ..State::imported("/x".to_owned())
        }
    }

    #[test]
    fn a_state_survives_a_round_trip() {
        assert_eq!(State::of(&state().write()), Ok(state()));
        let foreign = State {
            schedule: Some("0 0 * * 1".into()),
            ..state()
        };
        assert_eq!(State::of(&foreign.write()), Ok(foreign.clone()));
        assert_eq!(
            foreign.schedule,
            Some(Shown::Foreign("0 0 * * 1".to_owned()))
        );
    }

    #[test]
    fn values_known_after_apply_are_absent_from_a_plan() {
        let Value::Object(mut plan) = state().write() else {
            panic!("it is an object");
        };
        let task = Value::object([
            (names::ID, Value::from("/t")),
            (names::PRINCIPAL_ID, Value::Unknown),
            (names::DEFINITION, "sha256:1".into()),
            (names::STATUS, "Enabled".into()),
        ]);
        let unknown = |key: &str, value| Value::Map([(key.to_owned(), value)].into());
        plan.insert(names::TASKS.to_owned(), unknown("cssc-scan-image", task));
        plan.insert(
            names::ROLE_ASSIGNMENTS.to_owned(),
            unknown("a/b", Value::Unknown),
        );
        let plan = Value::Object(plan);
        assert!(State::of(&plan).is_err());
        let planned = State::planned(&plan).unwrap();
        assert_eq!(planned.tasks[&TaskName::Scan].principal_id, None);
        assert_eq!(planned.role_assignments, BTreeMap::new());
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
