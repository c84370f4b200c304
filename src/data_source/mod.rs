//! The provider's data sources: what is looked up, and not managed.

use std::sync::Arc;

use crate::framework::DataSource;
use crate::resource::connection::Connection;

/// All of them, working through `connection`.
pub fn all(_connection: &Arc<Connection>) -> Vec<Arc<dyn DataSource>> {
    Vec::new()
}
