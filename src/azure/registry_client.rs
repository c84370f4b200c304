//! The client for one registry within the budget of one operation. Its methods are in the modules of the
//! types that they return: [`task`](crate::azure::task), [`run`](crate::azure::run),
//! [`role_assignment`](crate::azure::role_assignment), [`registry`](crate::azure::registry) and
//! [`cache_rule`](crate::azure::cache_rule).

use crate::azure::acr::AcrClient;
use crate::azure::{Azure, RegistryId};
use crate::http::Budget;

/// The client for one registry. All requests share one budget. A method without an `# Errors` section can
/// fail with any request error (see [`crate::azure`]).
#[derive(Clone, Debug)]
pub(crate) struct RegistryClient {
    pub(super) azure: Azure,
    pub(super) budget: Budget,
    pub(super) id: RegistryId,
}

impl RegistryClient {
    /// Creates a client for the registry with this ID, limited by the budget.
    pub(crate) fn new(azure: Azure, budget: Budget, id: RegistryId) -> Self {
        Self { azure, budget, id }
    }

    /// The registry's ID.
    pub(crate) fn id(&self) -> &RegistryId {
        &self.id
    }

    /// Returns the budget of the requests.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Returns the registry's data plane client, given the login server from Resource Manager.
    pub(crate) fn data_plane(&self, login_server: &str) -> AcrClient {
        self.azure.acr(login_server)
    }
}
