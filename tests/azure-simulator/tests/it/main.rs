//! The simulator as its clients meet it: over TLS, through its proxy, by the real names of Azure.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should say where"
)]

mod azure_cli;
mod cli;
mod client;
mod clouds;
mod consistency;
mod credentials;
mod data_plane;
mod growing_logs;
mod images;
mod managed_identity;
mod oidc;
mod pipeline;
mod role_assignments;
mod runs;
mod shapes;
mod sign_in;
mod tasks;
mod tenants;
mod throttling;
mod tokens;
mod wire;
