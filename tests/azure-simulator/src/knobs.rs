//! The knobs: how the simulated Azure behaves, while it runs.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

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
    /// Seconds for which a registry's refresh tokens are good.
    #[arg(long, default_value_t = 10_800)]
    pub refresh_token_lifetime_s: u64,
    /// Seconds for which a registry's access tokens are good.
    #[arg(long, default_value_t = 4_500)]
    pub registry_token_lifetime_s: u64,
    /// Seconds for which the tokens of GitHub and Azure DevOps are good.
    #[arg(long, default_value_t = 600)]
    pub oidc_token_lifetime_s: u64,
    /// Entra doesn't know the audience of ACR's data plane.
    #[arg(long)]
    pub acr_audience_unknown: bool,
    /// Registries refuse tokens of the data plane's audience, and take ARM's.
    #[arg(long)]
    pub acr_audience_refused: bool,
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
    /// How many more looks a run is `Running`, with some more lines of its log at each.
    #[arg(long, default_value_t = 0)]
    pub run_looks: u32,
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
    /// Too many requests are refused, as the next knobs say.
    #[arg(long)]
    pub throttling: bool,
    /// How many reads a principal can make at once in a subscription.
    #[arg(long, default_value_t = 250)]
    pub arm_reads: u32,
    /// How many more each second.
    #[arg(long, default_value_t = 25)]
    pub arm_reads_per_s: u32,
    /// How many writes a principal can make at once in a subscription.
    #[arg(long, default_value_t = 200)]
    pub arm_writes: u32,
    /// How many more each second.
    #[arg(long, default_value_t = 10)]
    pub arm_writes_per_s: u32,
    /// How many deletions a principal can make at once in a subscription.
    #[arg(long, default_value_t = 200)]
    pub arm_deletes: u32,
    /// How many more each second.
    #[arg(long, default_value_t = 10)]
    pub arm_deletes_per_s: u32,
    /// How many reads a minute a registry takes, and each identity there; none = as documented for its SKU.
    #[arg(long)]
    pub registry_reads_per_minute: Option<u32>,
    /// How many writes a minute; none = as documented.
    #[arg(long)]
    pub registry_writes_per_minute: Option<u32>,
    /// How many deletions a minute; none = as documented.
    #[arg(long)]
    pub registry_deletes_per_minute: Option<u32>,
    /// How many requests for tokens a minute; none = as documented.
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
            oidc_token_lifetime_s: 600,
            acr_audience_unknown: false,
            acr_audience_refused: false,
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
            run_looks: 0,
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

    pub(crate) fn token_lifetime(&self) -> Duration {
        Duration::from_secs(self.token_lifetime_s)
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
