//! A framework for Terraform and OpenTofu providers.
//!
//! # Layout
//! - [`framework`]: the traits that a provider implements
//! - [`schema`], [`value`], [`diagnostics`]: what a provider describes, takes and answers
//! - [`model`]: values as Rust types, declared once
//! - [`protocol`]: the calls of plugin protocol 6
//! - [`process`]: the process that a host starts: handshake, mutual TLS, logs, shutdown

pub mod diagnostics;
mod error_text;
pub mod framework;
pub mod model;
pub mod process;
pub mod protocol;
pub mod schema;
pub mod value;
