//! `acr_continuous_patching_workflow`: the managed resource, its data sources, list resource and actions.
//! They convert between Terraform's values and the engine's types.
//!
//! # Layout
//! - `resource`: the managed resource, in the order of its operations
//!   - `schema`, `names`, `config`, `model`, `repositories`: the schema, and its values as Rust types
//!   - `validate`, `inspect`, `preflight`, `existing`, `plan`: checks and decisions before a change
//!   - `reconcile`, `stale_plan`, `owed_run`: the path that create, update and repair share
//!   - `state`, `state_recorder`, `private_data`: the state, and private data for the next plan
//!   - `identity`, `generate_config`: the resource identity, and generated configurations
//!   - `notices`, `immediate_run`, `left_active`, `task_status`: the wording of warnings and statuses
//! - `lookup`: reads the workflow of a registry without a prior state
//! - `list`: the list resource
//! - `data_source`, `images`, `status`: the data sources
//! - `run`, `cancel`, `action_arguments`: the actions

mod action_arguments;
mod cancel;
mod config;
mod data_source;
mod existing;
#[cfg(test)]
mod fixture;
mod generate_config;
mod identity;
mod images;
mod immediate_run;
mod inspect;
mod left_active;
mod list;
mod lookup;
mod model;
mod names;
mod notices;
mod owed_run;
mod plan;
mod preflight;
mod private_data;
mod reconcile;
mod repositories;
mod resource;
mod run;
mod schema;
mod stale_plan;
mod state;
mod state_recorder;
mod status;
mod task_status;
mod validate;

use std::sync::Arc;

use terraform_plugin::framework::{Action, DataSource, ListResource, Resource};

use crate::provider::connection::Connection;

/// The resource type name.
const TYPE_NAME: &str = "acr_continuous_patching_workflow";

/// Returns the managed resources, which use `connection`.
pub(crate) fn resources(connection: &Arc<Connection>) -> Vec<Arc<dyn Resource>> {
    vec![Arc::new(resource::ContinuousPatchingWorkflow::new(
        Arc::clone(connection),
    ))]
}

/// Returns the data sources.
pub(crate) fn data_sources(connection: &Arc<Connection>) -> Vec<Arc<dyn DataSource>> {
    vec![
        Arc::new(images::ContinuousPatchingImages::new(Arc::clone(
            connection,
        ))),
        Arc::new(status::ContinuousPatchingStatus::new(Arc::clone(
            connection,
        ))),
        Arc::new(data_source::ContinuousPatchingWorkflow::new(Arc::clone(
            connection,
        ))),
    ]
}

/// Returns the list resources.
pub(crate) fn list_resources(connection: &Arc<Connection>) -> Vec<Arc<dyn ListResource>> {
    vec![Arc::new(list::ContinuousPatchingWorkflows::new(
        Arc::clone(connection),
    ))]
}

/// Returns the actions.
pub(crate) fn actions(connection: &Arc<Connection>) -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(run::RunWorkflow::new(Arc::clone(connection))),
        Arc::new(cancel::CancelRuns::new(Arc::clone(connection))),
    ]
}
