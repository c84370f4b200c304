//! Terraform and OpenTofu provider for Azure Container Registry Continuous Patching.
//!
//! # Layout
//! - [`framework`]: what a provider and a resource are
//! - [`value`], [`schema`], [`diagnostics`]: what the upper layers share

pub mod diagnostics;
pub mod framework;
pub mod schema;
pub mod value;
