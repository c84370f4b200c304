//! The repositories of a policy, as configurations and states have them.

use std::collections::{BTreeMap, BTreeSet};

use terraform_plugin::value::Value;

use crate::patching::Repository;
use crate::provider::workflow::field::Field;
use crate::provider::workflow::names;

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

/// Reads repositories; [`None`] where any of it is unknown or null.
pub(crate) fn read_repositories(value: &Value) -> Option<BTreeMap<String, Repository>> {
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
