//! Warnings of the data source itself, apart from Azure's errors.

use crate::azure::{Error, RegistryId};
use crate::patching::TaskName;
use crate::provider::report;
use crate::provider::workflow::status::arguments::LONGEST_LOOKBACK;
use crate::provider::workflow::status::names;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// No schedule limits the lookback.
pub(super) fn no_schedule(registry: &RegistryId) -> Diagnostic {
    Diagnostic::warning(
        format!("No schedule in {}", registry.registry),
        format!(
            "The registry {registry} has no task {}, or the task has no schedule of 1 to 30 days. The \
             data source therefore covers the last {LONGEST_LOOKBACK} days. Check the registry ID and \
             the workflow, or set `lookback_days`.",
            TaskName::Trigger
        ),
    )
    .at(AttributePath::new(names::LOOKBACK_DAYS))
}

/// Some runs or logs can't be read. The others can, so this is not an error.
pub(super) fn unread(registry: &RegistryId, failures: &[Error]) -> Option<Diagnostic> {
    let first = report::failure("", failures.first()?).detail;
    let count = match failures.len() {
        1 => "A run or its log".to_owned(),
        more => format!("{more} runs or their logs"),
    };
    Some(Diagnostic::warning(
        format!("Could not read some runs or logs in {}", registry.registry),
        format!(
            "{count} could not be read, so their values are `Unknown` or missing. The reason{}:\n\n{first}",
            if failures.len() > 1 {
                " for the first"
            } else {
                ""
            }
        ),
    ))
}
