//! What the data source itself has to say to the user, beside what Azure says.

use crate::azure::{Error, RegistryId};
use crate::patching::TaskName;
use crate::provider::report;
use crate::provider::workflow::status::arguments::LONGEST_LOOKBACK;
use crate::provider::workflow::status::names;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Nothing says how far to look back.
pub(super) fn no_schedule(registry: &RegistryId) -> Diagnostic {
    Diagnostic::warning(
        "No schedule to look back by",
        format!(
            "The registry {registry} has no task {}, or one without a schedule of 1 to 30 days. \
             Runs of the last {LONGEST_LOOKBACK} days are told of. Check the registry's ID and \
             whether it has a workflow, or set `lookback_days`.",
            TaskName::Trigger
        ),
    )
    .at(AttributePath::new(names::LOOKBACK_DAYS))
}

/// Some runs or their logs couldn't be read. The others could: it is no error.
pub(super) fn unread(failures: &[Error]) -> Option<Diagnostic> {
    let first = report::failure("", failures.first()?).detail;
    let count = match failures.len() {
        1 => "A run or its log".to_owned(),
        more => format!("{more} runs or their logs"),
    };
    Some(Diagnostic::warning(
        "Could not read the logs of all runs",
        format!(
            "{count} could not be read; what they would have said is `Unknown` or left out. The \
             reason{}:\n\n{first}",
            if failures.len() > 1 {
                " of the first"
            } else {
                ""
            }
        ),
    ))
}
