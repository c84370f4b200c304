//! Terraform and OpenTofu provider for Azure Container Registry Continuous Patching.
//!
//! # Layout
//! - [`provider`]: what users meet: the provider block, signing in, the resource and all else that is offered
//! - `workflow`: the engine: what there is in Azure, what should be there, and the way from one to the other
//! - [`patching`]: Continuous Patching as the service knows it
//! - [`azure`], [`http`]: Azure, and the way to it
//! - [`digest`]: digests as OCI writes them
//!
//! The framework that it is built on is the crate [`terraform_plugin`].

pub mod azure;
pub mod digest;
pub mod http;
pub mod patching;
pub mod provider;
mod workflow;

/// Where registries offer the provider. The namespace is the publisher's to change, here only.
pub const SOURCE_ADDRESS: &str = "registry.terraform.io/acrpatch/acr";
