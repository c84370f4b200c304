//! The configuration as Rust types. Anything in it may be unknown.

use std::collections::BTreeMap;

use terraform_plugin::value::Value;

use crate::patching::{Policy, Repository, Schedule, TagConvention, TimeOfDay};
use crate::provider::workflow::field::Field;
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use crate::provider::workflow::repositories::read_repositories;

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
            preflight: Field::read(config.get(names::PREFLIGHT), text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
