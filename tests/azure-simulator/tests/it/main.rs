//! Tests of the simulator as clients use it: over TLS, through its proxy, with Azure's real host names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step in a test should panic at its line"
)]

mod absence;
mod azure_cli;
mod changes;
mod cli;
mod client;
mod clouds;
mod consistency;
mod credentials;
mod data_plane;
mod faults;
mod growing_logs;
mod images;
mod late_changes;
mod managed_identity;
mod oidc;
mod pipeline;
mod registries;
mod resource_groups;
mod role_assignments;
mod role_definitions;
mod runs;
mod shapes;
mod sign_in;
mod tasks;
mod tenants;
mod throttling;
mod tokens;
mod triggers;
mod wire;
