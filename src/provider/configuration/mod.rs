//! The provider block and its authentication to Azure.
//!
//! # Layout
//! - `schema`, `arguments`: the arguments of the block and their environment variables
//! - `environment`, `precedence`: the source of each value
//! - `config`: the complete configuration
//! - `inputs`, `sign_in`, `auth_diagnostics`: the authentication inputs, the selected method, and diagnostics
//!   about incomplete methods
//! - `cloud`, `user_agent`, `http_clients`, `credential`, `azure_client`: the client for Azure

mod arguments;
mod auth_diagnostics;
mod azure_client;
mod cloud;
mod config;
mod credential;
mod environment;
mod http_clients;
mod inputs;
mod precedence;
mod schema;
mod sign_in;
mod user_agent;

pub(crate) use config::{Config, is_unknown, validate};
pub use environment::Environment;
pub(crate) use schema::schema;
