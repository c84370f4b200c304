//! Reads a workflow from Azure in as few sequential round trips as possible.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::acr::{AcrClient, Right, StoredPolicy};
use crate::azure::registry::Registry;
use crate::azure::role_assignment::RoleAssignment;
use crate::azure::task::Task;
use crate::azure::{Error, Look, Operation, OperationKind, RegistryClient};
use crate::http::Budget;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::patching::{Policy, TaskName};
use crate::workflow::registry_facts::RegistryFacts;
use crate::workflow::task_drift;

/// The parts of a workflow in Azure.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// The registry.
    pub(crate) facts: RegistryFacts,
    /// The registry as Azure returned it, unless only its facts are known.
    pub(crate) registry: Option<Registry>,
    /// The existing tasks of the workflow.
    pub(crate) tasks: BTreeMap<TaskName, Task>,
    /// The tasks that Azure is still deleting. They count as deleted, but their names are not free yet.
    pub(crate) leaving: BTreeSet<TaskName>,
    /// Every role assignment at the registry's scope, including those of other principals.
    pub(crate) assignments: Vec<RoleAssignment>,
    /// The policy.
    pub(crate) policy: PolicyState,
    /// The digest of the policy's manifest.
    pub(crate) policy_manifest: Option<String>,
    /// The names of tasks of the service's private preview, which scan the same images.
    pub(crate) preview_tasks: Vec<String>,
}

/// The policy in the registry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PolicyState {
    /// It has not been read.
    NotRead,
    /// It doesn't exist.
    Missing,
    /// The service can read the policy.
    Valid(Policy),
    /// The policy can't be read, for this reason.
    Invalid { reader: Reader, problem: String },
}

/// The program that can't read a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The service can't read it, so every run fails.
    Service,
    /// The service may read it, but this provider can't represent it.
    Provider,
}

/// How to read the policy.
#[derive(Clone, Debug)]
pub(crate) enum PolicyRead {
    /// Don't read it. A delete removes it regardless of its content.
    Skip,
    /// Don't read it yet, but sign in to the login server, if that is known. Otherwise sign in to the usual one.
    /// A create reads it while it creates the first task.
    Later(Option<String>),
    /// Read it, unless it is already known.
    Read(KnownPolicy),
}

/// The known properties of the policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownPolicy {
    /// The login server. If it is still right, the policy is read in parallel. Otherwise that takes more
    /// round trips.
    pub(crate) login_server: Option<String>,
    /// A policy from an earlier read, and its manifest's digest. The same digest means the same policy.
    pub(crate) policy: Option<(String, Policy)>,
    /// How often to check that the policy is missing.
    pub(crate) look: Look,
    /// What the operation does with the policy. One token is enough for all of it.
    pub(crate) right: Right,
}

/// Reads the workflow, or returns [`None`] if the registry no longer exists.
///
/// # Errors
/// The first error. A missing part is not an error. A registry that Azure doesn't find although another
/// answer shows it is [`Error::Inconsistent`].
pub(crate) async fn observe(
    registry: &RegistryClient,
    policy: PolicyRead,
) -> Result<Option<Observed>, Error> {
    read_parts(registry, Known::default(), policy).await
}

/// Reads the rest of a workflow whose tasks the caller has just listed.
///
/// # Errors
/// As [`observe`].
pub(crate) async fn observe_rest(
    registry: &RegistryClient,
    tasks: Vec<Task>,
    policy: PolicyRead,
) -> Result<Option<Observed>, Error> {
    let known = Known {
        tasks: Some(tasks),
        ..Known::default()
    };
    read_parts(registry, known, policy).await
}

/// Reads the workflow again while an operation waits. It does not read the registry itself, whose `facts`
/// the operation has read at its start.
///
/// # Errors
/// As [`observe`].
pub(crate) async fn observe_again(
    registry: &RegistryClient,
    facts: &RegistryFacts,
    policy: KnownPolicy,
) -> Result<Option<Observed>, Error> {
    let known = Known {
        facts: Some(facts),
        ..Known::default()
    };
    read_parts(registry, known, PolicyRead::Read(policy)).await
}

