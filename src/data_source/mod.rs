//! The provider's data sources: what is looked up, and not managed.

mod continuous_patching_status;

use std::sync::Arc;

use crate::framework::DataSource;
use crate::resource::connection::Connection;

use continuous_patching_status::ContinuousPatchingStatus;

/// All of them, working through `connection`.
pub fn all(connection: &Arc<Connection>) -> Vec<Arc<dyn DataSource>> {
    vec![Arc::new(ContinuousPatchingStatus::new(Arc::clone(
        connection,
    )))]
}
