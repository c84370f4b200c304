//! Continuous Patching as the service knows it: the policy, the schedule, the tags, the tasks'
//! names and the roles that they need.
//!
//! All of it is pure: nothing here is async, reads a clock or talks to Azure, and nothing knows of
//! Terraform.
//!
//! # Layout
//! - [`policy`]: the document that says what is scanned and patched
//! - `name_rules`: what a repository or a tag of that document may be called
//! - `policy_json`: reading that document as its author wrote it, with a place for each finding
//! - `schedule`: `7d`, `02:30`, and the cron expression that they make
//! - `calendar`: the days and moments on which a schedule runs
//! - `selection`: which images a run takes
//! - `task`, `task_definition`: the three tasks' names, and what they run
//! - `run_log`: what a run has printed that others can make use of
//! - [`role`]: the roles of their identities, and the names of the assignments

pub(crate) mod calendar;
pub(crate) mod name_rules;
pub mod policy;
pub(crate) mod policy_json;
pub mod role;
pub(crate) mod run_log;
pub(crate) mod schedule;
pub(crate) mod selection;
pub(crate) mod task;
pub(crate) mod task_definition;

pub(crate) use policy::{Policy, Repository, TagConvention};
pub use role::Permissions;
pub(crate) use schedule::{Schedule, TimeOfDay};
pub use task::TaskName;

/// The only type of workflow that the service has.
pub(crate) const WORKFLOW_TYPE: &str = "continuouspatchv1";
