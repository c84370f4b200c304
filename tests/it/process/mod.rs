//! The provider's binary, started by a host and directly by a user.

mod binary;
mod direct_start;
#[cfg(target_os = "linux")]
mod open_files;
