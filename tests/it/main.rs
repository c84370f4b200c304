//! Tests of the provider from outside: what a host sees of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails where it stands"
)]

mod conformance;
mod layering;
mod lifecycle;
mod property;
#[cfg(unix)]
mod real_registry;
#[cfg(unix)]
mod socket;
mod support;
