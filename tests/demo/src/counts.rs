//! The number of workflow objects in an Azure.

use azure_simulator::Simulator;

/// The number of workflow objects in an Azure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tasks: u64,
    pub(crate) role_assignments: u64,
    pub(crate) policy_repositories: u64,
    pub(crate) active_runs: u64,
}

impl Counts {
    /// Counts the workflow objects in the simulator.
    pub(crate) fn of(azure: &Simulator) -> Self {
        let left = azure.leftovers();
        // A missing count must not look like 0.
        let count = |what: &str| left[what].as_u64().unwrap_or(u64::MAX);
        Self {
            tasks: count("tasks"),
            role_assignments: count("role_assignments"),
            policy_repositories: count("policy_repositories"),
            active_runs: count("active_runs"),
        }
    }

    /// Whether all counts are 0.
    pub(crate) fn are_zero(self) -> bool {
        self.columns().iter().all(|(_, count)| *count == 0)
    }

    /// The counts with their titles.
    pub(crate) fn columns(self) -> [(&'static str, u64); 4] {
        [
            ("tasks", self.tasks),
            ("role assignments", self.role_assignments),
            ("policy repositories", self.policy_repositories),
            ("active runs", self.active_runs),
        ]
    }
}
