//! Removes a workflow: the trigger task, the active runs, each other task with its role assignments, and the
//! policy. Anything already gone counts as removed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;

use crate::azure::acr::Right;
use crate::azure::poll::Polling;
use crate::azure::run::Run;
use crate::azure::{Error, Look, Operation, OperationKind};
use crate::http::Backoff;
use crate::patching::TaskName;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::workflow::cancel_runs::CancelRuns;
use crate::workflow::observe::{KnownPolicy, Observed, PolicyState, observe_again};
use crate::workflow::ownership::{Owned, find_owned};
use crate::workflow::recorded::Recorded;
use crate::workflow::recorded_writes::{Writer, failed};
use crate::workflow::wait::{Ended, Wait};

/// How long to wait until Azure shows nothing after each round. After that, the next round removes what
/// Azure still shows.
const ROUNDS: [Duration; 5] = [
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(120),
];

/// Why a workflow is not completely removed.
#[derive(Debug)]
pub(crate) struct Remains {
    /// The errors.
    pub(crate) failures: Vec<Error>,
    /// What Azure still shows after every delete was accepted.
    pub(crate) seen: Option<Box<Observed>>,
    /// The runs that ignore their cancellation.
    pub(crate) left_active: Vec<Run>,
}

/// Removes the workflow, until Azure shows nothing of it. Returns the runs that ignore their cancellation.
///
/// # Errors
/// If a part can't be removed, or if Azure still shows one at the end.
pub(crate) async fn remove(
    writer: Writer<'_>,
    observed: &Observed,
    recorded: &Recorded,
) -> Result<Vec<Run>, Remains> {
    let registry = writer.registry;
    let known = KnownPolicy {
        login_server: recorded.login_server.clone(),
        policy: None,
        // The answers to the deletes are the other look.
        look: Look::Once,
        right: Right::Delete,
    };
    let mut seen = observed.clone();
    let mut recorded = recorded.clone();
    let mut attempted = BTreeSet::new();
    let mut left_active = Vec::new();
    for patience in ROUNDS {
        let owned = find_owned(&seen, &recorded);
        attempted.extend(owned.all().map(|(_, it)| it.id.to_lowercase()));
        let failures = tear_down(writer, &seen, &owned, &recorded, &mut left_active).await;
        if !failures.is_empty() {
            return Err(Remains {
                failures,
                seen: None,
                left_active,
            });
        }
        let what = format!(
            "Azure shows nothing of the workflow in {}",
            registry.id().registry
        );
        let mut wait = Wait::new(registry.budget(), what, Backoff::until_shown());
        seen = loop {
            let now = match observe_again(registry, &observed.facts, known.clone()).await {
                Ok(Some(now)) => now,
                Ok(None) => return Ok(left_active),
                Err(error) => {
                    return Err(Remains {
                        failures: vec![error],
                        seen: None,
                        left_active,
                    });
                }
            };
            let owned = find_owned(&now, &recorded);
            if is_nothing_left(&now, &owned) {
                return Ok(left_active);
            }
            let is_new = |id: &str| !attempted.contains(&id.to_lowercase());
            if wait.paused() >= patience || owned.all().any(|(_, it)| is_new(&it.id)) {
                break now;
            }
            match wait.pause().await {
                Ok(()) => {}
                Err(Ended::NotYet) => break now,
                Err(Ended::Stopped(why)) => {
                    let id = registry.id().to_string();
                    let operation = Operation::new(OperationKind::ListTasks, id);
                    return Err(Remains {
                        failures: vec![Error::stopped(&operation, why)],
                        seen: Some(Box::new(now)),
                        left_active,
                    });
                }
            }
        };
        // The next round removes only what Azure still shows.
        recorded.tasks.clear();
    }
    Err(Remains {
        failures: vec![still_seen(&seen, &find_owned(&seen, &recorded))],
        seen: Some(Box::new(seen)),
        left_active,
    })
}

