//! What resources, data sources and actions share.

pub(crate) mod timeouts;
pub(crate) mod validate;
