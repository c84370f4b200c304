//! Issuers that Entra can be told to trust: GitHub, Azure DevOps, and the clusters of AKS. One key signs for all of them.

pub(crate) mod azure_devops;
pub(crate) mod github;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::jwt::{Jwt, SigningKey};
use crate::simulator::Simulator;
use crate::state::World;

/// What Entra wants a token to be for.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The name of the signing key.
const KEY: &str = "simulator-oidc-key";
/// The issuer of an AKS cluster.
const CLUSTER: &str = "https://westeurope.oic.prod-aks.azure.com/72f988bf-86f1-41af-91ab-2d7cd011db47/6f0f1c1e-8f0b-4a51-9c3a-0d6c3b0f8a11/";

/// Whose tokens an application trusts.
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
    /// Tokens of that issuer for that subject, with the audience that Entra recommends.
    #[must_use]
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience: AUDIENCE.to_owned(),
        }
    }

    /// Tokens for another audience.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = audience.to_owned();
        self
    }

    /// The workflow of GitHub that is played.
    #[must_use]
    pub fn github() -> Self {
        Self::new(github::ISSUER, github::SUBJECT)
    }

    /// The service connection of Azure DevOps that is played.
    #[must_use]
    pub fn azure_devops() -> Self {
        Self::new(azure_devops::ISSUER, azure_devops::SUBJECT)
    }

    /// The service account in a cluster of AKS that is played.
    #[must_use]
    pub fn cluster() -> Self {
        Self::new(CLUSTER, "system:serviceaccount:terraform:runner")
    }

    /// All three: what the default application trusts.
    pub(crate) fn stand_ins() -> Vec<Self> {
        vec![Self::github(), Self::azure_devops(), Self::cluster()]
    }
}

/// The signing key, and what the pipelines hold to ask for a token.
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

    /// Whether one of ours made the token.
    pub(crate) fn vouches_for(&self, jwt: &Jwt) -> bool {
        let key = self.key.as_ref().map(SigningKey::public);
        jwt.named("kid") == Some(KEY) && key.is_some_and(|key| jwt.verify(&key).is_ok())
    }

    /// What nobody else may see.
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
    /// A token of one of the issuers.
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
    /// The issuers whose tokens the default application trusts.
    #[must_use]
    pub fn oidc(&self) -> Oidc<'_> {
        Oidc { simulator: self }
    }
}

impl Oidc<'_> {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`, which has a query already.
    #[must_use]
    pub fn github_request_url(&self) -> String {
        github::request_url()
    }

    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`
    #[must_use]
    pub fn github_request_token(&self) -> String {
        self.simulator.world().issuer.github_request_token.clone()
    }

    /// `SYSTEM_OIDCREQUESTURI`
    #[must_use]
    pub fn azure_devops_request_url(&self) -> String {
        azure_devops::request_url()
    }

    /// `SYSTEM_ACCESSTOKEN`
    #[must_use]
    pub fn azure_devops_request_token(&self) -> String {
        let world = self.simulator.world();
        world.issuer.azure_devops_request_token.clone()
    }

    /// The id of the service connection that the pipeline may use.
    #[must_use]
    pub fn service_connection_id(&self) -> &'static str {
        azure_devops::SERVICE_CONNECTION
    }

    /// A token of the cluster's, as AKS projects it into a file.
    #[must_use]
    pub fn token(&self, lifetime: Duration) -> String {
        self.token_for(&FederatedCredential::cluster(), lifetime)
    }

    /// A token of any issuer, for any subject and audience.
    #[must_use]
    pub fn token_for(&self, who: &FederatedCredential, lifetime: Duration) -> String {
        self.simulator.world().identity_token(who, lifetime)
    }
}
