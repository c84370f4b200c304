//! Registries: their settings ([`RegistrySpec`]) and their contents.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::options::SUBSCRIPTION;
use crate::repository::{Fate, Repository};
use crate::run::{Run, RunFailure};
use crate::task::Task;

/// The settings of a registry.
///
/// As text: `contoso,rg=demo,location=westeurope,sku=Premium,abac,restricted,bypass,allow-client`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrySpec {
    pub(crate) name: String,
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) location: String,
    pub(crate) sku: String,
    pub(crate) abac: bool,
    pub(crate) restricted: bool,
    pub(crate) tasks_bypass: bool,
    pub(crate) client_allowed: bool,
    pub(crate) provisioning_state: String,
    pub(crate) domain_label: Option<String>,
    pub(crate) tokens_of_arm: bool,
    pub(crate) admin_user_enabled: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

impl RegistrySpec {
    /// Returns a public Standard registry without ABAC, in the group `demo` of the default subscription.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            subscription: SUBSCRIPTION.to_owned(),
            resource_group: "demo".to_owned(),
            location: "westeurope".to_owned(),
            sku: "Standard".to_owned(),
            abac: false,
            restricted: false,
            tasks_bypass: false,
            client_allowed: false,
            provisioning_state: "Succeeded".to_owned(),
            domain_label: None,
            tokens_of_arm: true,
            admin_user_enabled: false,
            tags: BTreeMap::new(),
        }
    }

    /// Returns whether the registry is in this resource group. Both names ignore letter case.
    pub(crate) fn is_in(&self, subscription: &str, group: &str) -> bool {
        self.subscription.eq_ignore_ascii_case(subscription)
            && self.resource_group.eq_ignore_ascii_case(group)
    }

    /// Uses ABAC repository permissions.
    #[must_use]
    pub fn abac(mut self) -> Self {
        self.abac = true;
        self
    }

    /// Disables public network access. The data plane refuses clients outside the allowed network.
    #[must_use]
    pub fn restricted(mut self) -> Self {
        self.restricted = true;
        self
    }

    /// Allows ACR Tasks to bypass the network rules.
    #[must_use]
    pub fn tasks_bypass(mut self) -> Self {
        self.tasks_bypass = true;
        self
    }

    /// Treats clients of the simulator as inside the allowed network.
    #[must_use]
    pub fn client_allowed(mut self) -> Self {
        self.client_allowed = true;
        self
    }

    /// Refuses tokens for ARM at the data plane (`azureADAuthenticationAsArmPolicy` disabled).
    #[must_use]
    pub fn without_arm_tokens(mut self) -> Self {
        self.tokens_of_arm = false;
        self
    }

    /// Adds a hash to the login server, as for registries with a domain name label.
    #[must_use]
    pub fn domain_label(mut self, hash: &str) -> Self {
        self.domain_label = Some(hash.to_owned());
        self
    }

    /// Sets the resource group.
    #[must_use]
    pub fn resource_group(mut self, name: &str) -> Self {
        self.resource_group = name.to_owned();
        self
    }

    /// Sets the subscription.
    #[must_use]
    pub fn subscription(mut self, id: &str) -> Self {
        self.subscription = id.to_owned();
        self
    }

    /// Sets the region.
    #[must_use]
    pub fn location(mut self, name: &str) -> Self {
        self.location = name.to_owned();
        self
    }

    /// Sets the SKU: `Basic`, `Standard`, `Premium` or `Classic`.
    #[must_use]
    pub fn sku(mut self, name: &str) -> Self {
        self.sku = name.to_owned();
        self
    }

    /// Sets the provisioning state that ARM shows.
    #[must_use]
    pub fn provisioning_state(mut self, state: &str) -> Self {
        self.provisioning_state = state.to_owned();
        self
    }
}

