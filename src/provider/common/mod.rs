//! What resources, data sources and actions share: arguments, and findings about them.

pub(crate) mod findings;
pub(crate) mod registry_id;
pub(crate) mod timeouts;
pub(crate) mod validate;
