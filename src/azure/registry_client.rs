//! Azure at one registry, within the budget of one operation. What can be asked there stands beside the
//! types that answer: [`task`](crate::azure::task), [`run`](crate::azure::run),
//! [`role_assignment`](crate::azure::role_assignment), [`registry`](crate::azure::registry) and
//! [`cache_rule`](crate::azure::cache_rule).

use crate::azure::acr::AcrClient;
use crate::azure::{Azure, RegistryId};
use crate::http::Budget;

/// Azure at one registry: every request is about that registry, and asks the same budget first. Where a
/// method names no errors, they are those of any request: refused, no answer, no time, no token.
#[derive(Clone, Debug)]
pub(crate) struct RegistryClient {
    pub(super) azure: Azure,
    pub(super) budget: Budget,
    pub(super) id: RegistryId,
}

impl RegistryClient {
    /// Azure at the registry with this ID, for as long as the budget lasts.
    pub(crate) fn new(azure: Azure, budget: Budget, id: RegistryId) -> Self {
        Self { azure, budget, id }
    }

    /// The registry's ID.
    pub(crate) fn id(&self) -> &RegistryId {
        &self.id
    }

    /// What the requests may spend.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The registry's data plane, by the login server that Resource Manager gives for it.
    pub(crate) fn data_plane(&self, login_server: &str) -> AcrClient {
        self.azure.acr(login_server)
    }
}
