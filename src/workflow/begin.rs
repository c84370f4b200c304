//! Begins to create a workflow. Nothing that it does makes the workflow run.

use crate::azure::acr::{Expected, PolicyUpload, Right};
use crate::azure::{Error, Look};
use crate::patching::TaskName;
use crate::patching::policy::POLICY_REPOSITORY;
use crate::workflow::desired::Desired;
use crate::workflow::observe::{KnownPolicy, Observed, PolicyState, is_unfinished, read_policy};
use crate::workflow::recorded_writes::Writer;
use crate::workflow::task_changes::{Started, Tasks};

/// What has begun before the differences are applied.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// The marked trigger task.
    pub(crate) trigger: Option<Started>,
    /// The upload of the policy.
    pub(crate) upload: Option<PolicyUpload>,
}

/// Reads a policy that has not been read yet, and adds it to `observed`. In an unfinished workflow, it meanwhile
/// creates the trigger task with this mark, and begins to upload the policy.
///
/// # Errors
/// All errors. The trigger task may exist.
pub(crate) async fn begin(
    writer: Writer<'_>,
    desired: &Desired,
    observed: &mut Observed,
    mark: &str,
) -> Result<Begun, Vec<Error>> {
    if observed.policy != PolicyState::NotRead {
        return Ok(Begun::default());
    }
    let is_unfinished = is_unfinished(observed);
    let target = Desired {
        mark: Some(mark.to_owned()),
        ..desired.clone()
    };
    let tasks = Tasks::new(writer, &target, observed);
    let trigger = async {
        let existing = observed.tasks.get(&TaskName::Trigger);
        match target.change(TaskName::Trigger, existing) {
            Some(change) if is_unfinished => {
                tasks.start(TaskName::Trigger, &change).await.map(Some)
            }
            _ => Ok(None),
        }
    };
    let (data_plane, budget) = (writer.data_plane(Right::Push), writer.registry.budget());
    let known = KnownPolicy {
        // If the answer is wrong, the apply pushes the same policy again.
        look: Look::Once,
        ..KnownPolicy::default()
    };
    let policy = async {
        let read = read_policy(&data_plane, budget, &known);
        if !is_unfinished {
            return read.await.map(|read| (read, None));
        }
        let (document, missing) = (desired.policy.document(), Expected::Missing);
        let upload = data_plane.begin_policy(budget, POLICY_REPOSITORY, document, missing);
        let (read, upload) = futures::try_join!(read, upload)?;
        Ok((read, Some(upload)))
    };
    let (trigger, policy) = futures::join!(trigger, policy);
    let (trigger, ((policy, manifest), upload)) = match (trigger, policy) {
        (Ok(trigger), Ok(policy)) => (trigger, policy),
        (trigger, policy) => {
            return Err(trigger.err().into_iter().chain(policy.err()).collect());
        }
    };
    drop(tasks);
    observed.policy = policy;
    observed.policy_manifest = manifest;
    Ok(Begun { trigger, upload })
}