fn is_nothing_left(observed: &Observed, owned: &Owned) -> bool {
    observed.tasks.is_empty()
        && observed.leaving.is_empty()
        && observed.policy == PolicyState::Missing
        && *owned == Owned::default()
}

fn still_seen(seen: &Observed, owned: &Owned) -> Error {
    let tasks = seen.tasks.keys().chain(&seen.leaving);
    let tasks = tasks.map(|&task| seen.facts.task_id(task));
    let assignments = owned.all().map(|(_, assignment)| assignment.id.clone());
    let policy = (seen.policy != PolicyState::Missing).then(|| "the policy".to_owned());
    let left: String = tasks
        .chain(assignments)
        .chain(policy)
        .map(|part| format!("\n  - {part}"))
        .collect();
    let operation = Operation::new(OperationKind::ListTasks, seen.facts.id.to_string());
    let reason = format!("Azure has accepted the deletion of every part, but still shows:{left}");
    Error::inconsistent(operation, reason)
}

/// Removes everything that belongs to the workflow. That includes recorded parts that Azure doesn't list
/// yet. It tries every part that doesn't depend on a failed one. What it can't remove stays in the record.
async fn tear_down(
    writer: Writer<'_>,
    observed: &Observed,
    owned: &Owned,
    recorded: &Recorded,
    left_active: &mut Vec<Run>,
) -> Vec<Error> {
    let signed_in = async {
        // The deletion of the policy reports an error.
        let _ = writer
            .data_plane(Right::Delete)
            .prepare(writer.registry.budget(), POLICY_REPOSITORY)
            .await;
    };
    let tasks = remove_tasks(writer, observed, owned, recorded, left_active);
    let (mut failures, tasks_are_gone) = meanwhile(signed_in, tasks).await;
    if tasks_are_gone && observed.policy != PolicyState::Missing {
        failures.extend(writer.delete_policy().await.err());
    }
    failures
}

/// Does `work`, and meanwhile prepares for what follows. It doesn't wait for the end of the preparation.
async fn meanwhile<T>(preparation: impl Future<Output = ()>, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        () = preparation => work.await,
    }
}

/// Removes everything but the policy. Returns the errors, and whether no task is left.
async fn remove_tasks(
    writer: Writer<'_>,
    observed: &Observed,
    owned: &Owned,
    recorded: &Recorded,
    left_active: &mut Vec<Run>,
) -> (Vec<Error>, bool) {
    let task = async |name| remove_task(writer, name, observed, recorded).await;
    // While the trigger task exists, it can start runs, so the rest must stay usable.
    let runs = match remove_trigger(writer, observed, recorded, !left_active.is_empty()).await {
        Ok(runs) => runs,
        Err(error) => return (vec![error], false),
    };
    let mut failures = Vec::new();
    // A run that ignores its cancellation doesn't keep anything from being removed.
    match runs {
        None => {}
        Some(Ok(left)) => *left_active = left,
        Some(Err(error)) => failures.push(error),
    }
    let every: Vec<(&String, &String)> = owned
        .all()
        .map(|(key, assignment)| (key, &assignment.id))
        .chain(recorded.unlisted(observed))
        .collect();
    let of = |name: TaskName| {
        let prefix = format!("{name}/");
        let own = every
            .iter()
            .filter(move |(key, _)| key.starts_with(&prefix));
        own.map(|(key, id)| writer.revoke(key, id))
    };
    let others = every.iter().filter(|(key, _)| {
        let task = key.split('/').next().unwrap_or_default();
        TaskName::from_name(task).is_none()
    });
    let others = others.map(|(key, id)| writer.revoke(key, id));
    let with_roles = async |name| {
        let mut failures = failed(join_all(of(name)).await);
        if failures.is_empty() {
            failures.extend(task(name).await.err());
        }
        failures
    };
    let (trigger, scan, patch, others) = futures::join!(
        join_all(of(TaskName::Trigger)),
        with_roles(TaskName::Scan),
        with_roles(TaskName::Patch),
        join_all(others),
    );
    let tasks_are_gone = scan.is_empty() && patch.is_empty();
    failures.extend(failed(trigger.into_iter().chain(others)));
    failures.extend(scan.into_iter().chain(patch));
    (failures, tasks_are_gone)
}

