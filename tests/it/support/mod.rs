//! Shared helpers: a Terraform Core that drives the real provider, and a transport to the simulator that
//! tests can observe and disturb.

pub(crate) mod core;
pub(crate) mod fault_injection;
pub(crate) mod wire;
