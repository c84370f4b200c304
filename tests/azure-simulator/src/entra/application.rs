//! Applications: with what they may sign in, and in which tenants.

use uuid::Uuid;

use crate::certificate::{AppCertificate, PFX_PASSWORD};
use crate::jwt::PublicKey;
use crate::oidc::FederatedCredential;
use crate::options::TENANT;
use crate::simulator::Simulator;

/// An application that may sign in.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) certificates: Vec<Registered>,
    pub(crate) federated: Vec<FederatedCredential>,
    /// The tenants that it is in besides its own.
    pub(crate) further_tenants: Vec<String>,
    /// The object id of its service principal at home.
    pub(crate) principal: String,
}

/// A client secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) value: String,
    pub(crate) expired: bool,
}

/// A certificate as Entra keeps it.
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

    /// Its service principal in a tenant, if it is there.
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

    /// What nobody else may see.
    pub(crate) fn confidential(&self) -> impl Iterator<Item = String> {
        let secrets = self.secrets.iter().map(|secret| secret.value.clone());
        let certificates = self.certificates.iter().flat_map(|registered| {
            let lines = registered.certificate.key_lines().map(str::to_owned);
            lines.chain([PFX_PASSWORD.to_owned()])
        });
        secrets.chain(certificates)
    }
}

/// One application of a running simulator: with what it may sign in.
#[derive(Debug)]
pub struct ApplicationHandle<'simulator> {
    simulator: &'simulator Simulator,
    client_id: String,
}

impl Simulator {
    /// Adds an application with a secret and its roles (ids, see [`crate::roles`]) at scopes; gives its object id.
    pub fn add_application(&self, client_id: &str, secret: &str, roles: &[(&str, &str)]) -> String {
        self.world().add_application(client_id, secret, roles)
    }

    /// An application that is there, such as [`crate::CLIENT_ID`].
    ///
    /// # Panics
    /// When it isn't: a test that asks for it is wrong.
    #[must_use]
    pub fn application(&self, client_id: &str) -> ApplicationHandle<'_> {
        assert!(
            self.world().application_mut(client_id).is_some(),
            "there is no application {client_id}"
        );
        ApplicationHandle {
            simulator: self,
            client_id: client_id.to_owned(),
        }
    }
}

impl ApplicationHandle<'_> {
    /// Adds another secret.
    pub fn add_secret(&self, value: &str) -> &Self {
        let value = value.to_owned();
        self.change(|application| {
            application.secrets.push(Secret {
                value,
                expired: false,
            });
        })
    }

    /// Lets all its secrets expire.
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
    /// When its key file is broken.
    pub fn add_certificate(&self, certificate: AppCertificate) -> &Self {
        #[expect(clippy::expect_used, reason = "the files are our own")]
        let key = certificate.public_key().expect("a key of the keys folder");
        self.change(|application| {
            application
                .certificates
                .push(Registered { certificate, key })
        })
    }

    /// Trusts tokens of an issuer.
    pub fn trust(&self, credential: FederatedCredential) -> &Self {
        self.change(|application| application.federated.push(credential))
    }

    /// Trusts no issuer any more, not even those that the default application trusts from the start.
    pub fn distrust_all(&self) -> &Self {
        self.change(|application| application.federated.clear())
    }

    /// Brings it into a further tenant, which comes to be by that.
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
