//! The provider's actions: what is done on demand, and leaves no trace in the state.
//!
//! # Layout
//! - `order`: what both are told, a registry and how long they may take
//! - [`run`]: queues a run of the workflow, and may wait for its end
//! - [`cancel_runs`]: ends the runs that are on their way

pub mod cancel_runs;
mod order;
pub mod run;

use std::sync::Arc;

use crate::framework::Action;
use crate::resource::connection::Connection;

pub use cancel_runs::CancelRuns;
pub use run::RunWorkflow;

/// All of them, working through `connection`.
pub fn all(connection: &Arc<Connection>) -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(RunWorkflow::new(Arc::clone(connection))),
        Arc::new(CancelRuns::new(Arc::clone(connection))),
    ]
}
