//! The steps of a history. A step is one operation of one user. Steps are data, so that proptest can
//! generate, shrink and print them.

use std::collections::BTreeMap;

use azure_simulator::{CliStep, Generation, GroupCase};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use terraform_plugin::value::Value;
use terraform_provider_acr::patching::TaskName;

use crate::property::behavior::{Behavior, behaviors};

/// The maximum number of steps in a history.
const LONGEST: usize = 15;
/// The tags that a configuration may list for a repository.
const TAGS: &[&[&str]] = &[&["3.11", "3.12"], &["*"], &["latest"]];
/// The highest request number at which a fault can occur. Most operations send that many.
const REQUESTS: usize = 40;

/// One operation. A step that is impossible in the current situation does nothing.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A command of Terraform Core, and a fault during it.
    Terraform(Command, Trouble),
    /// The state file is lost.
    LoseState,
    /// A user edits the workflow in the portal.
    Portal(Edit),
    /// A user calls the Azure CLI.
    Cli(CliCall),
    /// A user changes unrelated resources.
    Unrelated(UnrelatedChange),
    /// From now on, Azure behaves so.
    Azure(Behavior),
    /// Time passes, and Azure's reads catch up with its writes.
    CatchUp,
}

/// A command of Terraform.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Apply(Desired),
    Refresh,
    Import(Spelling),
    Destroy,
}

/// A fault during a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// The user interrupts the command at this request.
    Interrupt(usize),
    /// This request fails once.
    Once(usize, Failure),
    /// Each request from this one on fails.
    From(usize, Failure),
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Status(u16),
    /// A passing 404 with the service's own error code.
    NotFound,
    /// A 404 with the HTML page of a proxy.
    Page,
    /// The connection is cut before Azure carries out the request.
    Cut,
    /// The connection is cut after Azure has carried out the request.
    CutAfter,
}

/// The letter case of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    AsStored,
    Lower,
    Upper,
}

/// The configuration that a user writes. `None` omits an argument.
#[derive(Clone, Debug)]
pub(super) struct Desired {
    pub(super) registry: Spelling,
    pub(super) days: u8,
    pub(super) start_time: Option<&'static str>,
    pub(super) convention: Option<&'static str>,
    /// Tags and `enabled`, by repository.
    pub(super) repositories: BTreeMap<&'static str, (&'static [&'static str], Option<bool>)>,
    pub(super) enabled: Option<bool>,
    pub(super) run_immediately: bool,
    pub(super) preflight: Option<&'static str>,
}

/// An edit in the portal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    DeleteTask(TaskName),
    DisableTask(TaskName),
    Timeout(TaskName),
    Cpu(TaskName),
    RemoveTags(TaskName),
    AddTag(TaskName),
    Definition(TaskName),
    RemoveCredentials(TaskName),
    RemoveIdentity(TaskName),
    /// Removes the identity and adds it again, which results in another principal.
    RenewIdentity(TaskName),
    DisableTimer,
    RenameTimer,
    AddTimer,
    RemoveTimers,
    OddCron,
    /// Deletes the role assignment with this index.
    DeleteAssignment(usize),
    /// Adds a condition to the role assignment with this index.
    AddCondition(usize),
    SwitchPermissions,
    DeletePolicy,
    SpoilPolicy,
}

/// A call of the Azure CLI.
#[derive(Clone, Copy, Debug)]
pub(super) enum CliCall {
    Create {
        generation: Generation,
        /// The letter case of the resource group in the deployment.
        group: GroupCase,
        days: u8,
        /// The CLI fails before this step.
        failing_at: Option<CliStep>,
    },
    UpdateSchedule(Generation, u8),
    UpdateConfig(Generation),
    Delete,
}

/// A change to unrelated resources, which the provider must keep.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnrelatedChange {
    /// Assigns a role to an unrelated principal.
    GrantPrincipal(usize),
    /// Assigns a role to a task's identity that the task does not need.
    GrantTask(TaskName),
    PutTask,
    PushImage(usize),
}

impl Spelling {
    /// A registry ID in this letter case.
    pub(super) fn of(self, id: &str) -> String {
        match self {
            Self::AsStored => id.to_owned(),
            Self::Lower => id.to_lowercase(),
            Self::Upper => id.to_uppercase(),
        }
    }
}

impl Default for Desired {
    fn default() -> Self {
        Self {
            registry: Spelling::AsStored,
            days: 7,
            start_time: None,
            convention: None,
            repositories: [("python", (TAGS[0], None))].into(),
            enabled: None,
            run_immediately: false,
            preflight: None,
        }
    }
}

impl Desired {
    /// The configuration for the registry with this ID.
    pub(super) fn config(&self, id: &str) -> Value {
        let optional = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let flag = |flag: Option<bool>| flag.map_or(Value::Null, Value::from);
        let repositories = self.repositories.iter().map(|(name, (tags, enabled))| {
            let tags = tags.iter().copied().map(Value::from).collect();
            let repository = [("tags", Value::Set(tags)), ("enabled", flag(*enabled))];
            ((*name).to_owned(), Value::object(repository))
        });
        Value::object([
            ("registry_id", self.registry.of(id).into()),
            ("schedule", format!("{}d", self.days).into()),
            ("start_time", optional(self.start_time)),
            ("tag_convention", optional(self.convention)),
            ("repositories", Value::Map(repositories.collect())),
            ("enabled", flag(self.enabled)),
            ("run_immediately", self.run_immediately.into()),
            ("preflight", optional(self.preflight)),
        ])
    }
}

