//! The engine of a workflow: what there is of it in Azure, what should be there, the difference, doing
//! it, undoing it, and waiting until Azure shows it.
//!
//! It knows Azure and the domain, and nothing of Terraform: it works for a provider as it would for a
//! command line.
//!
//! # Layout
//! - [`observe`], [`ownership`]: what there is, and which role assignments are the workflow's
//! - [`desired`], [`changes`]: what should be there, and the difference
//! - [`apply`], [`grant`], [`teardown`]: making it so, and removing it
//! - [`consistency`]: waiting until Azure shows what was done
//! - [`run_immediately`], [`cancel_runs`]: runs
//! - [`registry_facts`], [`registry_selection`]: what a registry is, and what a policy selects in it

pub(crate) mod apply;
pub(crate) mod cancel_runs;
pub(crate) mod changes;
pub(crate) mod consistency;
pub(crate) mod desired;
pub(crate) mod grant;
pub(crate) mod observe;
pub(crate) mod ownership;
pub(crate) mod pauses;
pub(crate) mod registry_facts;
pub(crate) mod registry_selection;
pub(crate) mod run_immediately;
pub(crate) mod teardown;
