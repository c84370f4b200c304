//! The configuration as Rust types. Every value may be unknown.

use std::collections::BTreeMap;

use terraform_plugin::model::{Field, FromValue};
use terraform_plugin::value::Value;

use crate::patching::{Policy, Repository, Schedule, TagConvention, TimeOfDay};
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::repositories::{RepositoryModel, to_policy};

/// A validated configuration. Invalid values count as unknown.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) registry_id: Field<String>,
    pub(super) schedule: Field<Schedule>,
    pub(super) start_time: Field<TimeOfDay>,
    pub(super) tag_convention: Field<TagConvention>,
    pub(super) repositories: Field<BTreeMap<String, Repository>>,
    pub(super) preflight: Field<Preflight>,
    pub(super) adopt_existing: Field<bool>,
}

impl Config {
    /// Reads the configuration of the resource, or of a data source with some of its arguments.
    pub(super) fn read(config: &Value) -> Self {
        fn field<T: FromValue>(config: &Value, name: &str) -> Field<T> {
            Field::read(config.get(name), |value| T::from_value(value).ok())
        }
        let repositories: Field<BTreeMap<String, RepositoryModel>> =
            field(config, names::REPOSITORIES);
        Self {
            registry_id: field(config, names::REGISTRY_ID),
            schedule: field(config, names::SCHEDULE),
            start_time: field(config, names::START_TIME),
            tag_convention: field(config, names::TAG_CONVENTION),
            repositories: repositories.map(to_policy),
            preflight: field(config, names::PREFLIGHT),
            adopt_existing: field(config, names::ADOPT_EXISTING),
        }
    }

    /// Returns the policy if it is wholly known.
    pub(super) fn policy(&self) -> Option<Policy> {
        let convention = self.tag_convention;
        Some(Policy {
            convention: convention.or(TagConvention::default())?,
            repositories: self.repositories.clone().known()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partly_unknown_policy_is_unknown() {
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
