//! Tests of the provider through the interfaces that a host uses.
#![allow(
    clippy::unwrap_used,
    reason = "a panic ends the test at the failing line"
)]

mod frozen_connection;
mod layering;
mod lifecycle;
#[cfg(unix)]
mod process;
mod property;
#[cfg(unix)]
mod real_registry;
mod support;
#[cfg(unix)]
mod task_definitions;
