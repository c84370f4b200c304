//! Tests of the provider from outside: what a host sees of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails where it stands"
)]

mod layering;
mod lifecycle;
#[cfg(unix)]
mod process;
mod property;
#[cfg(unix)]
mod real_registry;
mod support;
