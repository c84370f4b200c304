//! The managed resources: where Terraform's values and Azure's meet.

pub mod connection;
pub mod continuous_patching_workflow;
pub(crate) mod report;
