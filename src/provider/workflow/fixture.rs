//! A workflow as it should be, for tests of what happens when it isn't.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::role_assignment::RoleAssignment;
use crate::azure::task::{Identity, Task};
use crate::patching::role::assignment_name;
use crate::patching::{Policy, Repository, TagConvention, TaskName};
use crate::provider::workflow::model::State;
use crate::provider::workflow::names;
use crate::provider::workflow::state::refreshed;
use crate::workflow::desired::Desired;
use crate::workflow::observe::{Found, Observed};
use crate::workflow::ownership::owned;
use crate::workflow::registry_facts::{Facts, Private};
use terraform_plugin::value::Value;

pub(crate) const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso";

pub(crate) fn facts() -> Facts {
    Facts {
        id: REGISTRY.to_owned(),
        login_server: "contoso.azurecr.io".to_owned(),
        location: "westeurope".to_owned(),
        abac: false,
    }
}

pub(crate) fn policy() -> Policy {
    let tags = ["3.11", "latest"].map(str::to_owned).into();
    let repository = Repository {
        tags,
        enabled: true,
    };
    Policy {
        convention: TagConvention::Incremental,
        repositories: [("python".to_owned(), repository)].into(),
    }
}

pub(crate) fn desired() -> Desired {
    Desired {
        facts: facts(),
        policy: policy(),
        cron: "30 2 */7 * *".to_owned(),
        enabled: true,
    }
}

/// The configuration that asks for [`desired`].
pub(crate) fn config() -> Value {
    let tags = Value::Set(vec!["latest".into(), "3.11".into()]);
    let repository = Value::object([(names::TAGS, tags), (names::ENABLED, Value::Null)]);
    Value::object([
        (names::REGISTRY_ID, Value::from(REGISTRY)),
        (names::SCHEDULE, "7d".into()),
        (names::START_TIME, "02:30".into()),
        (
            names::REPOSITORIES,
            Value::Map([("python".to_owned(), repository)].into()),
        ),
    ])
}

/// [`config`] with some attributes set otherwise.
pub(crate) fn config_with<const N: usize>(changes: [(&str, Value); N]) -> Value {
    let Value::Object(mut attributes) = config() else {
        unreachable!("it is an object");
    };
    attributes.extend(changes.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(attributes)
}

/// Azure with [`desired`] set up.
pub(crate) fn observed() -> Observed {
    let desired = desired();
    let tasks: BTreeMap<TaskName, Task> = TaskName::ALL
        .into_iter()
        .map(|name| (name, task(&desired, name)))
        .collect();
    let assignments = desired
        .facts
        .role_keys()
        .into_iter()
        .map(|(_, task, role)| {
            let definition = role.definition_id("00000000-0000-0000-0000-000000000000");
            let name = assignment_name(&desired.facts.task_id(task), &definition);
            assignment(&name, &principal(task), &definition)
        })
        .collect();
    Observed {
        facts: desired.facts,
        tasks,
        leaving: BTreeSet::new(),
        assignments,
        policy: Found::Readable(desired.policy),
        policy_manifest: Some("sha256:1".to_owned()),
    }
}

/// The state after a refresh of `observed`.
pub(crate) fn state(observed: &Observed) -> State {
    let before = State {
        registry_id: REGISTRY.to_owned(),
        enabled: true,
        ..State::default()
    };
    again(observed, &before).expect("the workflow is there")
}

/// The state after a refresh of `observed`, where it was `before`.
pub(crate) fn again(observed: &Observed, before: &State) -> Option<State> {
    let recorded = Private::default().recorded(before);
    let owned = owned(observed, &before.registry_id, &recorded);
    refreshed(observed, &owned, before)
}

pub(crate) fn assignment(name: &str, principal: &str, role_definition_id: &str) -> RoleAssignment {
    RoleAssignment {
        id: format!("{REGISTRY}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        name: name.to_owned(),
        principal_id: principal.to_owned(),
        role_definition_id: role_definition_id.to_owned(),
        scope: REGISTRY.to_owned(),
        principal_type: Some("ServicePrincipal".to_owned()),
    }
}

pub(crate) fn principal(task: TaskName) -> String {
    format!("principal-of-{task}")
}

fn task(desired: &Desired, name: TaskName) -> Task {
    let body = desired.task(name);
    let mut properties = body.properties;
    properties.provisioning_state = Some("Succeeded".to_owned());
    Task {
        id: desired.facts.task_id(name),
        name: name.as_str().to_owned(),
        location: body.location,
        tags: body.tags,
        identity: Some(Identity {
            principal_id: Some(principal(name)),
            ..Identity::system_assigned()
        }),
        properties,
    }
}
