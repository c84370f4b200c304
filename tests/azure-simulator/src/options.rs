//! What a simulator can be told: once at its start, and by its knobs while it runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
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

    /// Sets knobs.
    #[must_use]
    pub fn knobs(mut self, turn: impl FnOnce(&mut Knobs)) -> Self {
        turn(&mut self.knobs);
        self
    }
}

/// How the simulated Azure behaves; every knob may be turned while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Milliseconds that every request takes.
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// Milliseconds until a new principal is known and a new role assignment works.
    #[arg(long, default_value_t = 0)]
    pub replication_delay_ms: u64,
    /// Seconds for which Entra's tokens are good.
    #[arg(long, default_value_t = 3600)]
    pub token_lifetime_s: u64,
    /// How many looks at a task still show `Creating` or `Updating` after a write.
    #[arg(long, default_value_t = 0)]
    pub provisioning_looks: u32,
    /// How many looks at a deleted task still show it, `Deleting`.
    #[arg(long, default_value_t = 0)]
    pub deletion_looks: u32,
    /// How many looks at a deleted role assignment, by its id or in a list, still show it.
    #[arg(long, default_value_t = 0)]
    pub assignment_deletion_looks: u32,
    /// How many reads of a deleted repository still find it.
    #[arg(long, default_value_t = 0)]
    pub repository_deletion_looks: u32,
    /// How many looks at a task after a PUT or PATCH still show what was there before.
    #[arg(long, default_value_t = 0)]
    pub stale_task_looks: u32,
    /// How many task lists after a write still show what was there before.
    #[arg(long, default_value_t = 0)]
    pub stale_task_list_looks: u32,
    /// How many lists of role assignments after a write lack the new ones and have the deleted ones.
    #[arg(long, default_value_t = 0)]
    pub stale_assignment_list_looks: u32,
    /// How many looks at a registry after a change still show what it was before.
    #[arg(long, default_value_t = 0)]
    pub stale_registry_looks: u32,
    /// How many reads of a manifest by its tag after a push still find the old one, or none.
    #[arg(long, default_value_t = 0)]
    pub stale_tag_looks: u32,
    /// How many looks at a task with a new identity lack its principal.
    #[arg(long, default_value_t = 0)]
    pub late_identity_looks: u32,
    /// Task writes end in `provisioningState: Failed`.
    #[arg(long)]
    pub provisioning_fails: bool,
    /// Task writes answer with an `Azure-AsyncOperation` to poll.
    #[arg(long)]
    pub async_operations: bool,
    /// Milliseconds that a run is queued, and again that it runs; none = one look each.
    #[arg(long)]
    pub run_duration_ms: Option<u64>,
    /// The most rows of an ARM list before it goes on behind a `nextLink`.
    #[arg(long, default_value_t = 100)]
    pub page_size: usize,
    /// The letter case of the ids that ARM returns.
    #[arg(long, value_enum, default_value_t = IdCase::AsStored)]
    pub id_case: IdCase,
    /// Tasks come back with `Linux` and `enabled` where `linux` and `Enabled` were sent, and without empty `values`.
    #[arg(long)]
    pub respelled: bool,
    /// Blobs of the data plane are redirected to blob storage, as ACR does.
    #[arg(long)]
    pub blob_redirects: bool,
    /// An action that nobody is allowed, such as `Microsoft.Authorization/roleAssignments/write`; may be repeated.
    #[arg(long = "deny-action")]
    pub denied_actions: Vec<String>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            replication_delay_ms: 0,
            token_lifetime_s: 3600,
            provisioning_looks: 0,
            deletion_looks: 0,
            assignment_deletion_looks: 0,
            repository_deletion_looks: 0,
            stale_task_looks: 0,
            stale_task_list_looks: 0,
            stale_assignment_list_looks: 0,
            stale_registry_looks: 0,
            stale_tag_looks: 0,
            late_identity_looks: 0,
            provisioning_fails: false,
            async_operations: false,
            run_duration_ms: None,
            page_size: 100,
            id_case: IdCase::AsStored,
            respelled: false,
            blob_redirects: false,
            denied_actions: Vec::new(),
        }
    }
}

impl Knobs {
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    pub(crate) fn replication_delay(&self) -> Duration {
        Duration::from_millis(self.replication_delay_ms)
    }
}

/// The letter case of the ids that ARM returns: some services keep what they were sent, others don't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdCase {
    /// As the resource was created.
    #[default]
    AsStored,
    /// `resourcegroups` and the group's name in lower case.
    LowerGroup,
    /// The group's name in upper case.
    UpperGroup,
    /// Everything in lower case.
    Lower,
}
