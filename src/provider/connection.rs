//! The connection to Azure, which exists once the provider is configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::azure::registry::Registry;
use crate::azure::{Azure, RegistryClient, RegistryId};
use crate::http::Budget;
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{self, TIMEOUTS, Timeouts};
use crate::provider::registry_claims::RegistryClaims;
use crate::provider::registry_locks::RegistryLocks;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::Context;
use terraform_plugin::value::Value;

/// The connection to Azure that all resources share. The provider sets it when it is configured.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    link: RwLock<Link>,
    /// The registries that a refresh found deleted, as lower-case IDs.
    gone: RwLock<BTreeSet<String>>,
    /// The registries that refreshes have read, by lower-case ID, until a plan takes them.
    read: RwLock<BTreeMap<String, Registry>>,
    locks: RegistryLocks,
    claims: RegistryClaims,
}

/// The configuration state of the provider.
#[derive(Clone, Debug, Default)]
pub(crate) enum Link {
    /// The provider is not configured, because the host only validates.
    #[default]
    None,
    /// The provider block has values that are known only after apply.
    Unknown,
    /// The provider is configured.
    Ready {
        /// The Azure client.
        azure: Azure,
        /// The configured subscription, for operations whose arguments contain no subscription ID.
        subscription: Option<String>,
    },
}

impl Connection {
    /// Sets the outcome of configuring the provider, and replaces an earlier one.
    pub(crate) fn set(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// Returns the configured subscription.
    pub(crate) fn subscription(&self) -> Option<String> {
        match &*self.link.read().unwrap_or_else(PoisonError::into_inner) {
            Link::Ready { subscription, .. } => subscription.clone(),
            Link::None | Link::Unknown => None,
        }
    }

    /// Returns a client for a registry, for one operation with a timeout that starts now.
    ///
    /// # Errors
    /// If the provider isn't configured yet.
    pub(crate) fn registry(
        &self,
        context: &Context,
        id: RegistryId,
        timeout: Duration,
    ) -> Result<RegistryClient, Diagnostic> {
        let budget = Budget::new(timeout, context.cancelled.clone());
        Ok(RegistryClient::new(self.ready()?, budget, id))
    }

    /// Returns a client for the registry in a data source's configuration, with its read timeout.
    ///
    /// # Errors
    /// If the provider isn't configured yet, or the registry ID is not valid.
    pub(crate) fn registry_of(
        &self,
        context: &Context,
        config: &Value,
    ) -> Result<RegistryClient, Diagnostic> {
        let id = registry_id::read(config)?;
        let timeout = Timeouts::of_config(config.get(TIMEOUTS)).of(timeouts::Operation::Read);
        tracing::info!(operation = "read", registry_id = %id, "working on a registry");
        self.registry(context, id, timeout)
    }

    /// Returns the locks for changes to registries' workflows.
    pub(crate) fn locks(&self) -> &RegistryLocks {
        &self.locks
    }

    /// Returns which resource manages the workflow of each registry.
    pub(crate) fn claims(&self) -> &RegistryClaims {
        &self.claims
    }

    /// Records that a refresh found a registry deleted.
    pub(crate) fn note_gone(&self, registry: &str) {
        self.gone
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(registry.to_lowercase());
    }

    /// Whether a refresh in this process found the registry deleted. After that refresh, a destroy plans once
    /// more as if it created everything again, and that plan must not fail.
    pub(crate) fn was_gone(&self, registry: &str) -> bool {
        self.gone
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&registry.to_lowercase())
    }

    /// Keeps a registry that a refresh has read, for the plan that follows it.
    pub(crate) fn note_registry(&self, id: &str, registry: Registry) {
        self.read
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_lowercase(), registry);
    }

    /// Returns the registry that a refresh has read, if no plan has taken it yet.
    pub(crate) fn take_registry(&self, id: &str) -> Option<Registry> {
        self.read
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id.to_lowercase())
    }

    /// Whether the provider block has values that are known only after apply.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(
            &*self.link.read().unwrap_or_else(PoisonError::into_inner),
            Link::Unknown
        )
    }

    /// Returns the Azure client, if the provider is configured. A plan also works without it.
    pub(crate) fn if_ready(&self) -> Option<Azure> {
        match &*self.link.read().unwrap_or_else(PoisonError::into_inner) {
            Link::Ready { azure, .. } => Some(azure.clone()),
            Link::None | Link::Unknown => None,
        }
    }

    /// Returns the Azure client, for operations that need it.
    ///
    /// # Errors
    /// If the provider isn't configured yet.
    pub(crate) fn ready(&self) -> Result<Azure, Diagnostic> {
        self.if_ready().ok_or_else(|| {
            Diagnostic::error(
                "The provider is not configured yet",
                "The provider block has values that are known only after apply, but this operation \
                 needs access to Azure. First apply the resources that these values come from \
                 (`-target`), or set the values through ARM_* environment variables.",
            )
        })
    }
}
