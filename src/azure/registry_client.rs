//! The client for one registry within the budget of one operation. Its methods are in the modules of the
//! types that they return: [`task`](crate::azure::task), [`run`](crate::azure::run),
//! [`role_assignment`](crate::azure::role_assignment), [`registry`](crate::azure::registry) and
//! [`cache_rule`](crate::azure::cache_rule).

use tokio_util::sync::CancellationToken;

use crate::azure::acr::AcrClient;
use crate::azure::registry::Registry;
use crate::azure::{Azure, Error, RegistryId};
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

    /// Whether a login server may receive a token before Resource Manager confirms it.
    pub(crate) fn is_login_server(&self, host: &str) -> bool {
        self.azure.cloud().is_login_server(host)
    }

    /// Reads the registry, and meanwhile signs in to its login server. That is `expected` or else the usual one
    /// for the registry's name. Also returns why the sign-in failed.
    ///
    /// If Resource Manager returns another login server, the sign-in to the expected one stops, and no request
    /// uses its token.
    pub(crate) async fn get_and_sign_in(
        &self,
        expected: Option<&str>,
    ) -> (Result<Registry, Error>, Result<(), Error>) {
        let cloud = self.azure.cloud();
        let expected = match expected {
            Some(host) => {
                Some(host.to_ascii_lowercase()).filter(|host| cloud.is_login_server(host))
            }
            None => cloud.usual_login_server(&self.id.registry),
        };
        let is_expected = |found: &Registry| {
            let expected = expected.as_deref();
            expected.is_some_and(|host| host.eq_ignore_ascii_case(&found.login_server))
        };
        let mistaken = CancellationToken::new();
        let signed_in = async {
            let data_plane = self.data_plane(expected.as_deref()?);
            let sign_in = data_plane.sign_in(&self.budget);
            mistaken.run_until_cancelled(sign_in).await
        };
        let found = async {
            let found = self.get().await;
            if !found.as_ref().is_ok_and(is_expected) {
                mistaken.cancel();
            }
            found
        };
        let (found, signed_in) = futures::join!(found, signed_in);
        let signed_in = signed_in.filter(|_| !mistaken.is_cancelled());
        (found, signed_in.unwrap_or(Ok(())))
    }

    /// Returns the registry's data plane client, given the login server from Resource Manager.
    pub(crate) fn data_plane(&self, login_server: &str) -> AcrClient {
        self.azure.acr(login_server)
    }
}
