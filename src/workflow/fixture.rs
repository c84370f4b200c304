//! A workflow in its desired state, for tests that then change it.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::role_assignment::RoleAssignment;
use crate::azure::task::{Identity, Task};
use crate::patching::role::assignment_name;
use crate::patching::{Permissions, Policy, Repository, TagConvention, TaskName};
use crate::workflow::desired::Desired;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::recorded::Recorded;
use crate::workflow::registry_facts::RegistryFacts;

pub(crate) const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso";

pub(crate) fn facts() -> RegistryFacts {
    RegistryFacts {
        id: REGISTRY.parse().unwrap(),
        login_server: "contoso.azurecr.io".to_owned(),
        location: "westeurope".to_owned(),
        permissions: Permissions::Registry,
    }
}

/// A record that contains only the registry's ID.
pub(crate) fn recorded() -> Recorded {
    Recorded {
        registry_id: REGISTRY.to_owned(),
        ..Recorded::default()
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
        mark: None,
    }
}

/// Azure with the workflow of [`desired`].
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
        registry: None,
        facts: desired.facts,
        tasks,
        leaving: BTreeSet::new(),
        assignments,
        policy: PolicyState::Valid(desired.policy),
        policy_manifest: Some("sha256:1".to_owned()),
        preview_tasks: Vec::new(),
    }
}

pub(crate) fn assignment(name: &str, principal: &str, role_definition_id: &str) -> RoleAssignment {
    RoleAssignment {
        id: format!("{REGISTRY}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        name: name.to_owned(),
        principal_id: Some(principal.to_owned()),
        role_definition_id: role_definition_id.to_owned(),
        scope: REGISTRY.to_owned(),
        principal_type: Some("ServicePrincipal".to_owned()),
        condition: None,
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
