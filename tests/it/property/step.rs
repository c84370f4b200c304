//! What may happen to a workflow: a step is one thing that one person does. All of it is data, so
//! that a history can be generated, shrunk, printed and kept as a test.

use std::collections::BTreeMap;

use azure_simulator::{CliStep, Generation, GroupCase, IdCase};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use terraform_plugin::value::Value;
use terraform_provider_acr::patching::TaskName;

/// How many steps a history has at most.
const LONGEST: usize = 12;
/// What a user may write as the tags of a repository.
const TAGS: &[&[&str]] = &[&["3.11", "3.12"], &["*"], &["latest"]];
/// A request number that most operations reach.
const REQUESTS: usize = 40;

/// One thing that somebody does. A step that makes no sense where things stand does nothing.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A command of Core, and what goes wrong meanwhile.
    Terraform(Command, Trouble),
    /// The state file is lost.
    LoseState,
    /// Somebody edits the workflow in the portal.
    Portal(Edit),
    /// Somebody uses the Azure CLI.
    Cli(CliCall),
    /// Somebody minds their own business.
    Others(Business),
}

/// A command of Terraform.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Apply(Wish),
    Refresh,
    Import(Spelling),
    Destroy,
}

/// What goes wrong while a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// The user interrupts it at this request.
    Interrupt(usize),
    /// This request goes wrong, once.
    Once(usize, Blow),
    /// So does each request from this one on.
    From(usize, Blow),
}

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    Status(u16),
    /// The connection is cut before the request is carried out.
    Cut,
    /// The connection is cut afterwards.
    CutAfter,
}

/// How an id is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    AsStored,
    Lower,
    Upper,
}

/// What a user writes in a configuration; an argument that is absent is left out.
#[derive(Clone, Debug)]
pub(super) struct Wish {
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

/// What can be done in the portal.
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
    /// The identity is removed and added again: another principal.
    RenewIdentity(TaskName),
    DisableTimer,
    RenameTimer,
    AddTimer,
    RemoveTimers,
    OddCron,
    /// One of the workflow's assignments, whichever that is.
    DeleteAssignment(usize),
    SwitchPermissions,
    DeletePolicy,
    SpoilPolicy,
    /// From now on Azure spells ids like this.
    SpellIds(IdCase),
    /// From now on Azure spells values in its own way, or stops doing so.
    RespellValues,
    /// From now on Azure takes its time over tasks, or stops doing so.
    SlowDown,
}

/// What can be done by the Azure CLI.
#[derive(Clone, Copy, Debug)]
pub(super) enum CliCall {
    Create {
        generation: Generation,
        /// How the deployment spelled the registry's group.
        group: GroupCase,
        days: u8,
        /// It comes to its end before this step.
        failing_at: Option<CliStep>,
    },
    UpdateSchedule(Generation, u8),
    UpdateConfig(Generation),
    Delete,
}

/// What others do beside us; nobody may touch it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Business {
    /// Another principal gets one of our roles, or one that isn't.
    GrantSomebody(usize),
    /// One of our tasks' identities gets a role that the task doesn't need.
    GrantTask(TaskName),
    PutTask,
    PushImage(usize),
}

impl Spelling {
    /// The id of a registry, spelled like this.
    pub(super) fn of(self, id: &str) -> String {
        match self {
            Self::AsStored => id.to_owned(),
            Self::Lower => id.to_lowercase(),
            Self::Upper => id.to_uppercase(),
        }
    }
}

impl Default for Wish {
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

impl Wish {
    /// The configuration for the registry of that id.
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

/// Any history, and what the user wants at its end.
pub(super) fn histories() -> impl Strategy<Value = (Vec<Step>, Wish)> {
    (vec(steps(), 0..=LONGEST), wishes())
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (commands(), troubles()).prop_map(|(command, trouble)| Step::Terraform(command, trouble)),
        1 => Just(Step::LoseState),
        7 => edits().prop_map(Step::Portal),
        2 => cli_calls().prop_map(Step::Cli),
        2 => business().prop_map(Step::Others),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => wishes().prop_map(Command::Apply),
        1 => Just(Command::Refresh),
        1 => spellings().prop_map(Command::Import),
        1 => Just(Command::Destroy),
    ]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let blows = || {
        let status = select(&[400, 403, 409, 412, 429, 500][..]);
        prop_oneof![
            3 => status.prop_map(Blow::Status),
            1 => Just(Blow::Cut),
            2 => Just(Blow::CutAfter),
        ]
    };
    prop_oneof![
        3 => Just(Trouble::Nothing),
        3 => (1..=REQUESTS).prop_map(Trouble::Interrupt),
        3 => (1..=REQUESTS, blows()).prop_map(|(at, blow)| Trouble::Once(at, blow)),
        1 => (1..=REQUESTS, blows()).prop_map(|(at, blow)| Trouble::From(at, blow)),
    ]
}

fn wishes() -> impl Strategy<Value = Wish> {
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
            )| Wish {
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
        Edit::RespellValues,
        Edit::SlowDown,
    ];
    let cases = [
        IdCase::AsStored,
        IdCase::LowerGroup,
        IdCase::UpperGroup,
        IdCase::Lower,
    ];
    prop_oneof![
        4 => (select(of_a_task), tasks()).prop_map(|(edit, task)| edit(task)),
        3 => select(others),
        1 => (0..6_usize).prop_map(Edit::DeleteAssignment),
        1 => select(cases.to_vec()).prop_map(Edit::SpellIds),
    ]
}

fn cli_calls() -> impl Strategy<Value = CliCall> {
    let generations = || select(&[Generation::Contributor, Generation::TasksContributor][..]);
    let groups = select(&[GroupCase::AsStored, GroupCase::Lower, GroupCase::Upper][..]);
    // What comes after these may fail by itself.
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

fn business() -> impl Strategy<Value = Business> {
    prop_oneof![
        (0..3_usize).prop_map(Business::GrantSomebody),
        tasks().prop_map(Business::GrantTask),
        Just(Business::PutTask),
        (0..3_usize).prop_map(Business::PushImage),
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
