//! What the tests share: a host, and a provider for it to talk to; and the real provider, with a
//! Terraform that drives it and a way to Azure that can be watched.

pub(crate) mod actions;
pub(crate) mod core_rules;
pub(crate) mod data_source;
pub(crate) mod host;
pub(crate) mod mishap;
pub(crate) mod puppet;
pub(crate) mod schemas;
pub(crate) mod terraform;
pub(crate) mod unmanaged;
pub(crate) mod wire;
