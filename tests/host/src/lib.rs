//! Finds and runs the Terraform and OpenTofu CLIs that are installed on this machine.
//!
//! # Layout
//!
//! - [`host`]: the installed CLIs and their versions.
//! - [`mirror`]: a filesystem mirror from which any host installs providers without network access.
//! - [`workspace`]: a folder with a configuration, and the host's commands in it.
//! - [`run`]: a running command, and its result.
//! - [`message`]: a host's machine-readable output.

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