impl FromStr for RegistrySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let mut spec = Self::new(
            parts
                .next()
                .filter(|name| !name.is_empty())
                .ok_or("a registry needs a name")?,
        );
        for part in parts {
            spec = match part.split_once('=').unwrap_or((part, "")) {
                ("abac", "") => spec.abac(),
                ("restricted", "") => spec.restricted(),
                ("bypass", "") => spec.tasks_bypass(),
                ("allow-client", "") => spec.client_allowed(),
                ("no-arm-tokens", "") => spec.without_arm_tokens(),
                ("dnl", hash) => spec.domain_label(hash),
                ("rg", name) => spec.resource_group(name),
                ("subscription", id) => spec.subscription(id),
                ("location", name) => spec.location(name),
                ("sku", name) => spec.sku(name),
                ("state", state) => spec.provisioning_state(state),
                _ => return Err(format!("`{part}` is not a registry option")),
            };
        }
        Ok(spec)
    }
}

/// A cache rule: it fills repositories from another registry on pull.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CacheRule {
    pub(crate) name: String,
    pub(crate) source: String,
    /// A repository, or a prefix with `/*`.
    pub(crate) target: String,
    pub(crate) created: Timestamp,
}

impl CacheRule {
    fn feeds(&self, repository: &str) -> bool {
        match self.target.strip_suffix('*') {
            Some(prefix) => repository.starts_with(prefix),
            None => repository == self.target,
        }
    }
}

/// A registry with its contents.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Registry {
    pub(crate) spec: RegistrySpec,
    /// The domain suffix of its login server.
    pub(crate) suffix: &'static str,
    pub(crate) created: Timestamp,
    /// By lower-case name.
    pub(crate) tasks: BTreeMap<String, Task>,
    /// Oldest first.
    pub(crate) runs: Vec<Run>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// The scan and patch results of images, by `repository:tag`.
    pub(crate) fates: BTreeMap<String, Fate>,
    pub(crate) cache_rules: Vec<CacheRule>,
    /// The scripted failures of its next runs.
    pub(crate) run_failures: Vec<RunFailure>,
    /// Replaced run logs by run ID; `None` if the log was removed.
    #[serde(skip)]
    pub(crate) stored_logs: BTreeMap<String, Option<Vec<u8>>>,
}

impl Registry {
    pub(crate) fn new(spec: RegistrySpec, cloud: Cloud, created: Timestamp) -> Self {
        Self {
            spec,
            suffix: cloud.registry_suffix(),
            created,
            tasks: BTreeMap::new(),
            runs: Vec::new(),
            repositories: BTreeMap::new(),
            fates: BTreeMap::new(),
            cache_rules: Vec::new(),
            run_failures: Vec::new(),
            stored_logs: BTreeMap::new(),
        }
    }

    pub(crate) fn add_cache_rule(&mut self, source: &str, target: &str, created: Timestamp) {
        self.cache_rules.push(CacheRule {
            name: format!("rule-{}", self.cache_rules.len() + 1),
            source: source.to_owned(),
            target: target.to_owned(),
            created,
        });
    }

    /// Counts a new run of a task, and returns the log with which a script lets it fail.
    pub(crate) fn next_failure(&mut self, task: &str) -> Option<String> {
        let mut failures = self.run_failures.iter_mut();
        let next = failures.find(|next| next.times > 0 && next.task.eq_ignore_ascii_case(task))?;
        next.times -= 1;
        Some(next.log.clone())
    }

    /// Returns whether the repository is the target of a cache rule. Clients cannot push to it.
    pub(crate) fn is_cache(&self, repository: &str) -> bool {
        self.cache_rules.iter().any(|rule| rule.feeds(repository))
    }

    pub(crate) fn id(&self) -> String {
        let RegistrySpec {
            subscription,
            resource_group,
            name,
            ..
        } = &self.spec;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ContainerRegistry/registries/{name}"
        )
    }

    pub(crate) fn login_server(&self) -> String {
        let (name, suffix) = (self.spec.name.to_lowercase(), self.suffix);
        match &self.spec.domain_label {
            Some(hash) => format!("{name}-{hash}.{suffix}"),
            None => format!("{name}.{suffix}"),
        }
    }
}
