//! The provider's data sources: what is looked up, and not managed.

mod continuous_patching_images;
mod continuous_patching_status;
mod continuous_patching_workflow;

use std::sync::Arc;

use crate::framework::DataSource;
use crate::resource::connection::Connection;

pub use continuous_patching_images::ContinuousPatchingImages;
pub use continuous_patching_status::ContinuousPatchingStatus;
pub use continuous_patching_workflow::ContinuousPatchingWorkflow;

/// All of them, working through `connection`.
pub fn all(connection: &Arc<Connection>) -> Vec<Arc<dyn DataSource>> {
    vec![
        Arc::new(ContinuousPatchingImages::new(Arc::clone(connection))),
        Arc::new(ContinuousPatchingStatus::new(Arc::clone(connection))),
        Arc::new(ContinuousPatchingWorkflow::new(Arc::clone(connection))),
    ]
}
