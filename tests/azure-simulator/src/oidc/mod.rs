//! OIDC issuers that Entra can trust: GitHub, Azure DevOps and AKS clusters. One key signs for all of them.

pub(crate) mod azure_devops;
pub(crate) mod github;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::jwt::{Jwt, SigningKey};
use crate::simulator::Simulator;
use crate::state::World;

/// The audience that Entra recommends for federated tokens.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The `kid` of the signing key.
const KEY: &str = "simulator-oidc-key";
/// The issuer of an AKS cluster.
const CLUSTER: &str = "https://westeurope.oic.prod-aks.azure.com/72f988bf-86f1-41af-91ab-2d7cd011db47/6f0f1c1e-8f0b-4a51-9c3a-0d6c3b0f8a11/";

/// A federated credential: the tokens that an application trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// The `iss` of the tokens.
    pub issuer: String,
    /// The `sub` of the tokens.
    pub subject: String,
    /// The `aud` of the tokens.
    pub audience: String,
}

impl FederatedCredential {
    /// Trusts an issuer's tokens for a subject, with the audience that Entra recommends.
    #[must_use]
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience: AUDIENCE.to_owned(),
        }
    }

    /// Sets another audience.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = audience.to_owned();
        self
    }

    /// The simulated GitHub workflow.
    #[must_use]
    pub fn github() -> Self {
        Self::new(github::ISSUER, github::SUBJECT)
    }

    /// The simulated service connection of Azure DevOps.
    #[must_use]
    pub fn azure_devops() -> Self {
        Self::new(azure_devops::ISSUER, azure_devops::SUBJECT)
    }

    /// The simulated service account in an AKS cluster.
    #[must_use]
    pub fn cluster() -> Self {
        Self::new(CLUSTER, "system:serviceaccount:terraform:runner")
    }

    /// The three simulated issuers, which the default application trusts.
    pub(crate) fn stand_ins() -> Vec<Self> {
        vec![Self::github(), Self::azure_devops(), Self::cluster()]
    }
}

/// The signing key, and the request tokens of the pipelines.
#[derive(Debug)]
pub(crate) struct Issuer {
    key: Option<SigningKey>,
    github_request_token: String,
    azure_devops_request_token: String,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let request_token = |kind: &str| format!("{kind}-request-{}", Uuid::new_v4().simple());
        Self {
            key: SigningKey::from_pem(include_str!("../../keys/issuer.key.pem")),
            github_request_token: request_token("github"),
            azure_devops_request_token: request_token("azure-devops"),
        }
    }

    /// Returns whether the signing key signed the token.
    pub(crate) fn vouches_for(&self, jwt: &Jwt) -> bool {
        let key = self.key.as_ref().map(SigningKey::public);
        jwt.named("kid") == Some(KEY) && key.is_some_and(|key| jwt.verify(&key).is_ok())
    }

    /// Returns the secret request tokens.
    pub(crate) fn confidential(&self) -> [String; 2] {
        [
            self.github_request_token.clone(),
            self.azure_devops_request_token.clone(),
        ]
    }

    fn sign(&self, who: &FederatedCredential, now: Timestamp, life: Duration) -> Option<String> {
        let begin = now.as_second();
        let claims = json!({
            "iss": who.issuer,
            "sub": who.subject,
            "aud": who.audience,
            "iat": begin,
            "nbf": begin,
            "exp": begin.saturating_add_unsigned(life.as_secs()),
            "jti": Uuid::new_v4().to_string(),
        });
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": KEY});
        self.key.as_ref()?.sign(&header, &claims)
    }
}

impl World {
    /// Issues a token, and records it as a secret.
    pub(crate) fn identity_token(&mut self, who: &FederatedCredential, life: Duration) -> String {
        let token = self.issuer.sign(who, self.now(), life).unwrap_or_default();
        self.seen.insert(token.clone());
        token
    }
}

/// The issuers of a running simulator.
#[derive(Debug)]
pub struct Oidc<'simulator> {
    simulator: &'simulator Simulator,
}

impl Simulator {
    /// Returns the issuers whose tokens the default application trusts.
    #[must_use]
    pub fn oidc(&self) -> Oidc<'_> {
        Oidc { simulator: self }
    }
}

impl Oidc<'_> {
    /// Returns the value of `ACTIONS_ID_TOKEN_REQUEST_URL`, which already has a query.
    #[must_use]
    pub fn github_request_url(&self) -> String {
        github::request_url()
    }

    /// Returns the value of `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    #[must_use]
    pub fn github_request_token(&self) -> String {
        self.simulator.world().issuer.github_request_token.clone()
    }

    /// Returns the value of `SYSTEM_OIDCREQUESTURI`.
    #[must_use]
    pub fn azure_devops_request_url(&self) -> String {
        azure_devops::request_url()
    }

    /// Returns the value of `SYSTEM_ACCESSTOKEN`.
    #[must_use]
    pub fn azure_devops_request_token(&self) -> String {
        let world = self.simulator.world();
        world.issuer.azure_devops_request_token.clone()
    }

    /// Returns the ID of the service connection that the pipeline can use.
    #[must_use]
    pub fn service_connection_id(&self) -> &'static str {
        azure_devops::SERVICE_CONNECTION
    }

    /// Issues a token of the AKS cluster, as AKS projects it into a file.
    #[must_use]
    pub fn token(&self, lifetime: Duration) -> String {
        self.token_for(&FederatedCredential::cluster(), lifetime)
    }

    /// Issues a token for any issuer, subject and audience.
    #[must_use]
    pub fn token_for(&self, who: &FederatedCredential, lifetime: Duration) -> String {
        self.simulator.world().identity_token(who, lifetime)
    }
}
