//! What everything that is about one registry checks alike.

use crate::provider::common::{registry_id, timeouts};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::Value;

/// The findings about `registry_id` and `timeouts`, with `others` between them: in the order in which
/// a configuration has these arguments.
pub(crate) fn registry_and_timeouts(
    config: &Value,
    others: impl IntoIterator<Item = Diagnostic>,
) -> Diagnostics {
    let registry = registry_id::validate(config).into_iter();
    let timeouts = timeouts::validate(config);
    registry.chain(others).chain(timeouts).collect()
}
