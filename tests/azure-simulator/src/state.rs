//! The whole state of the simulated Azure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::access::{Principal, RoleAssignment};
use crate::cloud::Cloud;
use crate::echo::Echoes;
use crate::entra::Application;
use crate::fault::Fault;
use crate::hold::Holds;
use crate::knobs::Knobs;
use crate::log::Log;
use crate::managed_identity::ManagedIdentities;
use crate::options::{CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION};
use crate::registry::{Registry, RegistrySpec};
use crate::repository::{Fate, Repository};
use crate::resource_group::ResourceGroup;
use crate::roles;
use crate::storage::LogLinks;
use crate::throttle::Buckets;
use crate::tokens::Tokens;
use crate::{acr, arm, oidc};

/// The whole state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) knobs: Knobs,
    pub(crate) applications: Vec<Application>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) role_assignments: Vec<RoleAssignment>,
    /// By lower-case subscription and name. A group of a registry exists even if it is not listed here.
    pub(crate) groups: BTreeMap<(String, String), ResourceGroup>,
    /// By lower-case name; registry names are unique in all of Azure.
    pub(crate) registries: BTreeMap<String, Registry>,
    pub(crate) tokens: Tokens,
    pub(crate) issuer: oidc::Issuer,
    pub(crate) identities: ManagedIdentities,
    pub(crate) buckets: Buckets,
    /// Secrets that clients sent or received: assertions and ID tokens.
    pub(crate) seen: BTreeSet<String>,
    pub(crate) uploads: acr::Uploads,
    pub(crate) operations: arm::Operations,
    pub(crate) links: LogLinks,
    pub(crate) echoes: Echoes,
    pub(crate) faults: Vec<Fault>,
    pub(crate) holds: Holds,
    pub(crate) log: Log,
    /// `https://127.0.0.1:PORT`, where ARM and Entra answer without the proxy.
    pub(crate) endpoint: String,
    pub(crate) cloud: Cloud,
    /// A host that serves only the cloud's metadata endpoints.
    pub(crate) metadata_host: Option<String>,
    clock: Clock,
    counter: u64,
}

/// The simulator's clock.
#[derive(Debug, Default)]
struct Clock {
    /// The total time by which it was advanced.
    ahead: SignedDuration,
    /// The time at which it was stopped.
    held: Option<Timestamp>,
}

impl World {
    pub(crate) fn new(endpoint: String, cloud: Cloud, knobs: Knobs) -> Self {
        let mut world = Self {
            knobs,
            applications: Vec::new(),
            principals: Vec::new(),
            role_assignments: Vec::new(),
            groups: ResourceGroup::initial(),
            registries: BTreeMap::new(),
            tokens: Tokens::default(),
            issuer: oidc::Issuer::new(),
            identities: ManagedIdentities::default(),
            buckets: Buckets::default(),
            seen: BTreeSet::new(),
            uploads: acr::Uploads::default(),
            operations: arm::Operations::default(),
            links: LogLinks::default(),
            echoes: Echoes::default(),
            faults: Vec::new(),
            holds: Holds::default(),
            log: Log::default(),
            endpoint,
            cloud,
            metadata_host: None,
            clock: Clock::default(),
            counter: 0,
        };
        let principal = world.add_application(CLIENT_ID, CLIENT_SECRET, &[]);
        world.grant_everything(&principal);
        if let Some(application) = world.application_mut(CLIENT_ID) {
            application.federated = oidc::FederatedCredential::stand_ins();
        }
        world
    }