/// Generates a history and the configuration at its end.
pub(super) fn histories() -> impl Strategy<Value = (Vec<Step>, Desired)> {
    (vec(steps(), 0..=LONGEST), desired_configs())
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (commands(), troubles()).prop_map(|(command, trouble)| Step::Terraform(command, trouble)),
        1 => Just(Step::LoseState),
        6 => edits().prop_map(Step::Portal),
        3 => behaviors().prop_map(Step::Azure),
        1 => Just(Step::CatchUp),
        2 => cli_calls().prop_map(Step::Cli),
        2 => unrelated_changes().prop_map(Step::Unrelated),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => desired_configs().prop_map(Command::Apply),
        1 => Just(Command::Refresh),
        1 => spellings().prop_map(Command::Import),
        1 => Just(Command::Destroy),
    ]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let failures = || {
        let status = select(&[400, 403, 409, 412, 429, 500][..]);
        prop_oneof![
            3 => status.prop_map(Failure::Status),
            1 => Just(Failure::Page),
            1 => Just(Failure::Cut),
            2 => Just(Failure::CutAfter),
        ]
    };
    prop_oneof![
        3 => Just(Trouble::Nothing),
        3 => (1..=REQUESTS).prop_map(Trouble::Interrupt),
        // Azure that answers 404 for good has no workflow.
        1 => (1..=REQUESTS).prop_map(|at| Trouble::Once(at, Failure::NotFound)),
        3 => (1..=REQUESTS, failures()).prop_map(|(at, failure)| Trouble::Once(at, failure)),
        1 => (1..=REQUESTS, failures()).prop_map(|(at, failure)| Trouble::From(at, failure)),
    ]
}

fn desired_configs() -> impl Strategy<Value = Desired> {
    let repositories = btree_map(
        select(&["python", "node", "team/api"][..]),
        (select(TAGS), option::of(any::<bool>())),
        1..=3,
    );
    (
        spellings(),
        days(),
        option::of(select(&["02:30", "00:00", "23:59"][..])),
        option::of(select(&["incremental", "floating"][..])),
        repositories,
        option::of(any::<bool>()),
        prop::bool::weighted(0.2),
        option::weighted(0.3, Just("off")),
    )
        .prop_map(
            |(
                registry,
                days,
                start_time,
                convention,
                repositories,
                enabled,
                run_immediately,
                preflight,
            )| Desired {
                registry,
                days,
                start_time,
                convention,
                repositories,
                enabled,
                run_immediately,
                preflight,
            },
        )
}

fn edits() -> impl Strategy<Value = Edit> {
    let of_a_task: &[fn(TaskName) -> Edit] = &[
        Edit::DeleteTask,
        Edit::DeleteTask,
        Edit::DisableTask,
        Edit::Timeout,
        Edit::Cpu,
        Edit::RemoveTags,
        Edit::AddTag,
        Edit::Definition,
        Edit::RemoveCredentials,
        Edit::RemoveIdentity,
        Edit::RenewIdentity,
    ];
    let others: &[Edit] = &[
        Edit::DisableTimer,
        Edit::RenameTimer,
        Edit::AddTimer,
        Edit::RemoveTimers,
        Edit::OddCron,
        Edit::SwitchPermissions,
        Edit::DeletePolicy,
        Edit::SpoilPolicy,
    ];
    prop_oneof![
        4 => (select(of_a_task), tasks()).prop_map(|(edit, task)| edit(task)),
        3 => select(others),
        1 => (0..6_usize).prop_map(Edit::DeleteAssignment),
        1 => (0..6_usize).prop_map(Edit::AddCondition),
    ]
}

fn cli_calls() -> impl Strategy<Value = CliCall> {
    let generations = || select(&[Generation::Contributor, Generation::TasksContributor][..]);
    let groups = select(&[GroupCase::AsStored, GroupCase::Lower, GroupCase::Upper][..]);
    // Later steps may fail without a fault.
    let steps = select(
        &[
            CliStep::PatchTask,
            CliStep::ScanTask,
            CliStep::TriggerTask,
            CliStep::ScanAssignment,
        ][..],
    );
    let create = (generations(), groups, days(), option::weighted(0.3, steps));
    prop_oneof![
        3 => create.prop_map(|(generation, group, days, failing_at)| CliCall::Create {
            generation,
            group,
            days,
            failing_at,
        }),
        1 => (generations(), days())
            .prop_map(|(generation, days)| CliCall::UpdateSchedule(generation, days)),
        1 => generations().prop_map(CliCall::UpdateConfig),
        1 => Just(CliCall::Delete),
    ]
}

fn unrelated_changes() -> impl Strategy<Value = UnrelatedChange> {
    prop_oneof![
        (0..3_usize).prop_map(UnrelatedChange::GrantPrincipal),
        tasks().prop_map(UnrelatedChange::GrantTask),
        Just(UnrelatedChange::PutTask),
        (0..3_usize).prop_map(UnrelatedChange::PushImage),
    ]
}

fn tasks() -> impl Strategy<Value = TaskName> {
    select(&TaskName::ALL[..])
}

fn spellings() -> impl Strategy<Value = Spelling> {
    select(&[Spelling::AsStored, Spelling::Lower, Spelling::Upper][..])
}

fn days() -> impl Strategy<Value = u8> {
    select(&[1, 7, 30][..])
}
