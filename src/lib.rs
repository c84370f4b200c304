//! Terraform and OpenTofu provider for Azure Container Registry Continuous Patching.
//!
//! # Layout
//! - [`plugin`]: the process that a host starts: handshake, TLS, logs
//! - [`rpc`]: the plugin protocol's calls
//! - [`framework`]: what a provider and a resource are
//! - [`provider`]: this provider: its block, signing in
//! - [`resource`], [`list_resource`], [`data_source`], [`action`], [`function`]: what it offers
//! - [`patching`]: Continuous Patching as the service knows it
//! - [`azure`], [`http`]: Azure, and the way to it
//! - [`value`], [`schema`], [`diagnostics`]: what the upper layers share

pub mod action;
pub mod azure;
pub mod data_source;
pub mod diagnostics;
pub mod framework;
pub mod function;
pub mod http;
pub mod list_resource;
pub mod patching;
pub mod plugin;
pub mod provider;
pub mod resource;
pub mod rpc;
pub mod schema;
pub mod value;
