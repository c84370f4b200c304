//! ID tokens: how somebody whom an application trusts says who we are.

use std::fmt;
use std::path::PathBuf;

use http::header::{ACCEPT, HeaderValue};
use http::{Method, header::AUTHORIZATION};
use serde_json::Value;
use url::Url;

use crate::azure::Error;
use crate::azure::credential::Secret;
use crate::azure::credential::entra::{PATIENCE, signing_in_for};
use crate::azure::credential::sign_in_failure::{Problem, Refusal, SignInAttempt};
use crate::http::{Budget, Effect, Pipeline, Request, Response, host};

/// Whom the ID token is for. azurerm asks for this one in every cloud; where an application trusts
/// another one, the address of the request can name it as `audience`.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The version of Azure DevOps' exchange that azurerm speaks.
const AZURE_DEVOPS_VERSION: &str = "7.1";

/// Where the ID token comes from. Its `Debug` shows no more than that.
#[derive(Clone)]
pub enum IdToken {
    /// It was given. Once it has ended, no renewal is possible.
    Given(Secret),
    /// It lies in a file, which somebody else keeps fresh: it is read again for each sign-in.
    File(PathBuf),
    /// GitHub Actions, or what speaks like it, issues one for each sign-in.
    GitHub {
        /// Where it is asked for, as `ACTIONS_ID_TOKEN_REQUEST_URL` says.
        request_url: Url,
        /// What opens that address.
        request_token: Secret,
    },
    /// Azure DevOps issues one for each sign-in.
    AzureDevOps {
        /// Where it is asked for, as `SYSTEM_OIDCREQUESTURI` says.
        request_url: Url,
        /// What opens that address.
        request_token: Secret,
        /// The service connection that the application trusts.
        service_connection_id: String,
    },
}

impl IdToken {
    /// The way of signing in, as errors name it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Given(_) => "an OIDC token",
            Self::File(_) => "an OIDC token file",
            Self::GitHub { .. } => "an OIDC token of GitHub Actions",
            Self::AzureDevOps { .. } => "an OIDC token of Azure DevOps",
        }
    }

    /// Fetches the token of now.
    pub(super) async fn fetch(
        &self,
        budget: &Budget,
        who: SignInAttempt<'_>,
        scope: &str,
        pipeline: &Pipeline,
    ) -> Result<Secret, Error> {
        let (request, field) = match self {
            Self::Given(token) => return Ok(token.clone()),
            Self::File(path) => {
                let read = tokio::fs::read_to_string(path).await;
                let said = |what: &dyn fmt::Display| format!("reading {}: {what}", path.display());
                let fails = |what| who.fails(Problem::TokenFile, what);
                let token = Secret::new(read.map_err(|error| fails(said(&error)))?);
                return match token.expose().trim() {
                    "" => Err(fails(said(&"it is empty")).into()),
                    trimmed => Ok(Secret::new(trimmed)),
                };
            }
            Self::GitHub { .. } | Self::AzureDevOps { .. } => self.request(who)?,
        };
        let sent = pipeline.send_within(budget, PATIENCE, &request).await;
        let response = sent.map_err(|error| Error::unsent(&signing_in_for(scope), error))?;
        issued(who, &response, field)
    }

    /// The request for a token, and the field of the answer that holds it.
    fn request(&self, who: SignInAttempt<'_>) -> Result<(Request, &'static str), Error> {
        let (method, url, token, field, parameters) = match self {
            Self::GitHub {
                request_url,
                request_token,
            } => (
                Method::GET,
                request_url,
                request_token,
                "value",
                vec![("audience", AUDIENCE)],
            ),
            Self::AzureDevOps {
                request_url,
                request_token,
                service_connection_id,
            } => (
                Method::POST,
                request_url,
                request_token,
                "oidcToken",
                vec![
                    ("api-version", AZURE_DEVOPS_VERSION),
                    ("serviceConnectionId", service_connection_id),
                    ("audience", AUDIENCE),
                ],
            ),
            Self::Given(_) | Self::File(_) => {
                return Err(who
                    .fails(Problem::Issuer, "nobody issues this token")
                    .into());
            }
        };
        let bearer = token
            .bearer(&signing_in_for(who.method))
            .map_err(|_| who.fails(Problem::Issuer, "the request token isn't one"))?;
        // A token that was issued and lost does no harm.
        let request = Request::new(method, completed(url, &parameters))
            .effect(Effect::Nothing)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(AUTHORIZATION, bearer);
        Ok((request, field))
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(token) => write!(f, "Given({token})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::GitHub { request_url, .. } => write!(f, "GitHub({})", host(request_url)),
            Self::AzureDevOps { request_url, .. } => {
                write!(f, "AzureDevOps({})", host(request_url))
            }
        }
    }
}

/// An address with these parameters. One that it has already stays as it is.
fn completed(url: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut completed = url.clone();
    for (name, value) in parameters {
        if !url.query_pairs().any(|(present, _)| present == *name) {
            completed.query_pairs_mut().append_pair(name, value);
        }
    }
    completed
}

/// The token in an answer. Of a refusal only the status and a message are kept.
fn issued(who: SignInAttempt<'_>, response: &Response, field: &str) -> Result<Secret, Error> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if !response.status.is_success() {
        let mut refusal = Refusal::read(response);
        if let Some(message) = body["message"].as_str() {
            message.clone_into(&mut refusal.message);
        }
        return Err(who.refused(refusal, Problem::Issuer).into());
    }
    match body[field].as_str() {
        Some(token) if !token.is_empty() => Ok(Secret::new(token)),
        _ => {
            let message = format!("the answer of the token's issuer has no `{field}`");
            Err(who.fails(Problem::Issuer, message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_to_an_address_with_and_without_some() {
        let complete = |url: &str| {
            let parameters = [("audience", AUDIENCE), ("api-version", "7.1")];
            completed(&Url::parse(url).unwrap(), &parameters).to_string()
        };
        insta::assert_snapshot!(complete("https://issuer.example/token"), @"https://issuer.example/token?audience=api%3A%2F%2FAzureADTokenExchange&api-version=7.1");
        insta::assert_snapshot!(complete("https://issuer.example/?a=b&audience=mine"), @"https://issuer.example/?a=b&audience=mine&api-version=7.1");
    }

    #[test]
    fn an_id_token_does_not_print() {
        let url = Url::parse("https://issuer.example/").unwrap();
        let github = IdToken::GitHub {
            request_url: url,
            request_token: Secret::new("planted"),
        };
        let given = IdToken::Given(Secret::new("planted"));
        assert!(!format!("{github:?} {given:?}").contains("planted"));
    }
}
