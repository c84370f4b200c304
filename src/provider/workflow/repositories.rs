//! The attribute `repositories` of configurations and states.

use std::collections::{BTreeMap, BTreeSet};

use terraform_plugin::model::ToValue as _;
use terraform_plugin::value::Value;

use crate::patching::Repository;
use crate::provider::workflow::names;

terraform_plugin::model! {
    /// One repository.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) struct RepositoryModel {
        tags: BTreeSet<String> = names::TAGS,
        enabled: bool = names::ENABLED => or(true),
    }
}

impl From<RepositoryModel> for Repository {
    fn from(model: RepositoryModel) -> Self {
        let RepositoryModel { tags, enabled } = model;
        Self { tags, enabled }
    }
}

impl From<&Repository> for RepositoryModel {
    fn from(repository: &Repository) -> Self {
        Self {
            tags: repository.tags.clone(),
            enabled: repository.enabled,
        }
    }
}

/// Returns the repositories of a policy, by name.
pub(super) fn to_policy(models: BTreeMap<String, RepositoryModel>) -> BTreeMap<String, Repository> {
    let models = models.into_iter();
    models.map(|(name, model)| (name, model.into())).collect()
}

/// Returns the repositories of a state, by name.
pub(super) fn of_policy(
    repositories: &BTreeMap<String, Repository>,
) -> BTreeMap<String, RepositoryModel> {
    let repositories = repositories.iter();
    let model = |(name, repository): (&String, &Repository)| (name.clone(), repository.into());
    repositories.map(model).collect()
}

/// Returns the repositories as a Terraform value.
pub(super) fn write_repositories(repositories: &BTreeMap<String, Repository>) -> Value {
    of_policy(repositories).to_value()
}
