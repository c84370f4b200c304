//! What is there of a workflow, read from Azure in as few dependent round trips as it allows.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::Azure;
use crate::azure::acr::StoredPolicy;
use crate::azure::error::Error;
use crate::azure::id::RegistryId;
use crate::azure::role_assignment::RoleAssignment;
use crate::azure::task::Task;
use crate::http::Budget;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, TaskName};
use crate::workflow::ownership::Owned;
use crate::workflow::registry_facts::{Facts, Private};

/// The pieces of a workflow, as they are in Azure.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// The registry.
    pub(crate) facts: Facts,
    /// Those of the three tasks that exist.
    pub(crate) tasks: BTreeMap<TaskName, Task>,
    /// Those that Azure is still deleting. They count as gone, but are in the way of new ones.
    pub(crate) leaving: BTreeSet<TaskName>,
    /// Every role assignment at the registry's scope, whosever it is.
    pub(crate) assignments: Vec<RoleAssignment>,
    /// The policy.
    pub(crate) policy: Found,
    /// The digest of the policy's manifest.
    pub(crate) policy_manifest: Option<String>,
}

/// The policy as it is in the registry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// Nobody has looked.
    Unseen,
    /// There is none.
    Nothing,
    /// A policy that the service can read.
    Readable(Policy),
    /// An artifact that is no policy, and why not.
    Unreadable { problem: String },
}

/// How to look for the policy.
#[derive(Clone, Debug)]
pub(crate) enum Policies {
    /// Not at all: a delete removes it whatever it says.
    Skip,
    /// Read it, unless it is one that is known already.
    Read(Known),
}

/// What is known of the policy beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Where it is; looked for at once there, anywhere else one round trip later.
    pub(crate) login_server: Option<String>,
    /// A policy that has been read before, and the digest of its manifest then: a manifest that
    /// hasn't changed holds the same policy.
    pub(crate) policy: Option<(String, Policy)>,
}

/// Reads what there is; [`None`] where the registry is gone.
///
/// # Errors
/// The first failure; what is merely absent is none.
pub(crate) async fn observe(
    azure: &Azure,
    budget: &Budget,
    id: &RegistryId,
    policies: Policies,
) -> Result<Option<Observed>, Error> {
    let known = match policies {
        Policies::Skip => None,
        Policies::Read(known) => Some(known),
    };
    let early_policy = async {
        let known = known.as_ref()?;
        let host = known.login_server.as_deref()?;
        Some((host, pull(azure, budget, host, known).await))
    };
    let scope = id.to_string();
    let (registry, tasks, assignments, early_policy) = futures::join!(
        azure.get_registry(budget, id),
        azure.list_tasks(budget, id),
        azure.list_role_assignments(budget, &scope),
        early_policy,
    );
    let facts = match registry {
        Ok(registry) => Facts::from(&registry),
        Err(error) if error.is_gone() => return Ok(None),
        Err(error) => return Err(error),
    };
    let (policy, policy_manifest) = match (&known, early_policy) {
        (None, _) => (Found::Unseen, None),
        (Some(_), Some((host, policy))) if host == facts.login_server => policy?,
        (Some(known), _) => pull(azure, budget, &facts.login_server, known).await?,
    };
    let named = |task: Task| Some((TaskName::from_name(&task.name)?, task));
    let (leaving, tasks): (BTreeMap<_, _>, BTreeMap<_, _>) = tasks?
        .into_iter()
        .filter_map(named)
        .partition(|(_, task)| task.is_leaving());
    Ok(Some(Observed {
        tasks,
        leaving: leaving.into_keys().collect(),
        assignments: assignments?,
        policy,
        policy_manifest,
        facts,
    }))
}

impl Observed {
    /// What is kept beside the state for the next plan and refresh.
    pub(crate) fn private(&self, owned: &Owned) -> Private {
        let readable = matches!(self.policy, Found::Readable(_));
        Private {
            facts: Some(self.facts.clone()),
            policy_manifest: self.policy_manifest.clone().filter(|_| readable),
            orphans: owned
                .orphans
                .iter()
                .map(|it| it.id.to_lowercase())
                .collect(),
        }
    }
}

/// The policy, and the digest of its manifest.
pub(crate) async fn pull(
    azure: &Azure,
    budget: &Budget,
    host: &str,
    known: &Known,
) -> Result<(Found, Option<String>), Error> {
    let registry = azure.acr(host);
    let manifest = match registry.policy_manifest(budget, POLICY_REPOSITORY).await? {
        StoredPolicy::Nothing => return Ok((Found::Nothing, None)),
        StoredPolicy::Manifest(manifest) => manifest,
        StoredPolicy::Unreadable {
            manifest_digest,
            reason,
        } => return Ok((unreadable(&reason), Some(manifest_digest))),
    };
    if let Some((digest, policy)) = &known.policy
        && *digest == manifest.manifest_digest
    {
        return Ok((Found::Readable(policy.clone()), Some(digest.clone())));
    }
    let found = match registry
        .policy_bytes(budget, POLICY_REPOSITORY, &manifest)
        .await?
    {
        Some(bytes) => {
            Policy::parse(&bytes).map_or_else(|error| unreadable(&error), Found::Readable)
        }
        None => unreadable(&"its layer is missing"),
    };
    Ok((found, Some(manifest.manifest_digest)))
}

fn unreadable(problem: &dyn ToString) -> Found {
    Found::Unreadable {
        problem: problem.to_string(),
    }
}
