//! Computes the necessary changes in Azure from the desired and the observed state. It does no I/O, and
//! leaves everything that already matches unchanged.

use crate::azure::role_assignment::RoleAssignment;
use crate::patching::TaskName;
use crate::patching::role::{Role, assignment_name};
use crate::workflow::desired::{Desired, TaskChange};
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::Owned;

/// The changes in the order of the fields. Changes in one field can run in parallel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Whether to push the policy.
    pub(crate) push_policy: bool,
    /// The tasks to create or change.
    pub(crate) tasks: Vec<(TaskName, TaskChange)>,
    /// The role assignments to delete first. Their identities no longer exist, and their names may block
    /// new assignments.
    pub(crate) orphans: Vec<(String, RoleAssignment)>,
    /// The role assignments to create once the tasks have identities.
    pub(crate) grants: Vec<Grant>,
    /// The role assignments to delete last. The task doesn't need them in the end, but may need them
    /// until then.
    pub(crate) surplus: Vec<(String, RoleAssignment)>,
}

/// A role assignment to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The key of the role assignment.
    pub(crate) key: String,
    /// The task whose identity gets the role.
    pub(crate) task: TaskName,
    /// The name of the role assignment.
    pub(crate) name: String,
    /// The ID of the role definition.
    pub(crate) role_definition_id: String,
}

/// Computes the changes.
pub(crate) fn find_changes(desired: &Desired, observed: &Observed, owned: &Owned) -> Changes {
    let facts = &desired.facts;
    let subscription = &facts.id.subscription_id;
    let grant = |key: &String, task: TaskName, role: Role| {
        let role_definition_id = role.definition_id(subscription);
        // A PUT under the same name removes the condition.
        let narrowed = owned.narrowed.get(key).map(|it| it.name.clone());
        let own = || assignment_name(&facts.task_id(task), &role_definition_id);
        Grant {
            key: key.clone(),
            task,
            name: narrowed.unwrap_or_else(own),
            role_definition_id,
        }
    };
    let needed = facts.role_keys();
    let is_needed = |key: &str| needed.iter().any(|(needed, ..)| needed == key);
    let tasks = TaskName::ALL.into_iter().filter_map(|task| {
        let change = desired.change(task, observed.tasks.get(&task))?;
        Some((task, change))
    });
    let held = owned.held.iter().chain(&owned.narrowed);
    let surplus = held.filter(|(key, _)| !is_needed(key));
    let pairs = |(key, assignment): (&String, &RoleAssignment)| (key.clone(), assignment.clone());
    Changes {
        push_policy: observed.policy != PolicyState::Valid(desired.policy.clone()),
        tasks: tasks.collect(),
        orphans: owned.orphans.iter().map(pairs).collect(),
        surplus: surplus.map(pairs).collect(),
        grants: needed
            .iter()
            .filter(|(key, ..)| !owned.held.contains_key(key))
            .map(|(key, task, role)| grant(key, *task, *role))
            .collect(),
    }
}

