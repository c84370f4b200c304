//! The provider's actions: what is done on demand, and leaves no trace in the state.

use std::sync::Arc;

use crate::framework::Action;
use crate::resource::connection::Connection;

/// All of them, working through `connection`.
pub fn all(_connection: &Arc<Connection>) -> Vec<Arc<dyn Action>> {
    Vec::new()
}
