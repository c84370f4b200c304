//! Managed identities: the endpoints of a virtual machine and of App Service, in plain HTTP without a proxy.

pub(crate) mod app_service;
pub(crate) mod imds;

use uuid::Uuid;

use crate::entra::Issued;
use crate::options::TENANT;
use crate::simulator::Simulator;
use crate::state::World;
use crate::wire::Call;

/// The identities of the client's machine.
#[derive(Debug)]
pub(crate) struct ManagedIdentities {
    system: Option<Identity>,
    user: Vec<Identity>,
    /// The value of `IDENTITY_HEADER`.
    header: String,
}

#[derive(Debug, Clone)]
struct Identity {
    client_id: String,
    principal: String,
}

impl Default for ManagedIdentities {
    fn default() -> Self {
        Self {
            system: None,
            user: Vec::new(),
            header: format!("identity-header-{}", Uuid::new_v4().simple()),
        }
    }
}

impl ManagedIdentities {
    /// Returns the secret value of `IDENTITY_HEADER`.
    pub(crate) fn confidential(&self) -> String {
        self.header.clone()
    }

    /// Returns the identity for `client_id`; without it, the system-assigned identity.
    fn asked(&self, call: &Call) -> Option<Identity> {
        match call.param("client_id") {
            Some(id) => {
                let found = self.user.iter().chain(&self.system);
                let mut found = found.filter(|known| known.client_id.eq_ignore_ascii_case(&id));
                found.next().cloned()
            }
            // Without a system-assigned identity, the only user-assigned identity is the default.
            None => match (&self.system, self.user.as_slice()) {
                (Some(system), _) => Some(system.clone()),
                (None, [only]) => Some(only.clone()),
                (None, _) => None,
            },
        }
    }
}

/// The result of a token request.
enum Given {
    Token(Issued, Identity),
    NoIdentity,
    NoResource(String),
}

fn give(world: &mut World, call: &Call) -> Given {
    let Some(identity) = world.identities.asked(call) else {
        return Given::NoIdentity;
    };
    let resource = call.param("resource").unwrap_or_default();
    match world.issue_entra(TENANT, &identity.principal, &resource) {
        Some(issued) => Given::Token(issued, identity),
        None => Given::NoResource(resource),
    }
}

/// The managed identities of a running simulator.
#[derive(Debug)]
pub struct ManagedIdentity<'simulator> {
    simulator: &'simulator Simulator,
}

impl Simulator {
    /// Returns the identities of the client's machine. Initially it has none.
    #[must_use]
    pub fn managed_identity(&self) -> ManagedIdentity<'_> {
        ManagedIdentity { simulator: self }
    }
}

impl ManagedIdentity<'_> {
    /// Assigns a system-assigned identity with full access to the subscription, and returns its principal ID.
    pub fn assign_system(&self) -> String {
        let identity = self.identity(&Uuid::new_v4().to_string());
        let principal = identity.principal.clone();
        self.simulator.world().identities.system = Some(identity);
        principal
    }

    /// Assigns a user-assigned identity with full access to the subscription, and returns its principal ID.
    pub fn assign_user(&self, client_id: &str) -> String {
        let identity = self.identity(client_id);
        let principal = identity.principal.clone();
        self.simulator.world().identities.user.push(identity);
        principal
    }

    /// Removes all identities.
    pub fn remove_all(&self) {
        let mut world = self.simulator.world();
        world.identities.system = None;
        world.identities.user.clear();
    }

    /// Returns the value of `ARM_MSI_ENDPOINT`: the URL of IMDS.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}{}", self.simulator.plain_url(), imds::PATH)
    }

    /// Returns the value of `IDENTITY_ENDPOINT`: the URL of App Service's endpoint.
    #[must_use]
    pub fn app_service_endpoint(&self) -> String {
        format!("{}{}", self.simulator.plain_url(), app_service::PATH)
    }

    /// Returns the value of `IDENTITY_HEADER`.
    #[must_use]
    pub fn app_service_header(&self) -> String {
        self.simulator.world().identities.header.clone()
    }

    fn identity(&self, client_id: &str) -> Identity {
        let mut world = self.simulator.world();
        let principal = world.add_principal(jiff::Timestamp::UNIX_EPOCH);
        world.grant_everything(&principal);
        Identity {
            client_id: client_id.to_owned(),
            principal,
        }
    }
}
