//! Plans an apply from the configuration, the prior state and the known facts of the registry. Pure: the
//! caller has read Azure before.

use std::collections::BTreeMap;

use terraform_plugin::framework::PlanResponse;
use terraform_plugin::model::Field;
use terraform_plugin::value::{AttributePath, Value};

use crate::azure::RegistryId;
use crate::patching::task_definition::yaml_digest;
use crate::patching::{TaskName, TimeOfDay, WORKFLOW_TYPE};
use crate::provider::workflow::config::Config;
use crate::provider::workflow::model::State;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::schema::default_of;
use crate::provider::workflow::{names, task_status};
use crate::workflow::registry_facts::RegistryFacts;

/// The planned action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The workflow does not exist yet.
    Create,
    /// The workflow stays on its registry.
    Update,
    /// The registry changes, or its ID is still unknown.
    Replace,
}

/// Decides between an update in place and a replacement.
pub(super) fn act(config: &Config, prior: Option<&State>) -> Act {
    match (prior, &config.registry_id) {
        (None, _) => Act::Create,
        (Some(prior), Field::Known(id)) if same_registry(id, &prior.registry_id) => Act::Update,
        (Some(_), _) => Act::Replace,
    }
}

/// Returns the planned state. `private` holds the known facts of the configured registry.
pub(super) fn plan(
    raw: &Value,
    config: &Config,
    act: Act,
    prior: Option<&State>,
    private: &PrivateData,
) -> PlanResponse {
    let facts = private.facts.as_ref();
    let kept = prior.filter(|_| act == Act::Update);
    let start_time = start_time(config, kept, private);
    let cron = match (&config.schedule, start_time) {
        (Field::Known(schedule), Some(time)) => Value::from(schedule.cron(time)),
        _ => Value::Unknown,
    };
    let registry_id = kept.map_or_else(
        || raw.get(names::REGISTRY_ID).clone(),
        |kept| kept.registry_id.clone().into(),
    );
    let known = |choose: fn(&RegistryFacts) -> &str, kept: Option<Option<&String>>| {
        kept.flatten()
            .map(String::as_str)
            .or(facts.map(choose))
            .map_or(Value::Unknown, Value::from)
    };
    let planned = Value::object([
        (names::REGISTRY_ID, registry_id),
        (names::SCHEDULE, raw.get(names::SCHEDULE).clone()),
        (
            names::START_TIME,
            start_time.map_or(Value::Unknown, |time| time.to_string().into()),
        ),
        (
            names::TAG_CONVENTION,
            or_default(raw, names::TAG_CONVENTION),
        ),
        (
            names::REPOSITORIES,
            repositories(raw.get(names::REPOSITORIES)),
        ),
        (names::ENABLED, or_default(raw, names::ENABLED)),
        (
            names::RUN_IMMEDIATELY,
            or_default(raw, names::RUN_IMMEDIATELY),
        ),
        (names::PREFLIGHT, or_default(raw, names::PREFLIGHT)),
        (
            names::ADOPT_EXISTING,
            or_default(raw, names::ADOPT_EXISTING),
        ),
        (names::TIMEOUTS, raw.get(names::TIMEOUTS).clone()),
        (
            names::ID,
            known(
                |facts| facts.id.as_written(),
                kept.map(|kept| kept.id.as_ref()),
            ),
        ),
        (names::WORKFLOW_TYPE, WORKFLOW_TYPE.into()),
        (
            names::LOGIN_SERVER,
            known(
                |facts| &facts.login_server,
                kept.map(|kept| kept.login_server.as_ref()),
            ),
        ),
        (names::SCHEDULE_CRON, cron),
        (names::POLICY_DIGEST, policy_digest(config)),
        (names::TASKS, tasks(kept, facts)),
        (names::ROLE_ASSIGNMENTS, role_assignments(kept, facts)),
    ]);
    PlanResponse {
        planned,
        requires_replace: if act == Act::Replace {
            vec![AttributePath::new(names::REGISTRY_ID)]
        } else {
            Vec::new()
        },
        private: private.write(),
        ..PlanResponse::default()
    }
}

