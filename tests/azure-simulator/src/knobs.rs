//! The knobs: the settings that change how the simulated Azure behaves.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::tokens::Validity;

/// The settings of the simulated Azure. Every knob can change while the simulator runs.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// The latency of every request in milliseconds. While the simulator's clock is stopped, requests do not
    /// wait. They count as begun that long before their response.
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// Milliseconds until a new principal or role assignment has propagated.
    #[arg(long, default_value_t = 0)]
    pub replication_delay_ms: u64,
    /// The lifetime of Entra access tokens in seconds.
    #[arg(long, default_value_t = 3600)]
    pub token_lifetime_s: u64,
    /// The lifetime of a registry's refresh tokens in seconds.
    #[arg(long, default_value_t = 10_800)]
    pub refresh_token_lifetime_s: u64,
    /// The lifetime of a registry's access tokens in seconds.
    #[arg(long, default_value_t = 4_500)]
    pub registry_token_lifetime_s: u64,
    /// The seconds for which access and refresh tokens stay valid after their stated end.
    #[arg(long, default_value_t = 0)]
    pub token_grace_s: u64,
    /// The lifetime of GitHub's and Azure DevOps's tokens in seconds.
    #[arg(long, default_value_t = 600)]
    pub oidc_token_lifetime_s: u64,
    /// Entra does not know the audience of ACR's data plane.
    #[arg(long)]
    pub acr_audience_unknown: bool,
    /// Registries refuse tokens for the data plane's audience, and accept tokens for ARM.
    #[arg(long)]
    pub acr_audience_refused: bool,
    /// The number of reads of a task after a write that show `Creating` or `Updating`.
    #[arg(long, default_value_t = 0)]
    pub provisioning_looks: u32,
    /// The number of reads of a deleted task that show `Deleting`, and of polls of a resource group's deletion.
    #[arg(long, default_value_t = 0)]
    pub deletion_looks: u32,
    /// The number of reads that still return a deleted task, by name or in the list.
    #[arg(long, default_value_t = 0)]
    pub task_deletion_looks: u32,
    /// The number of reads that still return a deleted role assignment, by ID or in a list.
    #[arg(long, default_value_t = 0)]
    pub assignment_deletion_looks: u32,
    /// The number of reads that still return a deleted repository.
    #[arg(long, default_value_t = 0)]
    pub repository_deletion_looks: u32,
    /// The number of reads of a task after a PUT or PATCH that return its old state.
    #[arg(long, default_value_t = 0)]
    pub stale_task_looks: u32,
    /// The number of task lists after a write that return the old state.
    #[arg(long, default_value_t = 0)]
    pub stale_task_list_looks: u32,
    /// The number of role assignment lists after a write that lack new assignments, and show changed and
    /// deleted assignments in their old state.
    #[arg(long, default_value_t = 0)]
    pub stale_assignment_list_looks: u32,
    /// The number of reads of a registry after a change that return its old state.
    #[arg(long, default_value_t = 0)]
    pub stale_registry_looks: u32,
    /// The number of reads by tag after a push that return the old manifest, or none.
    #[arg(long, default_value_t = 0)]
    pub stale_tag_looks: u32,
    /// The number of reads of a task with a new identity that lack its principal ID; 4294967295 means all.
    #[arg(long, default_value_t = 0)]
    pub late_identity_looks: u32,
    /// A task whose identity is late; can be repeated. If omitted, all identities are late.
    #[arg(long = "late-identity-task")]
    pub late_identity_tasks: Vec<String>,
    /// Task writes end in `provisioningState: Failed`.
    #[arg(long)]
    pub provisioning_fails: bool,
    /// Task writes return an `Azure-AsyncOperation` header to poll.
    #[arg(long)]
    pub async_operations: bool,
    /// Milliseconds that a run is queued, and then that it runs; if omitted, one read each.
    #[arg(long)]
    pub run_duration_ms: Option<u64>,
    /// The number of additional reads that show a run `Running`; each adds lines to its log.
    #[arg(long, default_value_t = 0)]
    pub run_looks: u32,
    /// The number of additional reads that show a run `Queued`; 4294967295 means all.
    #[arg(long, default_value_t = 0)]
    pub queued_looks: u32,
    /// The number of reads that show a run active after its cancellation was accepted; 4294967295 means all.
    #[arg(long, default_value_t = 0)]
    pub cancellation_looks: u32,
    /// The maximum number of rows on a page of an ARM list.
    #[arg(long, default_value_t = 100)]
    pub page_size: usize,
    /// The letter case of the resource IDs that ARM returns.
    #[arg(long, value_enum, default_value_t = IdCase::AsStored)]
    pub id_case: IdCase,
    /// Tasks are returned with `Linux` for `linux` and `enabled` for `Enabled`, and without empty `values`.
    #[arg(long)]
    pub respelled: bool,
    /// The data plane redirects blob reads to blob storage, as ACR does.
    #[arg(long)]
    pub blob_redirects: bool,
    /// An action denied to all principals, such as `Microsoft.Authorization/roleAssignments/write`; can be
    /// repeated.
    #[arg(long = "deny-action")]
    pub denied_actions: Vec<String>,
    /// Throttles requests, with the limits of the following knobs.
    #[arg(long)]
    pub throttling: bool,
    /// The ARM bucket size for reads, per principal and subscription.
    #[arg(long, default_value_t = 250)]
    pub arm_reads: u32,
    /// The number of reads added to the bucket per second.
    #[arg(long, default_value_t = 25)]
    pub arm_reads_per_s: u32,
    /// The ARM bucket size for writes, per principal and subscription.
    #[arg(long, default_value_t = 200)]
    pub arm_writes: u32,
    /// The number of writes added to the bucket per second.
    #[arg(long, default_value_t = 10)]
    pub arm_writes_per_s: u32,
    /// The ARM bucket size for deletes, per principal and subscription.
    #[arg(long, default_value_t = 200)]
    pub arm_deletes: u32,
    /// The number of deletes added to the bucket per second.
    #[arg(long, default_value_t = 10)]
    pub arm_deletes_per_s: u32,
    /// Reads per minute of a registry, and of each identity; defaults to the documented limits of the SKU.
    #[arg(long)]
    pub registry_reads_per_minute: Option<u32>,
    /// Writes per minute; defaults to the documented limits of the SKU.
    #[arg(long)]
    pub registry_writes_per_minute: Option<u32>,
    /// Deletes per minute; defaults to the documented limits of the SKU.
    #[arg(long)]
    pub registry_deletes_per_minute: Option<u32>,
    /// Token requests per minute; defaults to the documented limits of the SKU.
    #[arg(long)]
    pub registry_sign_ins_per_minute: Option<u32>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            replication_delay_ms: 0,
            token_lifetime_s: 3600,
            refresh_token_lifetime_s: 10_800,
            registry_token_lifetime_s: 4_500,
            token_grace_s: 0,
            oidc_token_lifetime_s: 600,
            acr_audience_unknown: false,
            acr_audience_refused: false,
            provisioning_looks: 0,
            deletion_looks: 0,
            task_deletion_looks: 0,
            assignment_deletion_looks: 0,
            repository_deletion_looks: 0,
            stale_task_looks: 0,
            stale_task_list_looks: 0,
            stale_assignment_list_looks: 0,
            stale_registry_looks: 0,
            stale_tag_looks: 0,
            late_identity_looks: 0,
            late_identity_tasks: Vec::new(),
            provisioning_fails: false,
            async_operations: false,
            run_duration_ms: None,
            run_looks: 0,
            queued_looks: 0,
            cancellation_looks: 0,
            page_size: 100,
            id_case: IdCase::AsStored,
            respelled: false,
            blob_redirects: false,
            denied_actions: Vec::new(),
            throttling: false,
            arm_reads: 250,
            arm_reads_per_s: 25,
            arm_writes: 200,
            arm_writes_per_s: 10,
            arm_deletes: 200,
            arm_deletes_per_s: 10,
            registry_reads_per_minute: None,
            registry_writes_per_minute: None,
            registry_deletes_per_minute: None,
            registry_sign_ins_per_minute: None,
        }
    }
}

impl Knobs {
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// Returns the number of reads of this task that lack the principal ID of a new identity.
    pub(crate) fn identity_delay(&self, task: &str) -> u32 {
        let mut late = self.late_identity_tasks.iter();
        if self.late_identity_tasks.is_empty() || late.any(|name| name.eq_ignore_ascii_case(task)) {
            self.late_identity_looks
        } else {
            0
        }
    }

    /// Returns the validity of a token with this stated lifetime.
    pub(crate) fn validity(&self, stated: Duration) -> Validity {
        let grace = Duration::from_secs(self.token_grace_s);
        Validity { stated, grace }
    }

    pub(crate) fn token_lifetime(&self) -> Duration {
        Duration::from_secs(self.token_lifetime_s)
    }

    pub(crate) fn replication_delay(&self) -> Duration {
        Duration::from_millis(self.replication_delay_ms)
    }
}

/// The letter case of the resource IDs that ARM returns. Azure services differ in whether they keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdCase {
    /// As created.
    #[default]
    AsStored,
    /// The segment `resourcegroups` and the resource group name in lower case.
    LowerGroup,
    /// The resource group name in upper case.
    UpperGroup,
    /// The whole ID in lower case.
    Lower,
}
