//! ID tokens from an issuer that an application trusts.

use std::fmt;
use std::path::PathBuf;

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::azure::Error;
use crate::azure::credential::Secret;
use crate::azure::credential::entra::{PATIENCE, signing_in_for};
use crate::azure::credential::sign_in_failure::{Problem, Refusal, SignInAttempt};
use crate::http::{Budget, Effect, Pipeline, Request, Response, host};

/// The audience of the ID token. azurerm requests this audience in every cloud. If an application trusts
/// another audience, add it to the request URL as `audience`.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The authentication method with Azure DevOps, as errors name it.
const AZURE_DEVOPS: &str = "an OIDC token from Azure DevOps";

/// The version of Azure DevOps' token API that azurerm uses.
const AZURE_DEVOPS_VERSION: &str = "7.1";

/// The source of the ID token. `Debug` shows only the source.
#[derive(Clone)]
pub enum IdToken {
    /// A configured token. After it expires, no renewal is possible.
    Given(Secret),
    /// A file that another process updates. It is read again for each sign-in.
    File(PathBuf),
    /// GitHub Actions, or a compatible issuer, issues a token for each sign-in.
    GitHub {
        /// The URL of the issuer, as in `ACTIONS_ID_TOKEN_REQUEST_URL`.
        request_url: Url,
        /// The bearer token for requests to that URL.
        request_token: Secret,
    },
    /// Azure DevOps issues a token for each sign-in.
    AzureDevOps {
        /// The URL of the issuer, as in `SYSTEM_OIDCREQUESTURI`.
        request_url: Url,
        /// The bearer token for requests to that URL.
        request_token: Secret,
        /// The ID of the service connection that the application trusts.
        service_connection_id: String,
    },
}

impl IdToken {
    /// Returns the authentication method, as errors name it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Given(_) => "an OIDC token",
            Self::File(_) => "an OIDC token file",
            Self::GitHub { .. } => "an OIDC token from GitHub Actions",
            Self::AzureDevOps { .. } => AZURE_DEVOPS,
        }
    }

    /// Fetches the current token.
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
                    "" => Err(fails(said(&"the file is empty")).into()),
                    trimmed => Ok(Secret::new(trimmed)),
                };
            }
            Self::GitHub { .. } | Self::AzureDevOps { .. } => self.request(who)?,
        };
        let sent = pipeline.send_within(budget, PATIENCE, &request).await;
        let response = sent.map_err(|error| Error::unsent(&signing_in_for(scope), error))?;
        // Without a service connection, the provider sends a GET request, as for GitHub Actions.
        if matches!(self, Self::GitHub { .. }) && response.status == StatusCode::METHOD_NOT_ALLOWED
        {
            let who = SignInAttempt {
                method: AZURE_DEVOPS,
                ..who
            };
            let failure = who.refused(Refusal::read(&response), Problem::NoServiceConnection);
            return Err(failure.into());
        }
        issued(who, &response, field)
    }

    /// Returns the request for a token, and the field of the answer that contains the token.
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
                    .fails(Problem::Issuer, "this token has no issuer")
                    .into());
            }
        };
        let bearer = token.bearer(&signing_in_for(who.method)).map_err(|_| {
            who.fails(
                Problem::Issuer,
                "the request token is not a valid header value",
            )
        })?;
        // A retry is safe, because an unused ID token does no harm.
        let request = Request::new(method, completed(url, &parameters))
            .effect(Effect::Nothing)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(AUTHORIZATION, bearer);
        let request = match self {
            // Otherwise, Azure DevOps answers a wrong token with a redirect to its sign-in page.
            Self::AzureDevOps { .. } => request.header(
                HeaderName::from_static("x-tfs-fedauthredirect"),
                HeaderValue::from_static("Suppress"),
            ),
            _ => request,
        };
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

/// Adds query parameters to a URL. A parameter that the URL already has stays unchanged.
fn completed(url: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut completed = url.clone();
    for (name, value) in parameters {
        if !url.query_pairs().any(|(present, _)| present == *name) {
            completed.query_pairs_mut().append_pair(name, value);
        }
    }
    completed
}

/// Returns the token in an answer. An error answer contributes only its status, message and IDs.
fn issued(who: SignInAttempt<'_>, response: &Response, field: &str) -> Result<Secret, Error> {
    if !response.status.is_success() {
        return Err(who.refused(Refusal::read(response), Problem::Issuer).into());
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    match body[field].as_str() {
        Some(token) if !token.is_empty() => Ok(Secret::new(token)),
        _ => {
            let message = format!("the issuer's answer has no `{field}`");
            Err(who.fails(Problem::Issuer, message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_only_missing_parameters_to_a_url() {
        let complete = |url: &str| {
            let parameters = [("audience", AUDIENCE), ("api-version", "7.1")];
            completed(&Url::parse(url).unwrap(), &parameters).to_string()
        };
        insta::assert_snapshot!(complete("https://issuer.example/token"), @"https://issuer.example/token?audience=api%3A%2F%2FAzureADTokenExchange&api-version=7.1");
        insta::assert_snapshot!(complete("https://issuer.example/?a=b&audience=mine"), @"https://issuer.example/?a=b&audience=mine&api-version=7.1");
    }

    #[test]
    fn debug_shows_no_token() {
        let url = Url::parse("https://issuer.example/").unwrap();
        let github = IdToken::GitHub {
            request_url: url,
            request_token: Secret::new("planted"),
        };
        let given = IdToken::Given(Secret::new("planted"));
        assert!(!format!("{github:?} {given:?}").contains("planted"));
    }
}