/// What the caller has read already.
#[derive(Debug, Default)]
struct Known<'a> {
    facts: Option<&'a RegistryFacts>,
    tasks: Option<Vec<Task>>,
}

async fn read_parts(
    registry: &RegistryClient,
    Known {
        facts,
        tasks: listed,
    }: Known<'_>,
    policy: PolicyRead,
) -> Result<Option<Observed>, Error> {
    let (known, later) = match policy {
        PolicyRead::Skip => (None, None),
        PolicyRead::Later(login_server) => (None, Some(login_server)),
        PolicyRead::Read(known) => (Some(known), None),
    };
    let read = async |host: &str, known: &KnownPolicy| {
        let data_plane = registry.data_plane(host).with_right(known.right);
        read_policy(&data_plane, registry.budget(), known).await
    };
    // A login server that only the state names gets no token, unless it is one of the cloud's own.
    let is_confirmed = |host: &str| facts.is_some_and(|facts| facts.login_server == host);
    let early_host = known
        .as_ref()
        .and_then(|known| known.login_server.as_deref());
    let early_host = early_host.filter(|host| is_confirmed(host) || registry.is_login_server(host));
    let early_policy = async {
        let host = early_host?;
        Some((host, read(host, known.as_ref()?).await))
    };
    let found = async {
        if let Some(facts) = facts {
            return (Ok((facts.clone(), None)), Ok(()));
        }
        let (found, signed_in) = match (&later, &known, early_host) {
            (Some(Some(host)), ..) if registry.is_login_server(host) => {
                let data_plane = registry.data_plane(host).with_right(Right::Push);
                let prepared = data_plane.prepare(registry.budget(), POLICY_REPOSITORY);
                let (found, prepared) = futures::join!(registry.get(), prepared);
                // Otherwise the error is about another registry.
                let is_right = |it: &Registry| it.login_server.eq_ignore_ascii_case(host);
                let is_right = found.as_ref().is_ok_and(is_right);
                (
                    found,
                    prepared.or_else(|error| if is_right { Err(error) } else { Ok(()) }),
                )
            }
            (Some(_), ..) | (None, Some(_), None) => registry.get_and_sign_in(None).await,
            _ => (registry.get().await, Ok(())),
        };
        let found = found.map(|found| (RegistryFacts::from(&found), Some(found)));
        (found, signed_in)
    };
    let tasks = async {
        match listed {
            Some(tasks) => Ok(tasks),
            None => registry.list_tasks(is_of_workflow).await,
        }
    };
    let ((found, signed_in), tasks, assignments, early_policy) =
        futures::join!(found, tasks, registry.list_role_assignments(), early_policy,);
    // If the registry itself is not read, the list of its tasks says that it is gone.
    let found = match (facts, &tasks) {
        (Some(_), Err(error)) => Err(error.clone()),
        _ => found,
    };
    let (facts, found) = match found {
        Ok(found) => found,
        Err(error) if error.is_gone() => {
            let seen = Evidence {
                tasks: tasks.as_ref().map_or(0, Vec::len),
                assignments: assignments.as_ref().map_or(0, Vec::len),
                policy: early_policy.is_some_and(|(_, policy)| policy.is_ok()),
            };
            return seen.contradiction(registry).map_or(Ok(None), Err);
        }
        Err(error) => return Err(error),
    };
    if later.is_some() {
        // A registry that refuses to sign in stops a create before its first write.
        signed_in.clone()?;
        let data_plane = registry.data_plane(&facts.login_server);
        data_plane.sign_in(registry.budget()).await?;
    }
    let (policy, policy_manifest) = match (&known, early_policy) {
        (None, _) => (PolicyState::NotRead, None),
        (Some(_), Some((host, policy))) if host == facts.login_server => policy?,
        (Some(known), _) => {
            signed_in?;
            read(&facts.login_server, known).await?
        }
    };
    let named = |task: Task| Some((TaskName::from_name(&task.name)?, task));
    let tasks = tasks?;
    let preview = tasks.iter().filter(|task| is_preview(task));
    let preview_tasks = preview.map(|task| task.name.clone()).collect();
    let (leaving, tasks): (BTreeMap<_, _>, BTreeMap<_, _>) = tasks
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
        preview_tasks,
        registry: found,
    }))
}

