//! What tests of a provider need: hosts that are as strict as the real ones, and providers that do as a
//! test tells them.
//!
//! # Layout
//! - [`core`]: Terraform Core in process, with one resource in its state
//! - [`core_rules`]: what Core makes of a configuration, and demands of a provider's answers
//! - [`data_source`], [`action_events`]: a data source and an action, called as Core does
//! - [`plugin_process`], [`tls_identity`]: go-plugin's part: the line, the socket, mutual TLS
//! - [`scripted_provider`], [`scripted_unmanaged`], [`schemas`], [`host`]: a provider that does as it is
//!   told, good or bad, and a host for its calls
//!
//! Everything here panics where a test has to fail.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails where it stands"
)]
#![allow(
    missing_debug_implementations,
    reason = "tests print answers, not hosts and providers"
)]

pub mod action_events;
pub mod core;
pub mod core_rules;
mod core_state;
pub mod data_source;
pub mod host;
#[cfg(unix)]
pub mod plugin_process;
pub mod schemas;
pub mod scripted_provider;
pub mod scripted_unmanaged;
#[cfg(unix)]
pub mod tls_identity;
