//! Arguments that resources, data sources and actions share, and diagnostics about them.

pub(crate) mod findings;
pub(crate) mod registry_id;
pub(crate) mod timeouts;
pub(crate) mod validate;
