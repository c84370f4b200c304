//! How the simulated Azure behaves: how late its reads are, how slow it is, and how it spells values.

use azure_simulator::{IdCase, Knobs};
use proptest::prelude::*;
use proptest::sample::select;

/// The maximum number of reads that return an old state.
const LATEST: u32 = 3;

/// A change in Azure's behavior. Each setting stays until another change of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Behavior {
    /// So many reads return the old state.
    Late(Lag, u32),
    /// Azure returns IDs in this letter case.
    SpellIds(IdCase),
    /// Azure returns equal values in another spelling, or no longer.
    RespellValues(bool),
    /// Task operations are asynchronous, or no longer.
    Async(bool),
    /// Lists return this many rows per page.
    PageSize(usize),
    /// New role assignments take effect after this many seconds.
    Propagation(u64),
}

/// A kind of reads that may lag behind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lag {
    /// Reads of a written task that show that Azure is still working on it.
    Provisioning,
    /// Reads of a deleted task that show `Deleting`.
    Deletion,
    /// Reads of a task and of the task list after a delete.
    DeletedTasks,
    DeletedAssignments,
    DeletedRepositories,
    Tasks,
    TaskLists,
    AssignmentLists,
    Registries,
    Tags,
    /// The principal IDs of new identities.
    Identities,
    QueuedRuns,
    RunningRuns,
    CancelledRuns,
}

impl Behavior {
    pub(super) fn turn(self, knobs: &mut Knobs) {
        match self {
            Self::Late(lag, looks) => *lag.of(knobs) = looks,
            Self::SpellIds(case) => knobs.id_case = case,
            Self::RespellValues(respelled) => knobs.respelled = respelled,
            Self::Async(is_async) => knobs.async_operations = is_async,
            Self::PageSize(rows) => knobs.page_size = rows,
            Self::Propagation(seconds) => knobs.replication_delay_ms = seconds * 1_000,
        }
    }
}

impl Lag {
    const ALL: [Self; 14] = [
        Self::Provisioning,
        Self::Deletion,
        Self::DeletedTasks,
        Self::DeletedAssignments,
        Self::DeletedRepositories,
        Self::Tasks,
        Self::TaskLists,
        Self::AssignmentLists,
        Self::Registries,
        Self::Tags,
        Self::Identities,
        Self::QueuedRuns,
        Self::RunningRuns,
        Self::CancelledRuns,
    ];

    fn of(self, knobs: &mut Knobs) -> &mut u32 {
        match self {
            Self::Provisioning => &mut knobs.provisioning_looks,
            Self::Deletion => &mut knobs.deletion_looks,
            Self::DeletedTasks => &mut knobs.task_deletion_looks,
            Self::DeletedAssignments => &mut knobs.assignment_deletion_looks,
            Self::DeletedRepositories => &mut knobs.repository_deletion_looks,
            Self::Tasks => &mut knobs.stale_task_looks,
            Self::TaskLists => &mut knobs.stale_task_list_looks,
            Self::AssignmentLists => &mut knobs.stale_assignment_list_looks,
            Self::Registries => &mut knobs.stale_registry_looks,
            Self::Tags => &mut knobs.stale_tag_looks,
            Self::Identities => &mut knobs.late_identity_looks,
            Self::QueuedRuns => &mut knobs.queued_looks,
            Self::RunningRuns => &mut knobs.run_looks,
            Self::CancelledRuns => &mut knobs.cancellation_looks,
        }
    }
}

pub(super) fn behaviors() -> impl Strategy<Value = Behavior> {
    let cases = [
        IdCase::AsStored,
        IdCase::LowerGroup,
        IdCase::UpperGroup,
        IdCase::Lower,
    ];
    prop_oneof![
        8 => (select(&Lag::ALL[..]), 0..=LATEST).prop_map(|(lag, looks)| Behavior::Late(lag, looks)),
        1 => select(cases.to_vec()).prop_map(Behavior::SpellIds),
        1 => any::<bool>().prop_map(Behavior::RespellValues),
        1 => any::<bool>().prop_map(Behavior::Async),
        1 => select(&[1, 2, 100][..]).prop_map(Behavior::PageSize),
        1 => select(&[0, 5, 20][..]).prop_map(Behavior::Propagation),
    ]
}
