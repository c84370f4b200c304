//! The plugin protocol's Provider service: what a host calls, in terms of [`crate::framework`].
//!
//! # Layout
//! - [`ProviderService`]: a provider to be served (this file)
//! - `service`: one short method per call
//! - `reply`: how every call is answered, whatever happens in it
//! - `type_registry`, `provider_schema`: what there is: names, metadata, schemas, capabilities
//! - `managed_resources`: validate, plan, read, import, upgrade and configuration of a managed resource
//! - `apply`: create, update and delete, after which nothing that exists is lost
//! - `identity`: what tells a managed object from all others, and never changes
//! - `data_sources`, `list`, `actions`, `functions`: what isn't managed
//! - `from_proto`, `to_proto`: the protocol's types and ours
//! - `protocol_diagnostics`: wording of what goes wrong between host and provider
//! - `operations`: what runs now: how it is cancelled, and how it is waited for
//!
//! A call is answered with a gRPC status only where it isn't implemented at all: a host shows a
//! status as a crash of the plugin, and forgets what a create has made. Everything else is a
//! diagnostic.

use std::fmt;
use std::sync::Arc;

use crate::framework::Provider;

mod actions;
mod apply;
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

/// The largest message taken or sent, in bytes. gRPC's own 4 MiB are too few for a large
/// configuration; this is what providers written in Go allow.
const MAX_MESSAGE_SIZE: usize = 256 << 20;

/// A provider as a gRPC service.
pub struct ProviderService {
    provider: Arc<dyn Provider>,
    types: TypeRegistry,
    operations: Operations,
}

impl ProviderService {
    /// The service of this provider.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self {
            types: TypeRegistry::of(provider.as_ref()),
            provider,
            operations: Operations::default(),
        }
    }

    /// What the service runs, to be stopped and waited for.
    pub(crate) fn operations(&self) -> Operations {
        self.operations.clone()
    }

    /// The service ready to be served, with the limits that hosts expect.
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
