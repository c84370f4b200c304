//! The engine of a workflow. It observes Azure, computes the difference to the desired state, applies or
//! removes it, and waits until Azure shows the result.
//!
//! It depends on Azure and on the domain, but not on Terraform. A command line could use it too.
//!
//! # Layout
//! - [`observe`], [`recorded`]: the observed state in Azure, and the recorded state
//! - [`ownership`]: the role assignments that belong to the workflow, and the orphans among them
//! - [`desired`], [`task_drift`], [`changes`]: the desired state, and the difference
//! - [`begin`], [`apply`], [`task_changes`], [`grant`]: applies the changes
//! - [`teardown`]: removes the workflow
//! - [`recorded_writes`], [`progress`]: records each write once Azure has accepted it
//! - [`converge`], [`wait`]: repeats and commits changes until Azure shows them
//! - [`run_immediately`], [`cancel_runs`]: queues and cancels runs
//! - [`registry_facts`], [`registry_selection`]: the properties of a registry, and the images that a
//!   policy selects in it

pub(crate) mod apply;
pub(crate) mod begin;
pub(crate) mod cancel_runs;
pub(crate) mod changes;
pub(crate) mod converge;
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
pub(crate) mod task_changes;
pub(crate) mod task_drift;
pub(crate) mod teardown;
pub(crate) mod wait;
