//! Azure Resource Manager: sign-in with a client secret, requests and long-running operations.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use serde_json::Value as Json;
use terraform_plugin::value::Value;
use tokio::sync::OnceCell;

/// The account of a service principal.
pub(crate) struct Account {
    pub(crate) subscription_id: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    client_secret: String,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("The provider block has no {0}, and the environment variable {1} is not set.")]
    Missing(&'static str, &'static str),
    #[error("This provider is for tests. Set SSL_CERT_FILE to the certificate of the simulator.")]
    NoCertificate,
    #[error("The provider block has values that are known only after apply.")]
    NotConfigured,
    #[error("The request failed: {0:?}.")]
    Request(#[from] reqwest::Error),
    #[error("Azure answered {0}: {1}.")]
    Refused(StatusCode, String),
    #[error("A resource with the ID {0:?} already exists. Import it into the state.")]
    Exists(String),
}

/// The client that the provider block configures. Resources and data sources share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection(Arc<RwLock<Option<Arc<Arm>>>>);

/// A client of Azure Resource Manager. It signs in with its first request.
pub(crate) struct Arm {
    pub(crate) account: Account,
    http: Client,
    token: OnceCell<String>,
}

impl std::fmt::Debug for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arm")
    }
}

impl Account {
    /// The arguments of the provider block, each with its environment variable.
    pub(crate) const ARGUMENTS: [(&str, &str); 4] = [
        ("subscription_id", "ARM_SUBSCRIPTION_ID"),
        ("tenant_id", "ARM_TENANT_ID"),
        ("client_id", "ARM_CLIENT_ID"),
        ("client_secret", "ARM_CLIENT_SECRET"),
    ];

    pub(crate) fn read(config: &Value) -> Result<Self, Error> {
        let [subscription_id, tenant_id, client_id, client_secret] =
            Self::ARGUMENTS.map(|(name, variable)| {
                let configured = config.get(name).as_str().map(str::to_owned);
                let found = configured.or_else(|| std::env::var(variable).ok());
                found.ok_or(Error::Missing(name, variable))
            });
        Ok(Self {
            subscription_id: subscription_id?,
            tenant_id: tenant_id?,
            client_id: client_id?,
            client_secret: client_secret?,
        })
    }
}

impl Connection {
    pub(crate) fn open(&self, account: Account) -> Result<(), Error> {
        let file = std::env::var_os("SSL_CERT_FILE").ok_or(Error::NoCertificate)?;
        let pem = std::fs::read(file).map_err(|_| Error::NoCertificate)?;
        let authorities = Certificate::from_pem_bundle(&pem)?;
        let arm = Arm {
            account,
            http: Client::builder().tls_certs_only(authorities).build()?,
            token: OnceCell::new(),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(arm));
        Ok(())
    }

    pub(crate) fn arm(&self) -> Result<Arc<Arm>, Error> {
        let arm = self.0.read().unwrap_or_else(PoisonError::into_inner);
        arm.clone().ok_or(Error::NotConfigured)
    }
}

impl Arm {
    /// Sends a request to a path with its `api-version`, waits for its operation, and returns the body. A 404
    /// returns [`None`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Option<Json>, Error> {
        let url = format!("https://management.azure.com{path}");
        let request = self.http.request(method, url);
        let mut request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        loop {
            let response = request.bearer_auth(self.token().await?).send().await?;
            let status = response.status();
            if let Some((address, pause)) = next_poll(&response) {
                tokio::time::sleep(pause).await;
                request = self.http.get(address);
                continue;
            }
            let body = response.text().await?;
            return match status {
                StatusCode::NOT_FOUND => Ok(None),
                status if status.is_success() => Ok(serde_json::from_str(&body).ok()),
                status => Err(Error::Refused(status, body)),
            };
        }
    }

    /// The object ID of the service principal, which Entra ID writes into its tokens.
    pub(crate) async fn object_id(&self) -> Result<Option<String>, Error> {
        let claims = self.token().await?.split('.').nth(1).unwrap_or_default();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims: Json = serde_json::from_slice(&claims).unwrap_or_default();
        Ok(claims["oid"].as_str().map(str::to_owned))
    }

    async fn token(&self) -> Result<&String, Error> {
        self.token.get_or_try_init(|| self.sign_in()).await
    }

    async fn sign_in(&self) -> Result<String, Error> {
        let account = &self.account;
        let (tenant, client, secret) = (
            &account.tenant_id,
            &account.client_id,
            &account.client_secret,
        );
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client)
            .append_pair("client_secret", secret)
            .append_pair("scope", "https://management.azure.com/.default")
            .finish();
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        let request = self.http.post(url).body(form);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        let answer: Json = serde_json::from_str(&body).unwrap_or_default();
        let token = answer["access_token"].as_str().map(str::to_owned);
        token.ok_or(Error::Refused(status, body))
    }
}

/// Returns the address of an operation that continues, and the pause before the next look at it.
fn next_poll(response: &Response) -> Option<(String, Duration)> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let address = header(LOCATION).filter(|_| response.status() == StatusCode::ACCEPTED)?;
    let seconds = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    Some((
        address.to_owned(),
        Duration::from_secs(seconds.unwrap_or(1)),
    ))
}
