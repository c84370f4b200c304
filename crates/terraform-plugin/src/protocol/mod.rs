//! The provider server: the plugin protocol's Provider service on top of [`crate::framework`].
//!
//! # Layout
//! - [`ProviderService`]: the gRPC service of a provider (this file)
//! - `service`: one short method per RPC
//! - `reply`: answers every RPC, even after an error or a panic
//! - `call_log`: logs the end of every call
//! - `type_registry`, `provider_schema`: type names, metadata, schemas, capabilities, provider block
//! - `managed_resources`: validate, plan, read, import, upgrade and generate configuration
//! - `apply`: create, update and delete, without losing an existing object
//! - `identity`: identities of managed resources
//! - `data_sources`, `list`, `actions`, `functions`: everything except managed resources
//! - `from_proto`, `to_proto`: conversions between the protocol's and the framework's types
//! - `protocol_diagnostics`: messages about errors between host and provider
//! - `operations`: cancels the running operations and waits for them
//!
//! Only an RPC that isn't implemented returns a gRPC status. A host reports a status as a crash of the
//! plugin, and loses track of an object that a create has made. Every other error is a diagnostic.

use std::fmt;
use std::sync::Arc;

use crate::framework::Provider;

mod actions;
mod apply;
mod call_log;
mod data_sources;
mod from_proto;
mod functions;
#[doc(hidden)]
pub mod generated;
mod identity;
mod list;
mod managed_resources;
mod operations;
mod protocol_diagnostics;
mod provider_schema;
mod reply;
mod service;
mod to_proto;
mod type_registry;

use generated::provider_server::ProviderServer;
use type_registry::TypeRegistry;

pub(crate) use operations::Operations;

/// The maximum size of a message in bytes. gRPC's default of 4 MiB is too small for a large
/// configuration. Providers written in Go use the same limit.
const MAX_MESSAGE_SIZE: usize = 256 << 20;

/// A provider as a gRPC service.
pub struct ProviderService {
    provider: Arc<dyn Provider>,
    types: TypeRegistry,
    operations: Operations,
}

impl ProviderService {
    /// Creates the service of a provider.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self {
            types: TypeRegistry::of(provider.as_ref()),
            provider,
            operations: Operations::default(),
        }
    }

    /// The running operations, for a shutdown.
    pub(crate) fn operations(&self) -> Operations {
        self.operations.clone()
    }

    /// Returns the gRPC server with the message limits that hosts expect.
    pub fn into_server(self) -> ProviderServer<Self> {
        ProviderServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE_SIZE)
            .max_encoding_message_size(MAX_MESSAGE_SIZE)
    }
}

impl fmt::Debug for ProviderService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderService")
            .field("resources", &self.types.resources.keys())
            .finish_non_exhaustive()
    }
}
