//! Terraform and OpenTofu provider for Azure Container Registry Continuous Patching.
//!
//! # Layout
//! - [`plugin`]: the process that a host starts: handshake, TLS, logs
//! - [`rpc`]: the plugin protocol's calls
//! - [`framework`]: what a provider and a resource are
//! - [`provider`]: this provider: its block, signing in
//! - [`resource`], [`function`]: its resources and functions
//! - [`patching`]: Continuous Patching as the service knows it
//! - [`azure`], [`http`]: Azure, and the way to it
//! - [`value`], [`schema`], [`diagnostics`]: what the upper layers share

pub mod azure;
pub mod diagnostics;
pub mod framework;
pub mod function;
pub mod http;
pub mod patching;
pub mod plugin;
pub mod provider;
pub mod resource;
pub mod rpc;
pub mod schema;
pub mod value;
