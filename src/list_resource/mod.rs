//! The provider's list resources: what there is of a managed resource, managed or not.

mod continuous_patching_workflow;

use std::sync::Arc;

use crate::framework::ListResource;
use crate::resource::connection::Connection;

pub use continuous_patching_workflow::ContinuousPatchingWorkflows;

/// All of them, working through `connection`.
pub fn all(connection: &Arc<Connection>) -> Vec<Arc<dyn ListResource>> {
    vec![Arc::new(ContinuousPatchingWorkflows::new(Arc::clone(
        connection,
    )))]
}