/// Compares IDs as Azure does, regardless of case.
fn same_registry(a: &str, b: &str) -> bool {
    match (a.parse::<RegistryId>(), b.parse::<RegistryId>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Returns the configured time, else the prior one, else the last one that the timer had, else a time
/// derived from the registry ID.
fn start_time(config: &Config, kept: Option<&State>, private: &PrivateData) -> Option<TimeOfDay> {
    match &config.start_time {
        Field::Known(time) => Some(*time),
        Field::Unknown => None,
        Field::Absent => kept
            .and_then(|kept| kept.start_time)
            .or(private.start_time)
            .or_else(|| match &config.registry_id {
                Field::Known(id) => Some(TimeOfDay::derived_from(id)),
                Field::Absent | Field::Unknown => None,
            }),
    }
}

fn policy_digest(config: &Config) -> Value {
    config
        .policy()
        .map_or(Value::Unknown, |policy| policy.digest().into())
}

fn tasks(kept: Option<&State>, facts: Option<&RegistryFacts>) -> Value {
    let task = |task: TaskName| {
        let prior = kept.and_then(|kept| kept.tasks.get(&task));
        let id = prior
            .and_then(|prior| prior.id.clone())
            .or_else(|| facts.map(|facts| facts.task_id(task)));
        let principal = prior.and_then(|prior| prior.principal_id.clone());
        let planned = Value::object([
            (names::ID, id.map_or(Value::Unknown, Value::from)),
            (
                names::PRINCIPAL_ID,
                principal.map_or(Value::Unknown, Value::from),
            ),
            (names::DEFINITION, yaml_digest(task).into()),
            (names::STATUS, task_status::ENABLED.into()),
        ]);
        (task.as_str().to_owned(), planned)
    };
    Value::Map(TaskName::ALL.into_iter().map(task).collect())
}

fn role_assignments(kept: Option<&State>, facts: Option<&RegistryFacts>) -> Value {
    let Some(facts) = facts else {
        return Value::Unknown;
    };
    let assignment = |key: String| {
        let id = kept.and_then(|kept| kept.role_assignments.get(&key).cloned());
        (key, id.map_or(Value::Unknown, Value::from))
    };
    let keys = facts.role_keys().into_iter().map(|(key, ..)| key);
    Value::Map(keys.map(assignment).collect())
}

fn or_default(raw: &Value, name: &str) -> Value {
    match raw.get(name) {
        Value::Null => default_of(name),
        configured => configured.clone(),
    }
}

/// Returns the configured repositories with the default of `enabled`.
fn repositories(configured: &Value) -> Value {
    let Value::Map(elements) = configured else {
        return configured.clone();
    };
    let filled: BTreeMap<String, Value> = elements
        .iter()
        .map(|(name, repository)| {
            let filled = match repository {
                Value::Object(_) => Value::object([
                    (names::TAGS, repository.get(names::TAGS).clone()),
                    (names::ENABLED, or_default(repository, names::ENABLED)),
                ]),
                unknown => unknown.clone(),
            };
            (name.clone(), filled)
        })
        .collect();
    Value::Map(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::fixture::{config, config_with, state};
    use crate::workflow::fixture::{REGISTRY, facts, observed};
    use terraform_plugin::model::Model as _;

    fn looked_up() -> PrivateData {
        PrivateData {
            facts: Some(facts()),
            ..PrivateData::default()
        }
    }

    fn plan_for(raw: &Value, prior: Option<&State>, private: &PrivateData) -> PlanResponse {
        let config = Config::read(raw);
        plan(raw, &config, act(&config, prior), prior, private)
    }

    fn planned_state(raw: &Value, prior: Option<&State>) -> Value {
        plan_for(raw, prior, &looked_up()).planned
    }

    #[test]
    fn only_principals_and_role_assignment_ids_are_unknown_before_a_create() {
        let planned = planned_state(&config(), None);
        let unknown = |value: &Value| !value.is_wholly_known();
        let Value::Object(attributes) = &planned else {
            panic!("it is an object");
        };
        let unknown: Vec<&String> = attributes
            .iter()
            .filter_map(|(name, value)| unknown(value).then_some(name))
            .collect();
        assert_eq!(unknown, [names::ROLE_ASSIGNMENTS, names::TASKS]);
        let task = planned.get(names::TASKS).get("cssc-scan-image");
        assert_eq!(
            task.get(names::ID),
            &Value::from(format!("{REGISTRY}/tasks/cssc-scan-image"))
        );
        assert!(task.get(names::PRINCIPAL_ID).is_unknown());
        assert!(task.get(names::DEFINITION).as_str().is_some());
        assert_eq!(
            planned.get(names::ROLE_ASSIGNMENTS).as_map().unwrap().len(),
            5
        );
        assert_eq!(
            planned.get(names::SCHEDULE_CRON),
            &Value::from("30 2 */7 * *")
        );
    }

    #[test]
    fn a_workflow_without_drift_plans_no_change() {
        let prior = state(&observed());
        assert_eq!(planned_state(&config(), Some(&prior)), prior.write());
    }

    #[test]
    fn another_letter_case_of_the_registry_id_plans_no_change() {
        let prior = state(&observed());
        let shouted = config_with([(names::REGISTRY_ID, REGISTRY.to_uppercase().into())]);
        let response = plan_for(&shouted, Some(&prior), &looked_up());
        assert_eq!(response.planned, prior.write());
        assert!(response.requires_replace.is_empty());
    }

    #[test]
    fn another_or_an_unknown_registry_requires_replacement() {
        let prior = state(&observed());
        let elsewhere = REGISTRY.replace("contoso", "fabrikam");
        for registry in [Value::from(elsewhere), Value::Unknown] {
            let raw = config_with([(names::REGISTRY_ID, registry)]);
            let response = plan_for(&raw, Some(&prior), &PrivateData::default());
            assert_eq!(
                response.requires_replace,
                [AttributePath::new(names::REGISTRY_ID)]
            );
            assert!(response.planned.get(names::ID).is_unknown());
            assert!(response.planned.get(names::ROLE_ASSIGNMENTS).is_unknown());
        }
    }

    #[test]
    fn an_omitted_start_time_is_derived_at_create_and_kept_on_update() {
        let without = config_with([(names::START_TIME, Value::Null)]);
        let derived = planned_state(&without, None).get(names::START_TIME).clone();
        assert_eq!(
            derived,
            Value::from(TimeOfDay::derived_from(REGISTRY).to_string())
        );
        let prior = state(&observed());
        assert_eq!(
            planned_state(&without, Some(&prior)).get(names::START_TIME),
            &Value::from("02:30")
        );
    }

    #[test]
    fn an_omitted_start_time_survives_the_deletion_of_the_trigger_task() {
        let without = config_with([(names::START_TIME, Value::Null)]);
        let mut damaged = observed();
        damaged.tasks.remove(&TaskName::Trigger);
        let prior = state(&damaged);
        assert_eq!(prior.start_time, None);
        let private = PrivateData {
            start_time: TimeOfDay::new(2, 30),
            ..looked_up()
        };
        let planned = plan_for(&without, Some(&prior), &private).planned;
        assert_eq!(planned.get(names::START_TIME), &Value::from("02:30"));
    }

    #[test]
    fn attributes_that_depend_on_unknown_values_are_unknown() {
        let raw = config_with([
            (names::SCHEDULE, Value::Unknown),
            (names::REPOSITORIES, Value::Unknown),
        ]);
        let planned = planned_state(&raw, Some(&state(&observed())));
        for name in [
            names::SCHEDULE,
            names::SCHEDULE_CRON,
            names::REPOSITORIES,
            names::POLICY_DIGEST,
        ] {
            assert!(planned.get(name).is_unknown(), "{name}");
        }
        assert_eq!(planned.get(names::START_TIME), &Value::from("02:30"));
    }

    #[test]
    fn a_missing_task_or_role_assignment_shows_at_its_attribute() {
        let mut damaged = observed();
        damaged.tasks.remove(&TaskName::Patch);
        let prior = state(&damaged);
        let planned = planned_state(&config(), Some(&prior));
        let before = prior.write();
        let changed: Vec<&str> = [
            names::TASKS,
            names::ROLE_ASSIGNMENTS,
            names::SCHEDULE,
            names::REPOSITORIES,
        ]
        .into_iter()
        .filter(|name| planned.get(name) != before.get(name))
        .collect();
        assert_eq!(changed, [names::TASKS, names::ROLE_ASSIGNMENTS]);
    }
}
