//! The hosts of the provider: finds the Terraform and OpenTofu CLIs of this machine and runs them.
//!
//! # Layout
//!
//! - [`host`]: which CLIs there are, and their versions.
//! - [`mirror`]: a provider laid out so that any host installs it without a network.
//! - [`workspace`]: a folder of configuration, and the host's commands in it.
//! - [`run`]: a command while it runs, and what it left behind.
//! - [`message`]: what a host says in its machine-readable output.

pub mod host;
pub mod message;
pub mod mirror;
pub mod run;
pub mod workspace;

pub use host::{Host, Kind, tool};
pub use message::Diagnostic;
pub use mirror::Provider;
pub use run::{Error, Finished, Running};
pub use workspace::{Plan, Workspace};