impl Changes {
    /// Whether there is nothing to change.
    pub(crate) fn is_empty(&self) -> bool {
        !self.push_policy
            && self.tasks.is_empty()
            && self.orphans.is_empty()
            && self.grants.is_empty()
            && self.surplus.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::task::{Identity, SetValue, Task, TimerTrigger, Trigger};
    use crate::workflow::fixture::{assignment, desired, observed, principal, recorded};
    use crate::workflow::ownership::find_owned;

    /// Returns the changes for `observed`, one line each.
    fn steps(observed: &Observed) -> Vec<String> {
        steps_to(&desired(), observed)
    }

    fn steps_to(desired: &Desired, observed: &Observed) -> Vec<String> {
        let owned = find_owned(observed, &recorded());
        let changes = find_changes(desired, observed, &owned);
        let tasks = changes.tasks.iter().map(|(name, change)| match change {
            TaskChange::Put(_) => format!("put {name}"),
            TaskChange::Patch(patch) => {
                format!("patch {name}: {}", serde_json::to_string(patch).unwrap())
            }
        });
        let policy = changes.push_policy.then(|| "push the policy".to_owned());
        policy
            .into_iter()
            .chain(tasks)
            .chain(
                changes
                    .orphans
                    .iter()
                    .map(|(_, orphan)| format!("remove orphan {}", orphan.name)),
            )
            .chain(
                changes
                    .grants
                    .iter()
                    .map(|grant| format!("grant {}", grant.key)),
            )
            .chain(
                changes
                    .surplus
                    .iter()
                    .map(|(key, _)| format!("remove {key}")),
            )
            .collect()
    }

    fn with(task: TaskName, change: impl FnOnce(&mut Task)) -> Observed {
        let mut observed = observed();
        change(observed.tasks.get_mut(&task).unwrap());
        observed
    }

    #[test]
    fn a_matching_workflow_needs_no_changes() {
        assert_eq!(steps(&observed()), [""; 0]);
    }

    #[test]
    fn other_spellings_need_no_changes() {
        let respelled = with(TaskName::Scan, |task| {
            task.id = task.id.to_uppercase();
            task.tags.insert("cost-center".to_owned(), "7".to_owned());
            let properties = &mut task.properties;
            properties.status = None;
            properties.platform.as_mut().unwrap().os = "Linux".to_owned();
        });
        assert_eq!(steps(&respelled), [""; 0]);
    }

    #[test]
    fn a_new_schedule_patches_one_timer() {
        let mut desired = desired();
        desired.cron = "30 2 */14 * *".to_owned();
        assert_eq!(
            steps_to(&desired, &observed()),
            [
                r#"patch cssc-trigger-workflow: {"properties":{"trigger":{"timerTriggers":[{"name":"azcli_defined_schedule","schedule":"30 2 */14 * *","status":"Enabled"}]}}}"#
            ]
        );
    }

    #[test]
    fn an_extra_timer_needs_a_put_because_a_patch_merges_timers() {
        let extra = with(TaskName::Trigger, |task| {
            let timers = &mut task.properties.trigger.as_mut().unwrap().timer_triggers;
            let mut other = timers[0].clone();
            other.name = "mine".to_owned();
            timers.push(other);
        });
        assert_eq!(steps(&extra), ["put cssc-trigger-workflow"]);
    }

    #[test]
    fn each_part_of_a_task_is_repaired_separately() {
        let damage: [fn(&mut Task); 7] = [
            |task| task.properties.status = Some("Disabled".to_owned()),
            |task| task.properties.timeout = Some(60),
            |task| task.properties.agent_configuration.as_mut().unwrap().cpu = Some(4),
            |task| {
                task.properties.platform.as_mut().unwrap().architecture = Some("arm64".to_owned())
            },
            |task| _ = task.tags.remove("cssc"),
            |task| task.properties.credentials = None,
            |task| {
                let credentials = task.properties.credentials.as_mut().unwrap();
                credentials.source_registry.as_mut().unwrap().login_mode =
                    Some("Default".to_owned());
            },
        ];
        let mended: Vec<String> = damage
            .into_iter()
            .flat_map(|damage| steps(&with(TaskName::Patch, damage)))
            .collect();
        insta::assert_snapshot!(mended.join("\n"), @r#"
        patch cssc-patch-image: {"properties":{"status":"Enabled"}}
        patch cssc-patch-image: {"properties":{"timeout":3600}}
        patch cssc-patch-image: {"properties":{"agentConfiguration":{"cpu":2}}}
        patch cssc-patch-image: {"properties":{"platform":{"os":"linux","architecture":"amd64"}}}
        patch cssc-patch-image: {"tags":{"clienttracking":"true","cssc":"true"}}
        patch cssc-patch-image: {"properties":{"credentials":{"sourceRegistry":{"loginMode":"None","identity":"[system]"},"customRegistries":{"contoso.azurecr.io":{"identity":"[system]"}}}}}
        patch cssc-patch-image: {"properties":{"credentials":{"sourceRegistry":{"loginMode":"None","identity":"[system]"},"customRegistries":{"contoso.azurecr.io":{"identity":"[system]"}}}}}
        "#);
    }

    #[test]
    fn a_trigger_of_another_tool_needs_a_put() {
        let based = with(TaskName::Trigger, |task| {
            let trigger = task.properties.trigger.as_mut().unwrap();
            trigger.base_image_trigger = Some(serde_json::json!({"name": "mine"}));
        });
        assert_eq!(steps(&based), ["put cssc-trigger-workflow"]);
        let timed = with(TaskName::Scan, |task| {
            let timer = TimerTrigger {
                name: "mine".to_owned(),
                schedule: "0 0 * * *".to_owned(),
                status: None,
            };
            task.properties.trigger = Some(Trigger {
                timer_triggers: vec![timer],
                ..Trigger::default()
            });
        });
        assert_eq!(steps(&timed), ["put cssc-scan-image"]);
    }

    #[test]
    fn a_condition_is_removed_under_the_same_name() {
        let mut narrowed = observed();
        narrowed.assignments[0].condition = Some("false".to_owned());
        let name = narrowed.assignments[0].name.clone();
        let owned = find_owned(&narrowed, &recorded());
        let changes = find_changes(&desired(), &narrowed, &owned);
        let names: Vec<&String> = changes.grants.iter().map(|grant| &grant.name).collect();
        assert_eq!(names, [&name]);
    }

    #[test]
    fn an_unfinished_workflow_is_finished_by_one_patch() {
        let mut unfinished = desired();
        unfinished.mark = Some("apply-1".to_owned());
        let marked = with(TaskName::Trigger, |task| {
            *task = TaskChange::Put(Box::new(unfinished.task(TaskName::Trigger))).applied_to(task);
        });
        assert_eq!(steps_to(&unfinished, &marked), [""; 0]);
        assert_eq!(
            steps(&marked),
            [
                r#"patch cssc-trigger-workflow: {"tags":{"clienttracking":"true","cssc":"true"},"properties":{"trigger":{"timerTriggers":[{"name":"azcli_defined_schedule","schedule":"30 2 */7 * *","status":"Enabled"}]}}}"#
            ]
        );
        // Another apply's mark is not ours.
        unfinished.mark = Some("apply-2".to_owned());
        assert_eq!(steps_to(&unfinished, &marked).len(), 1);
    }

    #[test]
    fn values_set_by_another_tool_are_removed() {
        let set = with(TaskName::Patch, |task| {
            task.properties.step.as_mut().unwrap().values = vec![SetValue {
                name: "SOURCE_REPOSITORY".to_owned(),
                value: Some("mine".to_owned()),
                is_secret: false,
            }];
        });
        let [patch] = &steps(&set)[..] else {
            panic!("expected one patch");
        };
        assert!(patch.ends_with(r#""values":[]}}}"#), "{patch}");
    }

    #[test]
    fn a_task_without_identity_gets_one_and_then_its_role() {
        let mut without = with(TaskName::Patch, |task| task.identity = None);
        without
            .assignments
            .retain(|assignment| !assignment.is_of(&principal(TaskName::Patch)));
        assert_eq!(
            steps(&without),
            [
                r#"patch cssc-patch-image: {"identity":{"type":"SystemAssigned"}}"#,
                "grant cssc-patch-image/AcrPush",
            ]
        );
    }

    #[test]
    fn a_recreated_task_leaves_an_orphan_that_is_removed_first() {
        let anew = with(TaskName::Patch, |task| {
            task.identity = Some(Identity {
                principal_id: Some("another".to_owned()),
                ..Identity::system_assigned()
            });
        });
        let steps = steps(&anew);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps[0].starts_with("remove orphan "));
        assert_eq!(steps[1], "grant cssc-patch-image/AcrPush");
    }

    #[test]
    fn the_contributor_role_of_an_early_cli_is_removed_last() {
        let mut early = observed();
        let subscription = "00000000-0000-0000-0000-000000000000";
        let definition = Role::Contributor.definition_id(subscription);
        let task = early.facts.task_id(TaskName::Scan);
        let name = assignment_name(&task, &definition);
        early
            .assignments
            .push(assignment(&name, &principal(TaskName::Scan), &definition));
        assert_eq!(steps(&early), ["remove cssc-scan-image/Contributor"]);
    }

    #[test]
    fn foreign_role_assignments_are_not_changed() {
        let mut crowded = observed();
        let subscription = "00000000-0000-0000-0000-000000000000";
        let contributor = Role::Contributor.definition_id(subscription);
        let others = [
            // Another principal with a role that the workflow uses.
            assignment(
                "11111111-0000-0000-0000-000000000000",
                "somebody",
                &Role::AcrPull.definition_id(subscription),
            ),
            // An identity of the workflow with a role that its task doesn't need, created by another
            // tool.
            assignment(
                "22222222-0000-0000-0000-000000000000",
                &principal(TaskName::Scan),
                &contributor,
            ),
        ];
        crowded.assignments.extend(others);
        assert_eq!(steps(&crowded), [""; 0]);
    }

    #[test]
    fn an_edited_or_missing_policy_is_pushed() {
        for policy in [
            PolicyState::Missing,
            PolicyState::Invalid {
                reader: crate::workflow::observe::Reader::Service,
                problem: String::new(),
            },
            PolicyState::Valid(crate::patching::Policy::default()),
        ] {
            let edited = Observed {
                policy,
                ..observed()
            };
            assert_eq!(steps(&edited), ["push the policy"]);
        }
    }
}
