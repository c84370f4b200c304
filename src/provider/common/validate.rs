//! Validation for every resource, data source and action that works on one registry.

use crate::provider::common::{registry_id, timeouts};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::Value;

/// Returns the diagnostics about `registry_id`, then `others`, then the diagnostics about `timeouts`.
/// Configurations usually have the arguments in this order.
pub(crate) fn registry_and_timeouts(
    config: &Value,
    others: impl IntoIterator<Item = Diagnostic>,
) -> Diagnostics {
    let registry = registry_id::validate(config).into_iter();
    let timeouts = timeouts::validate(config);
    registry.chain(others).chain(timeouts).collect()
}
