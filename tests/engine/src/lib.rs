//! Compiles the modules below the provider without the plugin framework.
//!
//! If `workflow`, `patching`, `azure` or `http` uses the plugin framework, this crate does not build.

#![allow(
    clippy::all,
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "only the provider uses these modules, and this crate omits it on purpose"
)]

#[path = "../../../src/azure/mod.rs"]
pub mod azure;
#[path = "../../../src/digest.rs"]
pub mod digest;
#[path = "../../../src/http/mod.rs"]
pub mod http;
#[path = "../../../src/patching/mod.rs"]
pub mod patching;
#[path = "../../../src/workflow/mod.rs"]
mod workflow;
