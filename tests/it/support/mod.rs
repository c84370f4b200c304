//! What the tests share: the real provider with a Core that drives it, and a way to Azure that can be
//! watched.

pub(crate) mod core;
pub(crate) mod fault_injection;
pub(crate) mod wire;
