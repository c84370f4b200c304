//! What a create finds in the registry: the workflow of another tool or of another resource, or one that an
//! interrupted apply has not completed.

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::model::Field;
use terraform_plugin::value::AttributePath;

use crate::azure::task::Task;
use crate::azure::{Error, RegistryClient, RegistryId};
use crate::patching::schedule::parse_cron;
use crate::patching::{TaskName, TimeOfDay};
use crate::provider::registry_claims::{Claimed, RegistryClaims, Replaced};
use crate::provider::workflow::config::Config;
use crate::provider::workflow::model::State;
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::{names, notices};
use crate::workflow::observe::{Observed, is_of_workflow};
use crate::workflow::task_drift::{mark, timers};

/// An existing workflow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Existing {
    /// Whether an interrupted apply left it incomplete. The next create completes it.
    pub(super) is_unfinished: bool,
    /// The time of day of its timer.
    pub(super) start_time: Option<TimeOfDay>,
}

/// Reads whether the registry has a workflow.
///
/// # Errors
/// Any request error.
pub(super) async fn look(registry: &RegistryClient) -> Result<Option<Existing>, Error> {
    let tasks = registry.list_tasks(is_of_workflow).await?;
    Ok(existing(&tasks))
}

fn existing(tasks: &[Task]) -> Option<Existing> {
    let ours = tasks
        .iter()
        .filter(|task| is_of_workflow(&task.name) && !task.is_leaving());
    let ours: Vec<&Task> = ours.collect();
    let trigger = ours
        .iter()
        .find(|task| TaskName::from_name(&task.name) == Some(TaskName::Trigger));
    let cron = trigger.and_then(|trigger| timers(trigger).first());
    (!ours.is_empty()).then(|| Existing {
        is_unfinished: trigger.is_some_and(|trigger| mark(trigger).is_some()),
        start_time: cron
            .and_then(|timer| parse_cron(&timer.schedule))
            .map(|(_, time)| time),
    })
}

impl Existing {
    /// What a plan says about it. `adopts` is the argument `adopt_existing`.
    pub(super) fn finding(&self, registry: &RegistryId, adopts: bool) -> Diagnostics {
        if self.is_unfinished {
            return Diagnostics::new();
        }
        let name = &registry.registry;
        let id = registry.as_written();
        let finding = if adopts {
            Diagnostic::warning(
                format!("The apply takes over the existing workflow of {name}"),
                format!(
                    "{id} has a Continuous Patching workflow already. Because of \
                     `adopt_existing = true`, the apply changes that workflow in place to match the \
                     configuration."
                ),
            )
        } else {
            Diagnostic::warning(
                format!("The registry {name} has a workflow already"),
                format!(
                    "The apply will fail, because the state does not contain this workflow. {}\n\n\
                     To take it over without an import, set `adopt_existing = true`.",
                    notices::how_to_import(id)
                ),
            )
        };
        finding.at(AttributePath::new(names::REGISTRY_ID)).into()
    }
}

/// Notes that a plan keeps a resource in the state. Returns what the plan says if another one manages the same
/// workflow.
pub(super) fn note_kept(
    claims: &RegistryClaims,
    prior: &State,
    private: &PrivateData,
) -> Option<Diagnostic> {
    let (id, mark) = (&prior.registry_id, private.created_by.as_deref());
    let kept = claims.keep(id, mark);
    if let Err(Claimed) = kept.and(claims.manage(id, mark)) {
        return Some(notices::already_managed(id));
    }
    claims.is_kept_twice(id).then(|| notices::managed_twice(id))
}

/// Refuses a plan that adopts the workflow of another resource in the state.
pub(super) fn refuse_kept(
    claims: &RegistryClaims,
    config: &Config,
    act: Act,
    prior_private: &[u8],
) -> Result<(), Diagnostic> {
    let adopts = act != Act::Update && config.adopt_existing.or(false) == Some(true);
    let (true, Field::Known(id)) = (adopts, &config.registry_id) else {
        return Ok(());
    };
    // A host plans a replacement twice, the second time with the private data of the first plan.
    let replaced = (!prior_private.is_empty()).then(|| Replaced {
        mark: PrivateData::read(prior_private).created_by,
    });
    let adopted = claims.adopt(id, replaced.as_ref());
    adopted.map_err(|Claimed| notices::already_managed(id))
}

/// Refuses to create what exists, unless an interrupted apply left it or the create takes it over.
pub(super) fn refuse_existing(
    claims: &RegistryClaims,
    observed: &Observed,
    planned: &State,
    private: &[u8],
) -> Result<(), Diagnostic> {
    let trigger = observed.tasks.get(&TaskName::Trigger);
    let is_unfinished = trigger.is_some_and(|trigger| mark(trigger).is_some());
    if observed.tasks.is_empty() || is_unfinished {
        return Ok(());
    }
    let id = observed.facts.id.as_written();
    let is_claimed = claims.is_claimed(&planned.registry_id);
    match (
        PrivateData::read(private).is_claimed,
        planned.adopt_existing,
    ) {
        (true, _) => Err(notices::already_managed(id)),
        (false, true) if is_claimed => Err(notices::already_managed(id)),
        (false, true) => Ok(()),
        (false, false) => Err(notices::already_exists(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::preflight::rendered;
    use crate::workflow::fixture::{REGISTRY, observed};
    use crate::workflow::task_drift::UNFINISHED;

    fn tasks() -> Vec<Task> {
        observed().tasks.into_values().collect()
    }

    #[test]
    fn a_registry_without_tasks_has_no_workflow() {
        assert_eq!(existing(&[]), None);
    }

    #[test]
    fn an_existing_workflow_is_taken_over_or_needs_an_import() {
        let found = existing(&tasks()).unwrap();
        assert_eq!(found.start_time, TimeOfDay::new(2, 30));
        let id: RegistryId = REGISTRY.parse().unwrap();
        insta::assert_snapshot!(rendered(&found.finding(&id, true)), @"
        Warning at registry_id: The apply takes over the existing workflow of contoso
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso has a Continuous Patching workflow already. Because of `adopt_existing = true`, the apply changes that workflow in place to match the configuration.
        ");
        insta::assert_snapshot!(rendered(&found.finding(&id, false)), @r#"
        Warning at registry_id: The registry contoso has a workflow already
        The apply will fail, because the state does not contain this workflow. To import it, add:

          import {
            to = acr_continuous_patching_workflow.<name>
            id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso"
          }

        To take it over without an import, set `adopt_existing = true`.
        "#);
    }

    #[test]
    fn a_create_completes_an_unfinished_workflow_without_a_word() {
        let mut tasks = tasks();
        tasks[0]
            .tags
            .insert(UNFINISHED.to_owned(), "apply-1".to_owned());
        let found = existing(&tasks).unwrap();
        let id: RegistryId = REGISTRY.parse().unwrap();
        assert_eq!(rendered(&found.finding(&id, false)), "");
    }
}
