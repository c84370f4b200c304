//! The managed resources: where Terraform's values and Azure's meet.

pub(crate) mod cancelling;
pub mod connection;
pub mod continuous_patching_workflow;
pub(crate) mod pauses;
pub(crate) mod report;
