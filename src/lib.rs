//! Terraform and OpenTofu provider for Azure Container Registry Continuous Patching.
//!
//! # Layout
//! - [`provider`]: what users configure: the provider block, authentication, the resource, the list
//!   resource, data sources, actions and functions
//! - `workflow`: the engine: it observes Azure, computes the difference to the desired state and applies
//!   it
//! - [`patching`]: the rules of Continuous Patching: policy, tags, schedule, tasks and run logs
//! - [`azure`]: the clients for Azure's APIs
//! - [`http`]: the HTTP client with retries and throttling
//! - [`digest`]: digests in the OCI format
//!
//! The provider is built on the crate [`terraform_plugin`].

pub mod azure;
pub mod digest;
pub mod http;
pub mod patching;
pub mod provider;
mod workflow;

/// The provider's address in the registries. To publish under another namespace, change only this line.
pub const SOURCE_ADDRESS: &str = "registry.terraform.io/acrpatch/acr";
