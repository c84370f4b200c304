//! The provider block, and signing in to Azure by it.
//!
//! # Layout
//! - `schema`, `arguments`: what the block takes, and the variables that stand in for it
//! - `environment`, `precedence`: where a value comes from
//! - `config`: everything that is configured
//! - `inputs`, `sign_in`, `auth_diagnostics`: what a sign-in could use, the method, and why not another
//! - `cloud`, `user_agent`, `http_clients`, `credential`, `azure_client`: what it takes to reach Azure

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
