//! The handle on a running simulator: its addresses, state and knobs.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::access::RoleAssignment;
use crate::cloud::Cloud;
use crate::echo::Echoes;
use crate::fault::Fault;
use crate::handle::RegistryHandle;
use crate::hold::Release;
use crate::knobs::Knobs;
use crate::listen::{Listeners, serve};
use crate::log::Entry;
use crate::options::{CLIENT_ID, CLIENT_SECRET, Options, SUBSCRIPTION, TENANT};
use crate::registry::RegistrySpec;
use crate::server::Service;
use crate::snapshot::{self, Snapshot};
use crate::state::World;
use crate::tls::Authority;
use crate::tokens::Grant;

/// A running simulator. Dropping it stops the simulator and closes all connections.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    proxy: SocketAddr,
    plain: SocketAddr,
    ca_pem: String,
    ca_file: PathBuf,
    /// The temporary folder of the certificate authority's file, unless the options name a file.
    _folder: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator in its own thread, so that blocking tests can use it too.
    ///
    /// # Errors
    /// A port is in use, a file is not writable, or the certificate authority cannot be created.
    pub fn start(options: Options) -> io::Result<Self> {
        let authority = Arc::new(Authority::new().map_err(io::Error::other)?);
        let ca_pem = authority.pem().to_owned();
        let (folder, ca_file) = match options.ca_file {
            Some(path) => (None, path),
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("azure-simulator-")
                    .tempdir()?;
                let path = folder.path().join("ca.pem");
                (Some(folder), path)
            }
        };
        fs::write(&ca_file, &ca_pem)?;
        let ports = [options.port, options.proxy_port, options.plain_port];
        let listeners = Listeners::bind(ports)?;
        let [address, proxy, plain] = listeners.addresses()?;

        let mut world = World::new(format!("https://{address}"), options.cloud, options.knobs);
        world.metadata_host = options.metadata_host;
        world.log.file = options.log_file.map(File::create).transpose()?;
        world.faults = options.faults;
        for spec in options.registries {
            world.add_registry(spec);
        }
        let world = Arc::new(Mutex::new(world));
        let tls = authority.server_config().map_err(io::Error::other)?;
        let service = Service::new(Arc::clone(&world), tls);
        let (stop, stopped) = oneshot::channel();
        let thread = serve(service, listeners, stopped)?;
        Ok(Self {
            world,
            address,
            proxy,
            plain,
            ca_pem,
            ca_file,
            _folder: folder,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Stops the simulator and waits until its ports are free.
    pub fn stop(mut self) {
        self.end();
    }

    /// Returns `https://127.0.0.1:PORT`, the address of ARM, Entra and the admin endpoint without the proxy.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns `http://127.0.0.1:PORT`, the value of `HTTPS_PROXY`.
    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// Returns `http://127.0.0.1:PORT`, the address of the managed identity endpoints in plain HTTP.
    #[must_use]
    pub fn plain_url(&self) -> String {
        format!("http://{}", self.plain)
    }

    pub(crate) fn plain_port(&self) -> u16 {
        self.plain.port()
    }

    /// Returns the certificate authority as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the file of the certificate authority, the value of `SSL_CERT_FILE`.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Returns the environment of a provider that uses only this simulator, with a client secret.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let mut env = self.connection_env();
        env.extend([
            ("ARM_CLIENT_ID", CLIENT_ID.to_owned()),
            ("ARM_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("ARM_USE_CLI", "false".to_owned()),
        ]);
        env
    }

    /// Returns the environment without credentials: the addresses, the tenant and the subscription.
    #[must_use]
    pub fn connection_env(&self) -> Vec<(&'static str, String)> {
        let cloud = self.world().cloud;
        let mut env = vec![
            ("HTTPS_PROXY", self.proxy_url()),
            ("SSL_CERT_FILE", self.ca_file.display().to_string()),
            ("ARM_TENANT_ID", TENANT.to_owned()),
            ("ARM_SUBSCRIPTION_ID", SUBSCRIPTION.to_owned()),
            ("CHECKPOINT_DISABLE", "1".to_owned()),
        ];
        if cloud != Cloud::Public {
            env.push(("ARM_ENVIRONMENT", cloud.environment().to_owned()));
        }
        env
    }

    /// Adds a registry.
    pub fn add_registry(&self, spec: RegistrySpec) -> RegistryHandle<'_> {
        let name = spec.name.clone();
        self.world().add_registry(spec);
        RegistryHandle::new(self, name)
    }

    /// Returns the handle on an existing registry.
    ///
    /// # Panics
    /// The registry does not exist.
    #[must_use]
    pub fn registry(&self, name: &str) -> RegistryHandle<'_> {
        assert!(
            self.world().registry(name).is_some(),
            "registry {name} not found"
        );
        RegistryHandle::new(self, name.to_owned())
    }

    /// Issues an Entra token of the default application for an audience, such as
    /// `https://management.azure.com`.
    ///
    /// # Panics
    /// Entra does not know the audience.
    #[must_use]
    pub fn token(&self, audience: &str) -> String {
        self.token_in(TENANT, audience)
    }

    /// Issues an Entra token of the default application in another tenant.
    ///
    /// # Panics
    /// The application has not joined the tenant, or Entra does not know the audience.
    #[must_use]
    pub fn token_in(&self, tenant: &str, audience: &str) -> String {
        let mut world = self.world();
        let principal = world.applications[0].principal_in(tenant);
        let issued = principal.and_then(|id| world.issue_entra(tenant, &id, audience));
        assert!(
            issued.is_some(),
            "Entra issues no token for {audience} in {tenant}"
        );
        issued.map(|issued| issued.token).unwrap_or_default()
    }

    /// Revokes all Entra tokens. ARM and the registries refuse them from now on.
    pub fn revoke_tokens(&self) {
        let mut world = self.world();
        world
            .tokens
            .revoke(|grant| matches!(grant, Grant::Entra { .. }));
    }

    /// Makes an ARM request from outside the test, and returns the status and the body.
    ///
    /// Use it for changes by others, such as in the portal. `address` is a path with its `api-version`. The
    /// request needs no token and is not logged.
    pub fn behind_the_scenes(
        &self,
        method: Method,
        address: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let (Ok(reply) | Err(reply)) = self.world().behind_the_scenes(method, address, body);
        (
            reply.status,
            serde_json::from_slice(&reply.body).unwrap_or_default(),
        )
    }

    /// Returns all role assignments, including the default application's at the subscription.
    #[must_use]
    pub fn role_assignments(&self) -> Vec<RoleAssignment> {
        self.world().role_assignments.clone()
    }

    /// Adds a role assignment made outside the test. The principal does not need to exist.
    pub fn seed_role_assignment(
        &self,
        name: Option<&str>,
        scope: &str,
        role: &str,
        principal: &str,
    ) -> RoleAssignment {
        let name = name.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        self.world().seed_assignment(name, scope, role, principal)
    }

    /// Adds a role assignment whose `principalId` is null, as in some rows that Azure lists.
    pub fn seed_role_assignment_without_principal(
        &self,
        scope: &str,
        role: &str,
    ) -> RoleAssignment {
        let seeded = self.seed_role_assignment(None, scope, role, "");
        self.world().edit_assignment(&seeded.name, |assignment| {
            "Unknown".clone_into(&mut assignment.principal_type);
        });
        seeded
    }

    /// Sets or removes the condition of a role assignment, as in the portal.
    ///
    /// # Panics
    /// The role assignment does not exist.
    pub fn set_condition(&self, assignment: &str, condition: Option<&str>) {
        let condition = condition.map(str::to_owned);
        let found = self
            .world()
            .edit_assignment(assignment, |known| known.condition = condition);
        assert!(found.is_some(), "role assignment {assignment} not found");
    }

    /// Returns the whole state as JSON.
    #[must_use]
    pub fn state(&self) -> Value {
        snapshot::state(&self.world())
    }

    /// Returns the counts of workflow resources: `tasks`, `role_assignments`, `policy_repositories`,
    /// `active_runs`.
    #[must_use]
    pub fn leftovers(&self) -> Value {
        snapshot::leftovers(&self.world())
    }

    /// Changes knobs.
    pub fn turn(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.world().knobs);
    }

    /// Adds a fault. It counts requests from now on.
    pub fn fault(&self, fault: Fault) {
        let mut world = self.world();
        world.holds.close();
        world.faults.push(fault);
    }

    /// Returns the number of requests that a fault holds now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.world().holds.count()
    }

    /// Releases the held requests, and each request that a fault would hold until the next fault is added.
    pub fn release(&self, how: Release) {
        self.world().holds.release(how);
    }

    /// Returns everything that exists in Azure now, to [restore](Self::restore) it later.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.world())
    }

    /// Replaces everything that exists in Azure. Tokens, knobs, faults and the log stay as they are.
    pub fn restore(&self, snapshot: &Snapshot) {
        snapshot.restore(&mut self.world());
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// Moves the simulator's clock forward, for example until a token expires or a role propagates.
    pub fn advance(&self, by: Duration) {
        self.world().advance(by);
    }

    /// Stops the simulator's clock. Then only [`Simulator::advance`] moves it, as with tokio's paused time.
    pub fn hold_clock(&self) {
        self.world().hold_clock();
    }

    /// Ends all stale reads: from now on, reads return the current state.
    pub fn catch_up(&self) {
        self.world().echoes = Echoes::default();
    }

    /// Returns all requests since the start.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.world().log.entries.clone()
    }

    /// Sets a mark in the log, where [`Simulator::requests`] and [`Simulator::writes`] start.
    pub fn mark(&self) {
        self.world().log.set_mark();
    }

    /// Returns the requests since the last mark.
    #[must_use]
    pub fn requests(&self) -> Vec<Entry> {
        self.world().log.since_mark()
    }

    /// Returns the writes since the last mark.
    #[must_use]
    pub fn writes(&self) -> Vec<Entry> {
        self.requests()
            .into_iter()
            .filter(|entry| entry.write)
            .collect()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has already printed its panic, if any.
            let _ = thread.join();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}
