//! Everything below the provider, compiled where the plugin framework is out of scope: `workflow`,
//! `patching`, `azure` and `http` name nothing of Terraform, or this doesn't build.

#![allow(
    clippy::all,
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "what uses these modules is the provider, which is left out on purpose"
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
