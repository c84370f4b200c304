//! The simulator as its clients meet it: over TLS, through its proxy, by the real names of Azure.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should say where"
)]

mod cli;
mod client;
mod consistency;
mod data_plane;
mod images;
mod pipeline;
mod role_assignments;
mod shapes;
mod sign_in;
mod tasks;
mod wire;
