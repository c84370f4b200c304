//! The engine of a workflow: what there is of it in Azure, what should be there, the difference, doing
//! it, undoing it, and waiting until Azure shows it.
//!
//! It knows Azure and the domain, and nothing of Terraform: it works for a provider as it would for a
//! command line.
//!
//! # Layout
//! - [`observe`], [`recorded`]: what there is in Azure, and what a record says of it
//! - [`ownership`]: which role assignments are the workflow's, and which of them are orphans
//! - [`desired`], [`task_drift`], [`changes`]: what should be there, and the difference
//! - [`apply`], [`grant`], [`teardown`]: making it so, and removing it
//! - [`recorded_writes`], [`progress`]: each write, recorded as soon as Azure has accepted it
//! - [`consistency`]: waiting until Azure shows what was done
//! - [`run_immediately`], [`cancel_runs`]: runs
//! - [`registry_facts`], [`registry_selection`]: what a registry is, and what a policy selects in it

pub(crate) mod apply;
pub(crate) mod cancel_runs;
pub(crate) mod changes;
pub(crate) mod consistency;
pub(crate) mod desired;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod grant;
pub(crate) mod observe;
pub(crate) mod ownership;
pub(crate) mod progress;
pub(crate) mod recorded;
pub(crate) mod recorded_writes;
pub(crate) mod registry_facts;
pub(crate) mod registry_selection;
pub(crate) mod run_immediately;
pub(crate) mod task_drift;
pub(crate) mod teardown;
