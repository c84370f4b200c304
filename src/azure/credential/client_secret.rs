//! Authentication as a service principal with a client secret.

use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::credential::entra::Application;
use crate::azure::credential::{Token, TokenSource};
use crate::azure::{Cloud, Credential, Error, Secret};
use crate::http::{Budget, Pipeline};

struct ClientSecret {
    application: Application,
    secret: Secret,
}

impl Credential {
    /// Creates a credential for a service principal with a client secret. Sends no request yet.
    ///
    /// # Errors
    /// If the tenant ID or the client ID is not valid.
    pub fn client_secret(
        cloud: &Cloud,
        tenant_id: &str,
        client_id: &str,
        secret: &Secret,
        pipeline: Pipeline,
    ) -> Result<Self, Error> {
        const METHOD: &str = "a client secret";
        let source = ClientSecret {
            application: Application::new(METHOD, cloud, tenant_id, client_id, pipeline)?,
            secret: secret.clone(),
        };
        Ok(Self::new(METHOD, Arc::new(source)))
    }
}

#[async_trait]
impl TokenSource for ClientSecret {
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error> {
        self.application
            .by_secret(budget, tenant, scope, &self.secret)
            .await
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use super::*;
    use crate::azure::credential::Problem;
    use crate::azure::testing::minute;
    use crate::http::TransportErrorKind;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const SCOPE: &str = "https://management.azure.com/.default";

    fn credential(transport: &ScriptedTransport) -> Credential {
        Credential::client_secret(
            &Cloud::public(),
            TENANT,
            "client",
            &Secret::new("planted & secret"),
            Pipeline::new(Arc::new(transport.clone())),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn gets_a_token_from_the_clouds_authority() {
        let answer = value!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t-1"});
        let transport = ScriptedTransport::default().on(Method::POST, "/token", json(200, &answer));
        let credential = credential(&transport);
        let token = credential.token(&minute(), SCOPE).await.unwrap();
        assert_eq!(token.expose(), "t-1");
        assert_eq!(
            transport.story(),
            [format!(
                "POST https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
            )]
        );
        let request = &transport.requests()[0];
        assert_eq!(
            request.headers["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert!(!request.headers.contains_key("user-agent"));
        assert_eq!(
            String::from_utf8_lossy(&request.body),
            "client_id=client&client_secret=planted+%26+secret&grant_type=client_credentials\
             &scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
        );
        assert!(!format!("{credential:?} {request:?}").contains("planted"));
    }

    #[tokio::test]
    async fn keeps_entras_message_unchanged() {
        let said =
            "AADSTS7000215: Invalid client secret provided for app 'client'.\r\nTrace ID: \"x\"";
        let answer = value!({
            "error": "invalid_client",
            "error_description": said,
            "error_codes": [7_000_215],
        });
        let transport = ScriptedTransport::default().on(Method::POST, "/token", json(401, &answer));
        let error = credential(&transport)
            .token(&minute(), SCOPE)
            .await
            .unwrap_err();
        let Error::SignIn(failure) = &error else {
            panic!("a failed sign-in expected, got {error:?}");
        };
        assert_eq!(failure.method, "a client secret");
        assert_eq!(failure.problem, Problem::Refused(Some(7_000_215)));
        assert_eq!(failure.tenant_id.as_deref(), Some(TENANT));
        assert_eq!(failure.client_id.as_deref(), Some("client"));
        assert_eq!(failure.message, said);
        assert!(!format!("{error:?} {error}").contains("planted"));
    }

    #[tokio::test]
    async fn an_error_without_a_description_names_the_status() {
        let transport =
            ScriptedTransport::default().on(Method::POST, "/token", reply(404).with_body("<html>"));
        let error = credential(&transport)
            .token(&minute(), SCOPE)
            .await
            .unwrap_err();
        insta::assert_snapshot!(
            error,
            @"signing in with a client secret: the server answered 404 Not Found without a description"
        );
    }

    #[tokio::test]
    async fn an_untrusted_certificate_is_a_transport_error() {
        let transport = ScriptedTransport::default().fail(
            Method::POST,
            "/token",
            TransportErrorKind::Certificate,
        );
        let error = credential(&transport)
            .token(&minute(), SCOPE)
            .await
            .unwrap_err();
        assert!(matches!(
            error,
            Error::Transport { source, .. } if source.kind == TransportErrorKind::Certificate
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn retries_while_the_authority_is_busy() {
        let answer = value!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t-1"});
        let transport = ScriptedTransport::default()
            .on(Method::POST, "/token", reply(503))
            .on(Method::POST, "/token", json(200, &answer));
        assert!(credential(&transport).token(&minute(), SCOPE).await.is_ok());
    }

    #[test]
    fn an_invalid_tenant_id_is_an_error_before_any_request() {
        let pipeline = Pipeline::new(Arc::new(ScriptedTransport::default()));
        let secret = Secret::new("planted");
        let cloud = Cloud::public();
        let error = Credential::client_secret(&cloud, "a/b", "client", &secret, pipeline);
        assert!(matches!(error, Err(Error::SignIn { .. })));
    }
}