/// Whether the timer may only start once everything else exists.
pub(crate) fn is_unfinished(observed: &Observed) -> bool {
    let trigger = observed.tasks.get(&TaskName::Trigger);
    trigger.is_none_or(|trigger| task_drift::mark(trigger).is_some())
}

/// Whether a task with this name belongs to a workflow.
pub(crate) fn is_of_workflow(name: &str) -> bool {
    TaskName::from_name(name).is_some()
}

/// Whether the registry with these tasks has a workflow: any of the three, unless Azure is deleting it.
pub(crate) fn has_workflow(tasks: &[Task]) -> bool {
    tasks
        .iter()
        .any(|task| is_of_workflow(&task.name) && !task.is_leaving())
}

/// Whether it is an enabled task of the service's private preview.
fn is_preview(task: &Task) -> bool {
    const NAMES: [&str; 2] = ["cssc-trigger-scan", "cssc-scan-image-schedule-patch"];
    let is_named = |name: &&str| name.eq_ignore_ascii_case(&task.name);
    NAMES.iter().any(is_named) && !task.is_leaving()
}

/// What Azure shows of a registry that it doesn't find.
#[derive(Debug)]
struct Evidence {
    tasks: usize,
    assignments: usize,
    /// Whether the registry itself answered.
    policy: bool,
}

impl Evidence {
    /// Returns the error if the registry still exists.
    fn contradiction(&self, registry: &RegistryClient) -> Option<Error> {
        let seen = match self {
            Self { tasks: 1.., .. } => "lists its tasks",
            Self {
                assignments: 1.., ..
            } => "lists its role assignments",
            Self { policy: true, .. } => "reaches its login server",
            _ => return None,
        };
        let operation = Operation::new(OperationKind::ReadRegistry, registry.id().to_string());
        let reason = format!("Azure answered that the registry does not exist, but also {seen}.");
        Some(Error::inconsistent(operation, reason))
    }
}

/// Reads the policy and its manifest's digest.
///
/// # Errors
/// If it can't be read. A missing policy or other content is not an error.
pub(crate) async fn read_policy(
    data_plane: &AcrClient,
    budget: &Budget,
    known: &KnownPolicy,
) -> Result<(PolicyState, Option<String>), Error> {
    let manifest = match data_plane
        .policy_manifest(budget, POLICY_REPOSITORY, known.look)
        .await?
    {
        StoredPolicy::Nothing => return Ok((PolicyState::Missing, None)),
        StoredPolicy::Manifest(manifest) => manifest,
        StoredPolicy::Unreadable {
            manifest_digest,
            reason,
        } => {
            let unreadable = unreadable(&reason, reason.is_own_limit());
            return Ok((unreadable, Some(manifest_digest)));
        }
    };
    if let Some((digest, policy)) = &known.policy
        && *digest == manifest.manifest_digest
    {
        return Ok((PolicyState::Valid(policy.clone()), Some(digest.clone())));
    }
    let bytes = data_plane.policy_bytes(budget, POLICY_REPOSITORY, &manifest);
    let found = match bytes.await? {
        Some(bytes) => match Policy::parse(&bytes) {
            Ok(policy) => PolicyState::Valid(policy),
            Err(error) => unreadable(&error, error.is_own_limit()),
        },
        None => unreadable(&"its layer is missing", false),
    };
    Ok((found, Some(manifest.manifest_digest)))
}

fn unreadable(problem: &dyn ToString, is_own_limit: bool) -> PolicyState {
    PolicyState::Invalid {
        reader: if is_own_limit {
            Reader::Provider
        } else {
            Reader::Service
        },
        problem: problem.to_string(),
    }
}
