//! Applications: their credentials and their tenants.

use uuid::Uuid;

use crate::certificate::{AppCertificate, PFX_PASSWORD};
use crate::jwt::PublicKey;
use crate::oidc::FederatedCredential;
use crate::options::TENANT;
use crate::simulator::Simulator;

/// An application that can sign in.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) certificates: Vec<Registered>,
    pub(crate) federated: Vec<FederatedCredential>,
    /// The tenants it has joined, in addition to its home tenant.
    pub(crate) further_tenants: Vec<String>,
    /// The object ID of its service principal in the home tenant.
    pub(crate) principal: String,
}

/// A client secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) value: String,
    pub(crate) expired: bool,
}

/// A registered certificate.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) certificate: AppCertificate,
    pub(crate) key: PublicKey,
}

impl Application {
    pub(crate) fn new(client_id: &str, secret: &str, principal: &str) -> Self {
        let secret = Secret {
            value: secret.to_owned(),
            expired: false,
        };
        Self {
            client_id: client_id.to_owned(),
            secrets: vec![secret],
            certificates: Vec::new(),
            federated: Vec::new(),
            further_tenants: Vec::new(),
            principal: principal.to_owned(),
        }
    }

    /// Returns the object ID of its service principal in a tenant; `None` if it has not joined the tenant.
    pub(crate) fn principal_in(&self, tenant: &str) -> Option<String> {
        if tenant.eq_ignore_ascii_case(TENANT) {
            return Some(self.principal.clone());
        }
        let known = self.further_tenants.iter();
        let tenant = known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(tenant))?;
        let name = format!("{tenant}/{}", self.client_id);
        Some(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string())
    }

    /// Returns the application's secrets.
    pub(crate) fn confidential(&self) -> impl Iterator<Item = String> {
        let secrets = self.secrets.iter().map(|secret| secret.value.clone());
        let certificates = self.certificates.iter().flat_map(|registered| {
            let lines = registered.certificate.key_lines().map(str::to_owned);
            lines.chain([PFX_PASSWORD.to_owned()])
        });
        secrets.chain(certificates)
    }
}

/// An application of a running simulator, to change its credentials and tenants.
#[derive(Debug)]
pub struct ApplicationHandle<'simulator> {
    simulator: &'simulator Simulator,
    client_id: String,
}

impl Simulator {
    /// Adds an application with a secret and returns its object ID.
    ///
    /// Each of `roles` is a role ID (see [`crate::roles`]) and a scope.
    pub fn add_application(&self, client_id: &str, secret: &str, roles: &[(&str, &str)]) -> String {
        self.world().add_application(client_id, secret, roles)
    }

    /// Returns an existing application, such as [`crate::CLIENT_ID`].
    ///
    /// # Panics
    /// The application does not exist.
    #[must_use]
    pub fn application(&self, client_id: &str) -> ApplicationHandle<'_> {
        assert!(
            self.world().application_mut(client_id).is_some(),
            "application {client_id} not found"
        );
        ApplicationHandle {
            simulator: self,
            client_id: client_id.to_owned(),
        }
    }
}

impl ApplicationHandle<'_> {
    /// Adds a client secret.
    pub fn add_secret(&self, value: &str) -> &Self {
        let value = value.to_owned();
        self.change(|application| {
            application.secrets.push(Secret {
                value,
                expired: false,
            });
        })
    }

    /// Expires all client secrets.
    pub fn expire_secrets(&self) -> &Self {
        self.change(|application| {
            for secret in &mut application.secrets {
                secret.expired = true;
            }
        })
    }

    /// Registers a certificate.
    ///
    /// # Panics
    /// The key file is invalid.
    pub fn add_certificate(&self, certificate: AppCertificate) -> &Self {
        #[expect(clippy::expect_used, reason = "the key files are part of this crate")]
        let key = certificate
            .public_key()
            .expect("a valid key in the keys folder");
        self.change(|application| {
            application
                .certificates
                .push(Registered { certificate, key })
        })
    }

    /// Adds a federated credential.
    pub fn trust(&self, credential: FederatedCredential) -> &Self {
        self.change(|application| application.federated.push(credential))
    }

    /// Removes all federated credentials, including the initial ones of the default application.
    pub fn distrust_all(&self) -> &Self {
        self.change(|application| application.federated.clear())
    }

    /// Adds the application to another tenant. This creates the tenant.
    pub fn join_tenant(&self, tenant: &str) -> &Self {
        let tenant = tenant.to_owned();
        self.change(|application| application.further_tenants.push(tenant))
    }

    fn change(&self, change: impl FnOnce(&mut Application)) -> &Self {
        if let Some(application) = self.simulator.world().application_mut(&self.client_id) {
            change(application);
        }
        self
    }
}
