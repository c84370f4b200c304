//! One read of a registry.

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::Context;
use terraform_plugin::value::Value;

use crate::azure::{Azure, RegistryId};
use crate::http::Budget;
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::connection::Connection;
use crate::provider::workflow::names;

/// One read of a registry.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) azure: Azure,
    pub(crate) budget: Budget,
    pub(crate) registry: RegistryId,
}

impl Work {
    /// Prepares a read of the registry of a data source's configuration.
    ///
    /// # Errors
    /// The provider isn't configured yet, or there can't be such a registry.
    pub(crate) fn look(
        connection: &Connection,
        context: &Context,
        config: &Value,
    ) -> Result<Self, Diagnostic> {
        let registry = registry_id::read(config)?;
        let timeout = Timeouts::of_config(config.get(names::TIMEOUTS)).of(Operation::Read);
        Ok(Self {
            azure: connection.ready()?,
            budget: Budget::new(timeout, context.cancelled.clone()),
            registry,
        })
    }
}
