//! Test support for providers: hosts that are as strict as the real ones, and scripted providers.
//!
//! # Layout
//! - [`core`]: Terraform Core in process, with one resource in its state
//! - [`core_rules`]: Core's proposed state, and its rules for a provider's answers
//! - [`data_source`], [`action_events`]: call a data source and read an action's events as Core does
//! - [`plugin_process`], [`tls_identity`]: the go-plugin host: handshake line, socket, mutual TLS
//! - [`scripted_provider`], [`scripted_unmanaged`], [`schemas`], [`host`]: a provider with scripted
//!   behavior, valid or invalid, and a host that calls it
//!
//! Everything here panics if a test must fail.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(
    missing_debug_implementations,
    reason = "tests print answers, but no hosts or providers"
)]

pub mod action_events;
mod behavior;
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
