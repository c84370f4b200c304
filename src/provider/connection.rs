//! The way from a resource to Azure, which exists once the provider has been configured.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::azure::{Azure, RegistryClient, RegistryId};
use crate::http::Budget;
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{self, TIMEOUTS, Timeouts};
use crate::provider::registry_locks::RegistryLocks;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::Context;
use terraform_plugin::value::Value;

/// What the resources know of Azure. One for all of them, filled in by the provider.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    link: RwLock<Link>,
    /// Registries that a refresh has found gone, by their ids in lower case.
    gone: RwLock<BTreeSet<String>>,
    locks: RegistryLocks,
}

/// How far the provider is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Link {
    /// Not configured: the host only validates.
    #[default]
    None,
    /// Configured with values that aren't known before apply.
    Unknown,
    /// Ready.
    Ready {
        /// The handle to Azure.
        azure: Azure,
        /// The subscription that the provider is configured with, for what names none itself.
        subscription: Option<String>,
    },
}

impl Connection {
    /// Takes the outcome of configuring the provider, in place of an earlier one.
    pub(crate) fn set(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// The subscription that the provider has been configured with.
    pub(crate) fn subscription(&self) -> Option<String> {
        match &*self.link.read().unwrap_or_else(PoisonError::into_inner) {
            Link::Ready { subscription, .. } => subscription.clone(),
            Link::None | Link::Unknown => None,
        }
    }

    /// Azure at a registry, for one operation that may take so long from now on.
    ///
    /// # Errors
    /// The provider isn't configured yet.
    pub(crate) fn registry(
        &self,
        context: &Context,
        id: RegistryId,
        timeout: Duration,
    ) -> Result<RegistryClient, Diagnostic> {
        let budget = Budget::new(timeout, context.cancelled.clone());
        Ok(RegistryClient::new(self.ready()?, budget, id))
    }

    /// The same for a read of the registry of a data source's configuration, with its `timeouts`.
    ///
    /// # Errors
    /// The provider isn't configured yet, or there can't be such a registry.
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

    /// The locks under which registries' workflows are changed.
    pub(crate) fn locks(&self) -> &RegistryLocks {
        &self.locks
    }

    /// Notes that a refresh has found a registry gone.
    pub(crate) fn note_gone(&self, registry: &str) {
        self.gone
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(registry.to_lowercase());
    }

    /// Whether a refresh of this process has found the registry gone. A destroy plans once more
    /// after it, as if everything were to be created again, and mustn't fail at that.
    pub(crate) fn was_gone(&self, registry: &str) -> bool {
        self.gone
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&registry.to_lowercase())
    }

    /// Whether the provider block has values that aren't known before apply.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(
            &*self.link.read().unwrap_or_else(PoisonError::into_inner),
            Link::Unknown
        )
    }

    /// Azure, where it can be reached already. A plan does without it where it can't.
    pub(crate) fn if_ready(&self) -> Option<Azure> {
        match &*self.link.read().unwrap_or_else(PoisonError::into_inner) {
            Link::Ready { azure, .. } => Some(azure.clone()),
            Link::None | Link::Unknown => None,
        }
    }

    /// Azure, for what can't be done without it.
    ///
    /// # Errors
    /// Why it can't be reached, for the user.
    pub(crate) fn ready(&self) -> Result<Azure, Diagnostic> {
        self.if_ready().ok_or_else(|| {
            Diagnostic::error(
                "The provider is not configured yet",
                "The provider block depends on values that aren't known yet, and this operation \
                 needs Azure. Apply what those values depend on first (`-target`), or set them \
                 through ARM_* environment variables.",
            )
        })
    }
}
