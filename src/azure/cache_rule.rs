//! Lists a registry's cache rules. They name the repositories that the registry fills from other
//! registries.

use serde::Deserialize;

use crate::azure::{Error, Operation, OperationKind, RegistryClient, arm};

const API_VERSION: &str = "2025-11-01";

/// A cache rule. A pull from its target repository comes from its source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct CacheRule {
    /// The repository that the rule fills. If it ends in `/*`, the rule fills all repositories below it.
    pub(crate) target_repository: String,
}

impl CacheRule {
    /// Whether the rule fills this repository.
    #[must_use]
    pub(crate) fn fills(&self, repository: &str) -> bool {
        match self.target_repository.strip_suffix('*') {
            Some(prefix) => repository.starts_with(prefix),
            None => repository == self.target_repository,
        }
    }
}

impl RegistryClient {
    /// Lists all cache rules of the registry.
    ///
    /// # Errors
    /// Not found if the registry doesn't exist, or any request error.
    pub(crate) async fn list_cache_rules(&self) -> Result<Vec<CacheRule>, Error> {
        let operation = Operation::new(OperationKind::ListCacheRules, self.id.to_string());
        let id = format!("{}/cacheRules", self.id);
        let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
        self.azure
            .arm_list(&self.budget, &operation, url, |_| false)
            .await
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
    fn a_rule_fills_its_target_or_everything_below_it() {
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
