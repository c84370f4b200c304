//! The rules of Continuous Patching: the policy, the schedule, the tags, the task names and the roles
//! that the tasks need.
//!
//! Everything here is pure. Nothing is async, reads a clock, sends requests to Azure or depends on
//! Terraform.
//!
//! # Layout
//! - [`policy`]: the document that selects what to scan and patch
//! - `name_rules`: the valid names of repositories and tags in the policy
//! - `policy_document`, `go_json`: parse a policy's document as the service does
//! - `policy_json`, `policy_problem`: check a policy file and report every problem with its path
//! - `schedule`: schedules such as `7d`, times such as `02:30`, and their cron expression
//! - `calendar`: the days and times of a schedule's runs
//! - `selection`: the images that a run selects
//! - `task`, `task_definition`: the names and the YAML definitions of the three tasks
//! - `run_log`: extracts results from a run's log
//! - [`role`]: the roles of the tasks' identities, and the names of the role assignments

pub(crate) mod calendar;
mod go_json;
pub(crate) mod name_rules;
pub mod policy;
mod policy_document;
pub(crate) mod policy_json;
pub(crate) mod policy_problem;
pub mod role;
pub mod run_log;
pub(crate) mod schedule;
pub mod selection;
pub(crate) mod task;
pub(crate) mod task_definition;

pub(crate) use policy::{Policy, Repository, TagConvention};
pub use role::Permissions;
pub(crate) use schedule::{Schedule, TimeOfDay};
pub use task::TaskName;

/// The service's only workflow type.
pub(crate) const WORKFLOW_TYPE: &str = "continuouspatchv1";
