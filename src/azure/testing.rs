//! Shared test helpers: a handle on a scripted transport, and a budget.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::azure::credential::{Token, TokenSource};
use crate::azure::{
    Azure, AzureOptions, Cloud, Credential, Error, RegistryClient, RegistryId, Secret,
};
use crate::http::scripted_transport::ScriptedTransport;
use crate::http::{Budget, Pipeline};

/// Issues tokens without a request. A token contains its scope, and its tenant if one is given.
struct NamesItsScope;

#[async_trait]
impl TokenSource for NamesItsScope {
    async fn fetch(&self, _: &Budget, tenant: Option<&str>, scope: &str) -> Result<Token, Error> {
        let tenant = tenant.map(|tenant| format!("-in-{tenant}"));
        let text = format!("token-for-{scope}{}", tenant.unwrap_or_default());
        let hour = Duration::from_secs(3600);
        Ok(Token::lasting(hour, Secret::new(text)))
    }
}

/// Returns a signed-in handle to the public cloud that gets its answers from a script.
pub(crate) fn azure(transport: &ScriptedTransport) -> Azure {
    Azure::new(AzureOptions {
        cloud: Cloud::public(),
        credential: Credential::new("a test", Arc::new(NamesItsScope)),
        pipeline: Pipeline::new(Arc::new(transport.clone())),
        correlation_id: Some("correlation-1".to_owned()),
    })
}

/// The registry in the recordings.
pub(crate) fn registry() -> RegistryId {
    RegistryId::new(
        "00000000-0000-0000-0000-000000000000",
        "cli_test_acrcssc000001",
        "cli000002",
    )
    .unwrap()
}

/// Returns a client for the registry in the recordings, with a budget of one minute.
pub(crate) fn registry_client(transport: &ScriptedTransport) -> RegistryClient {
    RegistryClient::new(azure(transport), minute(), registry())
}

/// Returns a budget of one minute.
pub(crate) fn minute() -> Budget {
    Budget::new(Duration::from_secs(60), CancellationToken::new())
}
