//! What the tests of this layer share: a handle on a script, and time to spend.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::azure::{Azure, AzureOptions, Cloud, Credential, RegistryId};
use crate::http::scripted::ScriptedTransport;
use crate::http::{Budget, Pipeline};

/// Signs in without asking anybody: the token names its scope.
#[derive(Debug)]
struct NamesItsScope;

#[async_trait]
impl TokenCredential for NamesItsScope {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires = OffsetDateTime::now_utc() + Duration::from_secs(3600);
        Ok(AccessToken::new(
            format!("token-for-{}", scopes[0]),
            expires,
        ))
    }
}

/// A signed-in handle in the public cloud whose answers come from a script.
pub(crate) fn azure(transport: &ScriptedTransport) -> Azure {
    Azure::new(AzureOptions {
        cloud: Cloud::public(),
        credential: Credential::new("a test", Arc::new(NamesItsScope)),
        pipeline: Pipeline::new(Arc::new(transport.clone())),
        correlation_id: Some("correlation-1".to_owned()),
    })
}

/// The registry of the recordings.
pub(crate) fn registry() -> RegistryId {
    RegistryId::new(
        "00000000-0000-0000-0000-000000000000",
        "cli_test_acrcssc000001",
        "cli000002",
    )
    .unwrap()
}

/// A minute to spend.
pub(crate) fn minute() -> Budget {
    Budget::new(Duration::from_secs(60), CancellationToken::new())
}
