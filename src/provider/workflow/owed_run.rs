//! The run that `run_immediately` owes. An apply that creates the workflow or changes its policy or schedule
//! owes a run. Private data keeps the debt if the apply fails before it has queued the run. The next apply
//! with `run_immediately` queues it, even if the policy and the schedule no longer differ.

use crate::azure::RegistryClient;
use crate::provider::workflow::immediate_run;
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::workflow::run_immediately;
use terraform_plugin::diagnostics::Diagnostic;

/// Whether a run is owed once an apply from `prior` to `planned` begins its changes.
pub(super) fn is_owed(before: &PrivateData, prior: &State, planned: &State) -> bool {
    let starts_something_new = prior.policy_digest != planned.policy_digest
        || prior.schedule_cron != planned.schedule_cron;
    before.run_owed || (planned.run_immediately && starts_something_new)
}

/// Queues the owed run, unless `run_immediately` is off. Returns a warning about its outcome.
pub(super) async fn pay(
    registry: &RegistryClient,
    planned: &State,
    private: &mut PrivateData,
) -> Option<Diagnostic> {
    if !(planned.run_immediately && private.run_owed) {
        return None;
    }
    let outcome = run_immediately::run(registry).await;
    private.run_owed = outcome.is_owed();
    immediate_run::warning(registry.id(), &outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::fixture::state;
    use crate::workflow::fixture::observed;

    fn owing(run_owed: bool) -> PrivateData {
        PrivateData {
            run_owed,
            ..PrivateData::default()
        }
    }

    #[test]
    fn a_create_and_a_new_policy_or_schedule_owe_a_run() {
        let planned = State {
            run_immediately: true,
            ..state(&observed())
        };
        let another_policy = State {
            policy_digest: Some("another".to_owned()),
            ..planned.clone()
        };
        let another_schedule = State {
            schedule_cron: Some("0 0 */1 * *".to_owned()),
            ..planned.clone()
        };
        for prior in [State::default(), another_policy, another_schedule] {
            assert!(is_owed(&owing(false), &prior, &planned));
            let unwanted = State {
                run_immediately: false,
                ..planned.clone()
            };
            assert!(!is_owed(&owing(false), &prior, &unwanted));
        }
        let disabled = State {
            enabled: false,
            ..planned.clone()
        };
        assert!(!is_owed(&owing(false), &disabled, &planned));
    }

    #[test]
    fn a_debt_stays_until_it_is_paid() {
        let equal = state(&observed());
        assert!(is_owed(&owing(true), &equal, &equal));
    }
}
