//! Messages about runs that are still active after their cancellation.

use crate::azure::RegistryId;
use crate::azure::id::name_of;
use crate::azure::run::Run;
use crate::workflow::cancel_runs::BOUND;
use terraform_plugin::diagnostics::Diagnostic;

/// The warning after a destroy that did not wait longer for runs; [`None`] if no run is active.
pub(super) fn after_destroy(registry: &RegistryId, left: &[Run]) -> Option<Diagnostic> {
    (!left.is_empty()).then(|| {
        Diagnostic::warning(
            format!("Runs in {} are still active", registry.registry),
            format!(
                "{}\n\nThe destroy did not wait longer for them, and deletes their tasks. A deleted task \
                 queues no further runs.",
                sentences(registry, left)
            ),
        )
    })
}

/// Names the runs, and says how they end.
pub(super) fn sentences(registry: &RegistryId, left: &[Run]) -> String {
    let runs: String = left
        .iter()
        .map(|run| format!("\n  - {}", named(run)))
        .collect();
    format!(
        "The provider cancelled these runs in {registry} for {} minutes, but they are still \
         active:{runs}\n\nEach one ends by itself, at the latest at its timeout.",
        BOUND.as_secs() / 60
    )
}

/// Names a run and its task.
pub(super) fn named(run: &Run) -> String {
    let task = run.task.as_deref().map(name_of).unwrap_or("a task");
    format!("{} of {task}", run.run_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::run::RunStatus;
    use crate::provider::workflow::run::fixture::{registry, run};

    #[test]
    fn a_destroy_names_each_run_once_in_one_warning() {
        let runs = [run(RunStatus::Running, None), run(RunStatus::Queued, None)];
        let warning = after_destroy(&registry(), &runs).unwrap();
        assert!(!warning.is_error());
        insta::assert_snapshot!(format!("# {}\n{}", warning.summary, warning.detail), @"
        # Runs in contoso are still active
        The provider cancelled these runs in /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso for 5 minutes, but they are still active:
          - dt1 of cssc-trigger-workflow
          - dt1 of cssc-trigger-workflow

        Each one ends by itself, at the latest at its timeout.

        The destroy did not wait longer for them, and deletes their tasks. A deleted task queues no further runs.
        ");
        assert_eq!(after_destroy(&registry(), &[]), None);
    }
}
