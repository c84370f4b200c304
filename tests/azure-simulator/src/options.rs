//! The options of a simulator at start.

use std::path::PathBuf;

use crate::cloud::Cloud;
use crate::fault::Fault;
use crate::knobs::Knobs;
use crate::registry::RegistrySpec;

/// The default subscription.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
/// The default tenant.
pub const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// The client ID of the default application.
pub const CLIENT_ID: &str = "11111111-1111-1111-1111-111111111111";
/// The client secret of the default application.
pub const CLIENT_SECRET: &str = "simulator-secret";

/// The options of a simulator.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The HTTPS port; 0 selects a free port.
    pub port: u16,
    /// The proxy port; 0 selects a free port.
    pub proxy_port: u16,
    /// The plain HTTP port of the managed identity endpoints; 0 selects a free port.
    pub plain_port: u16,
    /// The cloud to simulate.
    pub cloud: Cloud,
    /// A host that serves the cloud's metadata endpoints, in addition to ARM.
    pub metadata_host: Option<String>,
    /// The file to write the certificate authority to.
    ///
    /// `None` uses a temporary file, which is deleted with the simulator.
    pub ca_file: Option<PathBuf>,
    /// The file to write the request log to as JSON lines; `None` keeps it in memory only.
    pub log_file: Option<PathBuf>,
    /// The initial registries.
    pub registries: Vec<RegistrySpec>,
    /// The initial faults.
    pub faults: Vec<Fault>,
    /// The initial knobs.
    pub knobs: Knobs,
}

impl Options {
    /// Adds a registry.
    #[must_use]
    pub fn registry(mut self, registry: RegistrySpec) -> Self {
        self.registries.push(registry);
        self
    }

    /// Sets the cloud to simulate.
    #[must_use]
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// Sets a host that serves the cloud's metadata endpoints.
    #[must_use]
    pub fn metadata_host(mut self, host: &str) -> Self {
        self.metadata_host = Some(host.to_lowercase());
        self
    }

    /// Sets knobs.
    #[must_use]
    pub fn knobs(mut self, turn: impl FnOnce(&mut Knobs)) -> Self {
        turn(&mut self.knobs);
        self
    }
}
