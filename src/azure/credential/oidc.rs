//! Authentication as an application that trusts the issuer of an ID token (OpenID Connect). The issuer can be
//! GitHub Actions, Azure DevOps, AKS workload identity, or the source of a configured token.

use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::credential::entra::Application;
use crate::azure::credential::{IdToken, Token, TokenSource};
use crate::azure::{Cloud, Credential, Error};
use crate::http::{Budget, Pipeline};

struct Oidc {
    application: Application,
    id_token: IdToken,
}

impl Credential {
    /// Creates a credential that uses ID tokens. Each renewal fetches a new ID token, except with a
    /// configured token. Sends no request and reads no file yet.
    ///
    /// # Errors
    /// If the tenant ID or the client ID is not valid.
    pub fn oidc(
        cloud: &Cloud,
        tenant_id: &str,
        client_id: &str,
        id_token: IdToken,
        pipeline: Pipeline,
    ) -> Result<Self, Error> {
        let method = id_token.method();
        let source = Oidc {
            application: Application::new(method, cloud, tenant_id, client_id, pipeline)?,
            id_token,
        };
        Ok(Self::new(method, Arc::new(source)))
    }
}

#[async_trait]
impl TokenSource for Oidc {
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error> {
        let application = &self.application;
        let who = application.who(tenant);
        let assertion = self
            .id_token
            .fetch(budget, who, scope, &application.pipeline)
            .await?;
        application
            .by_assertion(budget, tenant, scope, assertion)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use serde_json::json as value;
    use url::Url;

    use super::*;
    use crate::azure::Secret;
    use crate::azure::credential::Problem;
    use crate::azure::testing::minute;
    use crate::http::Response;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    const SCOPE: &str = "https://management.azure.com/.default";

    fn credential(transport: &ScriptedTransport, id_token: IdToken) -> Credential {
        let pipeline = Pipeline::new(Arc::new(transport.clone()));
        let cloud = Cloud::public();
        Credential::oidc(&cloud, "home.example", "client", id_token, pipeline).unwrap()
    }

    fn issued(number: u32) -> Response {
        let token = format!("t-{number}");
        let token = value!({"token_type": "Bearer", "expires_in": 3600, "access_token": token});
        json(200, &token)
    }

    fn github(address: &str) -> IdToken {
        IdToken::GitHub {
            request_url: Url::parse(address).unwrap(),
            request_token: Secret::new("planted"),
        }
    }

    fn azure_devops() -> IdToken {
        IdToken::AzureDevOps {
            request_url: Url::parse("https://dev.example/oidctoken").unwrap(),
            request_token: Secret::new("planted"),
            service_connection_id: "c0".to_owned(),
        }
    }

    /// Returns the requests, and marks sensitive headers.
    fn wire(transport: &ScriptedTransport) -> String {
        let requests = transport.requests();
        let requests = requests.iter().map(|request| {
            let header = |name: &str| {
                request.headers.get(name).map(|value| {
                    let secret = value.is_sensitive();
                    format!(
                        "{name}: {} {}",
                        value.to_str().unwrap(),
                        if secret { "(secret)" } else { "" }
                    )
                })
            };
            let names = [
                "accept",
                "authorization",
                "content-type",
                "x-tfs-fedauthredirect",
            ];
            let headers: Vec<String> = names.into_iter().filter_map(header).collect();
            let body = String::from_utf8_lossy(&request.body);
            format!(
                "{} {}\n{}\n{body}\n",
                request.method,
                request.url,
                headers.join("\n")
            )
        });
        requests.collect()
    }

    #[tokio::test]
    async fn exchanges_an_id_token_from_github_for_a_token() {
        let transport = ScriptedTransport::default()
            .on(
                Method::GET,
                "issuer",
                json(200, &value!({"count": 1, "value": "id-1"})),
            )
            .on(Method::POST, "/token", issued(1));
        let github = github("https://issuer.example/idtoken?api-version=2.0");
        let token = credential(&transport, github).token(&minute(), SCOPE).await;
        assert_eq!(token.unwrap().expose(), "t-1");
        insta::assert_snapshot!(wire(&transport), @"
        GET https://issuer.example/idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange
        accept: application/json 
        authorization: Bearer planted (secret)

        POST https://login.microsoftonline.com/home.example/oauth2/v2.0/token
        content-type: application/x-www-form-urlencoded 
        client_assertion=id-1&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=client&grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default
        ");
    }

    #[tokio::test]
    async fn exchanges_an_id_token_from_azure_devops_for_a_token() {
        let transport = ScriptedTransport::default()
            .on(
                Method::POST,
                "dev.example",
                json(200, &value!({"oidcToken": "id-1"})),
            )
            .on(Method::POST, "/token", issued(1));
        let token = credential(&transport, azure_devops())
            .token(&minute(), SCOPE)
            .await;
        assert_eq!(token.unwrap().expose(), "t-1");
        insta::assert_snapshot!(wire(&transport), @"
        POST https://dev.example/oidctoken?api-version=7.1&serviceConnectionId=c0&audience=api%3A%2F%2FAzureADTokenExchange
        accept: application/json 
        authorization: Bearer planted (secret)
        x-tfs-fedauthredirect: Suppress 

        POST https://login.microsoftonline.com/home.example/oauth2/v2.0/token
        content-type: application/x-www-form-urlencoded 
        client_assertion=id-1&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=client&grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn each_renewal_reads_the_file_again_and_an_empty_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "id-1\n").unwrap();
        let transport = ScriptedTransport::default()
            .on(Method::POST, "/token", issued(1))
            .on(Method::POST, "/token", issued(2));
        let id_token = IdToken::File(file.path().to_owned());
        let credential = credential(&transport, id_token);
        let ask = || async { credential.token(&minute(), SCOPE).await };
        assert_eq!(ask().await.unwrap().expose(), "t-1");
        std::fs::write(file.path(), "id-2\n").unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(ask().await.unwrap().expose(), "t-2");
        let bodies = transport.requests();
        let body = |number: usize| String::from_utf8_lossy(&bodies[number].body).into_owned();
        assert!(body(0).contains("client_assertion=id-1&"), "{}", body(0));
        assert!(body(1).contains("client_assertion=id-2&"), "{}", body(1));
        std::fs::write(file.path(), " \n").unwrap();
        tokio::time::advance(Duration::from_secs(3600)).await;
        let Err(Error::SignIn(failure)) = ask().await else {
            panic!("an empty file gives no token");
        };
        assert_eq!(failure.problem, Problem::TokenFile);
        assert!(failure.message.ends_with("the file is empty"), "{failure}");
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_an_id_token_for_each_renewal_and_each_tenant() {
        let id_token = |number: u32| json(200, &value!({"value": format!("id-{number}")}));
        let transport = ScriptedTransport::default()
            .on(Method::GET, "issuer", id_token(1))
            .on(Method::POST, "home.example", issued(1))
            .on(Method::GET, "issuer", id_token(2))
            .on(Method::POST, "other.example", issued(2))
            .on(Method::GET, "issuer", id_token(3))
            .on(Method::POST, "home.example", issued(3));
        let credential = credential(&transport, github("https://issuer.example/"))
            .with_auxiliary_tenants(&["other.example".to_owned()]);
        credential.token(&minute(), SCOPE).await.unwrap();
        let others = credential.auxiliary_tokens(&minute(), SCOPE).await.unwrap();
        assert_eq!(others, [Secret::new("t-2")]);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let token = credential.token(&minute(), SCOPE).await.unwrap();
        assert_eq!(token.expose(), "t-3");
        transport.assert_done();
    }

    #[tokio::test]
    async fn a_refusal_by_the_issuer_is_not_a_refusal_by_entra() {
        let answer = value!({"message": "The service connection does not exist.", "typeKey": "X"});
        let transport =
            ScriptedTransport::default().on(Method::POST, "dev.example", json(404, &answer));
        let failed = credential(&transport, azure_devops())
            .token(&minute(), SCOPE)
            .await;
        let Err(Error::SignIn(failure)) = failed else {
            panic!("a failed sign-in expected");
        };
        assert_eq!(failure.problem, Problem::Issuer);
        insta::assert_snapshot!(failure, @"signing in with an OIDC token from Azure DevOps: The service connection does not exist.");
    }

    #[tokio::test]
    async fn azure_devops_without_a_service_connection_is_its_own_problem() {
        let message = "The requested resource does not support http method 'GET'.";
        let answer = value!({"count": 1, "value": {"Message": message}});
        let transport =
            ScriptedTransport::default().on(Method::GET, "/oidctoken", json(405, &answer));
        let unconnected = github("https://dev.example/oidctoken");
        let credential = credential(&transport, unconnected);
        let Err(Error::SignIn(failure)) = credential.token(&minute(), SCOPE).await else {
            panic!("a failed sign-in expected");
        };
        assert_eq!(failure.problem, Problem::NoServiceConnection);
        insta::assert_snapshot!(failure, @"signing in with an OIDC token from Azure DevOps: The requested resource does not support http method 'GET'.");
    }

    #[tokio::test]
    async fn the_error_for_an_answer_without_a_token_does_not_show_it() {
        let answer = reply(200).with_body(r#"{"token": "planted"}"#);
        let transport = ScriptedTransport::default().on(Method::GET, "issuer", answer);
        let github = github("https://issuer.example/");
        let failed = credential(&transport, github).token(&minute(), SCOPE).await;
        insta::assert_snapshot!(failed.unwrap_err(), @"signing in with an OIDC token from GitHub Actions: the issuer's answer has no `value`");
    }

    #[tokio::test]
    async fn an_expired_id_token_is_a_refusal_with_entras_code() {
        let said = "AADSTS700024: Client assertion is not within its valid time range.";
        let answer = value!({"error": "invalid_client", "error_description": said});
        let transport = ScriptedTransport::default().on(Method::POST, "/token", json(401, &answer));
        let given = IdToken::Given(Secret::new("planted"));
        let failed = credential(&transport, given).token(&minute(), SCOPE).await;
        let Err(Error::SignIn(failure)) = failed else {
            panic!("a failed sign-in expected");
        };
        assert_eq!(failure.problem, Problem::Refused(Some(700_024)));
        insta::assert_snapshot!(failure, @"signing in with an OIDC token: AADSTS700024: Client assertion is not within its valid time range.");
    }
}
