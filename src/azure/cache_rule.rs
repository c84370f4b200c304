//! A registry's cache rules: which of its repositories it fills by itself from elsewhere.

use serde::Deserialize;

use crate::azure::{Error, Operation, OperationKind, RegistryClient, arm};

const API_VERSION: &str = "2025-11-01";

/// A cache rule: what is pulled from its target comes from its source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct CacheRule {
    /// The repository that is filled; one that ends in `/*` stands for all below it.
    pub(crate) target_repository: String,
}

impl CacheRule {
    /// Whether it fills this repository.
    #[must_use]
    pub(crate) fn fills(&self, repository: &str) -> bool {
        match self.target_repository.strip_suffix('*') {
            Some(prefix) => repository.starts_with(prefix),
            None => repository == self.target_repository,
        }
    }
}

impl RegistryClient {
    /// All cache rules of a registry.
    ///
    /// # Errors
    /// Not found when the registry isn't there, among the usual ones.
    pub(crate) async fn list_cache_rules(&self) -> Result<Vec<CacheRule>, Error> {
        let operation = Operation::new(OperationKind::ListCacheRules, self.id.to_string());
        let id = format!("{}/cacheRules", self.id);
        let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
        self.azure.arm_list(&self.budget, &operation, url).await
    }
}

#[derive(Deserialize)]
struct Wire {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    target_repository: String,
}

impl From<Wire> for CacheRule {
    fn from(wire: Wire) -> Self {
        Self {
            target_repository: wire.properties.target_repository,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fills_its_target_or_what_is_below_it() {
        let rule = |target: &str| CacheRule {
            target_repository: target.to_owned(),
        };
        assert!(rule("hub/nginx").fills("hub/nginx"));
        assert!(!rule("hub/nginx").fills("hub/nginx2"));
        assert!(rule("hub/*").fills("hub/nginx"));
        assert!(!rule("hub/*").fills("hubs/nginx"));
        assert!(rule("*").fills("anything"));
    }
}
