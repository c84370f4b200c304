//! What a simulator can be told once, at its start.

use std::path::PathBuf;

use crate::cloud::Cloud;
use crate::fault::Fault;
use crate::knobs::Knobs;
use crate::registry::RegistrySpec;

/// The subscription that exists without asking.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
/// The tenant that exists without asking.
pub const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// The application that may sign in without asking.
pub const CLIENT_ID: &str = "11111111-1111-1111-1111-111111111111";
/// That application's secret.
pub const CLIENT_SECRET: &str = "simulator-secret";

/// How a simulator starts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The HTTPS port; 0 or none takes a free one.
    pub port: u16,
    /// The forward proxy's port; 0 or none takes a free one.
    pub proxy_port: u16,
    /// The port of what speaks plain HTTP, the managed identities' endpoints; 0 or none takes a free one.
    pub plain_port: u16,
    /// The cloud to play.
    pub cloud: Cloud,
    /// A host that tells where the cloud's parts are, besides the cloud's own ARM.
    pub metadata_host: Option<String>,
    /// Where to write the certificate authority; none = a temporary file that goes away with the simulator.
    pub ca_file: Option<PathBuf>,
    /// Where to write the request log as JSON lines; none = memory only.
    pub log_file: Option<PathBuf>,
    /// The registries that are there from the start.
    pub registries: Vec<RegistrySpec>,
    /// The faults that are planted from the start.
    pub faults: Vec<Fault>,
    /// The knobs' first positions.
    pub knobs: Knobs,
}

impl Options {
    /// Adds a registry.
    #[must_use]
    pub fn registry(mut self, registry: RegistrySpec) -> Self {
        self.registries.push(registry);
        self
    }

    /// Plays that cloud.
    #[must_use]
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// Lets that host tell where the cloud's parts are.
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