/// Removes the trigger task, and then cancels the active runs, unless that `was_tried` before. Returns the runs
/// that ignore their cancellation.
async fn remove_trigger(
    writer: Writer<'_>,
    observed: &Observed,
    recorded: &Recorded,
    was_tried: bool,
) -> Result<Option<Result<Vec<Run>, Error>>, Error> {
    const TRIGGER: TaskName = TaskName::Trigger;
    let cancel = async || match was_tried {
        true => None,
        false => Some(CancelRuns::new(writer.registry).until_none_active().await),
    };
    let is_there = observed.tasks.contains_key(&TRIGGER) || recorded.tasks.contains(&TRIGGER);
    if observed.leaving.contains(&TRIGGER) || !is_there {
        remove_task(writer, TRIGGER, observed, recorded).await?;
        return Ok(cancel().await);
    }
    let (registry, name) = (writer.registry, TRIGGER.as_str());
    if let Some(polling) = registry.start_delete_task(name).await? {
        if polling == Polling::resource() {
            // Azure has probably deleted the task already. Then it has queued its last run, too.
            let (gone, runs) = futures::join!(registry.is_task_gone(name), cancel());
            if gone? {
                writer.record_deleted(TRIGGER);
                return Ok(runs);
            }
        }
        registry.wait_task_gone(name, polling).await?;
    }
    writer.record_deleted(TRIGGER);
    Ok(cancel().await)
}

async fn remove_task(
    writer: Writer<'_>,
    name: TaskName,
    observed: &Observed,
    recorded: &Recorded,
) -> Result<(), Error> {
    if observed.leaving.contains(&name) {
        return writer.wait_until_gone(name).await;
    }
    if !observed.tasks.contains_key(&name) && !recorded.tasks.contains(&name) {
        return Ok(());
    }
    writer.delete_task(name).await
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use super::*;
    use crate::azure::testing::registry_client;
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};
    use crate::workflow::fixture::{observed, recorded};
    use crate::workflow::progress::{ProgressEvent, ProgressSink};

    const TRIGGER: &str = "/tasks/cssc-trigger-workflow?";

    #[derive(Debug)]
    struct Unrecorded;

    impl ProgressSink for Unrecorded {
        fn record(&self, _: ProgressEvent<'_>) {}
    }

    async fn removes_the_trigger(script: ScriptedTransport) {
        let registry = registry_client(&script);
        let writer = Writer {
            registry: &registry,
            login_server: "contoso.azurecr.io",
            progress: &Unrecorded,
        };
        let runs = remove_trigger(writer, &observed(), &recorded(), false).await;
        assert!(runs.unwrap().unwrap().unwrap().is_empty());
        script.assert_done();
    }

    fn no_runs() -> crate::http::Response {
        json(200, &value!({"value": []}))
    }

    #[tokio::test(start_paused = true)]
    async fn runs_are_listed_while_the_trigger_task_is_looked_for() {
        let script = ScriptedTransport::default()
            .on(Method::DELETE, TRIGGER, reply(200))
            .on(Method::GET, TRIGGER, absent("ResourceNotFound"))
            .on(Method::GET, "/runs?", no_runs());
        removes_the_trigger(script).await;
    }

    #[tokio::test(start_paused = true)]
    async fn runs_are_listed_again_if_the_trigger_task_was_still_there() {
        let still = json(
            200,
            &value!({"properties": {"provisioningState": "Succeeded"}}),
        );
        let script = ScriptedTransport::default()
            .on(Method::DELETE, TRIGGER, reply(200))
            .on(Method::GET, TRIGGER, still)
            .on(Method::GET, TRIGGER, absent("ResourceNotFound"))
            .twice(Method::GET, "/runs?", no_runs());
        removes_the_trigger(script).await;
    }
}