    /// Returns the simulator's time: the machine's time or the stop time, plus the advanced time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock
            .held
            .unwrap_or_else(Timestamp::now)
            .saturating_add(self.clock.ahead)
            .unwrap_or(Timestamp::MAX)
    }

    /// Returns the arrival time of a request that has just been read, and how long its response must wait.
    ///
    /// A test that stops the clock advances it by the latency before each request, so that no machine is too
    /// slow.
    pub(crate) fn arrival(&self) -> (Timestamp, Duration) {
        let (now, latency) = (self.now(), self.knobs.latency());
        if self.clock.held.is_none() {
            return (now, latency);
        }
        let begun = now.saturating_sub(latency).unwrap_or(now);
        (begun, Duration::ZERO)
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.clock.ahead = self.clock.ahead.saturating_add(by);
    }

    /// Stops the clock. From now on only `advance` moves it.
    pub(crate) fn hold_clock(&mut self) {
        self.clock.held.get_or_insert_with(Timestamp::now);
    }

    /// Returns the next number of a sequence.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Adds an application with its roles and scopes, all already propagated, and returns its object ID.
    pub(crate) fn add_application(
        &mut self,
        client_id: &str,
        secret: &str,
        roles: &[(&str, &str)],
    ) -> String {
        let principal = self.add_principal(Timestamp::UNIX_EPOCH);
        self.applications
            .push(Application::new(client_id, secret, &principal));
        for (role, scope) in roles {
            self.seed_assignment(Uuid::new_v4().to_string(), scope, role, &principal);
        }
        principal
    }

    /// Returns an application to change.
    pub(crate) fn application_mut(&mut self, client_id: &str) -> Option<&mut Application> {
        self.applications
            .iter_mut()
            .find(|known| known.client_id.eq_ignore_ascii_case(client_id))
    }

    /// Assigns a principal the roles for full access to the subscription.
    pub(crate) fn grant_everything(&mut self, principal: &str) {
        let scope = format!("/subscriptions/{SUBSCRIPTION}");
        for role in [
            roles::OWNER,
            roles::REPOSITORY_CONTRIBUTOR,
            roles::CATALOG_LISTER,
        ] {
            self.seed_assignment(Uuid::new_v4().to_string(), &scope, role, principal);
        }
    }

    /// Adds a service principal and returns its object ID.
    pub(crate) fn add_principal(&mut self, created: Timestamp) -> String {
        let id = Uuid::new_v4().to_string();
        self.principals.push(Principal {
            id: id.clone(),
            kind: "ServicePrincipal",
            created,
        });
        id
    }

    /// Adds a role assignment that has already propagated.
    pub(crate) fn seed_assignment(
        &mut self,
        name: String,
        scope: &str,
        role: &str,
        principal: &str,
    ) -> RoleAssignment {
        let assignment = RoleAssignment {
            name,
            scope: scope.to_owned(),
            role: role.to_owned(),
            principal_id: principal.to_owned(),
            principal_type: "ServicePrincipal".to_owned(),
            description: None,
            condition: None,
            created_by: String::new(),
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
        };
        self.role_assignments.push(assignment.clone());
        assignment
    }

    /// Adds a registry.
    pub(crate) fn add_registry(&mut self, spec: RegistrySpec) {
        let created = self.now();
        self.registries.insert(
            spec.name.to_lowercase(),
            Registry::new(spec, self.cloud, created),
        );
    }

    /// Returns a registry by name.
    pub(crate) fn registry(&self, name: &str) -> Option<&Registry> {
        self.registries.get(&name.to_lowercase())
    }

    /// Returns a registry by name, to change.
    pub(crate) fn registry_mut(&mut self, name: &str) -> Option<&mut Registry> {
        self.registries.get_mut(&name.to_lowercase())
    }

    /// Returns the name of the registry with this login server.
    pub(crate) fn registry_at(&self, host: &str) -> Option<String> {
        self.registries
            .values()
            .find(|registry| registry.login_server() == host)
            .map(|found| found.spec.name.clone())
    }

    /// Pushes an image for an operating system and sets the result of its scan and patch.
    pub(crate) fn push_image(
        &mut self,
        registry: &str,
        repository: &str,
        tag: &str,
        os: &str,
        fate: Fate,
    ) -> Option<()> {
        let (now, nonce) = (self.now(), self.next_number());
        let registry = self.registry_mut(registry)?;
        registry
            .repositories
            .entry(repository.to_owned())
            .or_default()
            .push_image(Some(tag), (os, "amd64"), nonce, now);
        registry.fates.insert(format!("{repository}:{tag}"), fate);
        Some(())
    }

    /// Seeds a repository through `push`, which receives a unique number and the current time.
    pub(crate) fn seed(
        &mut self,
        registry: &str,
        repository: &str,
        push: impl FnOnce(&mut Repository, u64, Timestamp),
    ) {
        let (now, nonce) = (self.now(), self.next_number());
        if let Some(found) = self.registry_mut(registry) {
            let repository = found.repositories.entry(repository.to_owned());
            push(repository.or_default(), nonce, now);
        }
    }
}
