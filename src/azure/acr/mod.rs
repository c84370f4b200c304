//! The data plane of a registry: tags, manifests and blobs of its repositories.
//!
//! The host is the login server from Resource Manager. It can't be built from the registry name, because
//! a domain name label adds a hash.

mod artifact;
mod blob;
pub(crate) mod challenge;
mod content;
mod manifest;
mod policy_upload;
mod repository;
mod session;

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::azure::absence;
use crate::azure::acr::challenge::Challenge;
use crate::azure::{Azure, Error, Operation, OperationKind, rate_limits};
use crate::http::{Budget, Request, Response};

pub use artifact::{NotReadable, PolicyArtifact, PolicyManifest, StoredPolicy};
pub use content::{Content, Platform};
pub use manifest::Manifest;
pub use policy_upload::{Expected, PolicyUpload};
pub(crate) use session::Session;

/// The characters that a path segment keeps unescaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':');

/// The data plane of one registry. Clones are cheap and share their tokens.
#[derive(Clone)]
pub struct AcrClient {
    azure: Azure,
    session: Arc<Session>,
    /// The right of all tokens, instead of the least right for each request.
    right: Option<Right>,
}

/// A permission on a repository, as in a token's scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Right {
    /// Read the repository.
    #[default]
    Pull,
    /// Read and write the repository.
    Push,
    /// Read the repository and list its tags.
    ListTags,
    /// Read and delete the repository.
    Delete,
}

impl AcrClient {
    pub(crate) fn new(azure: Azure, session: Arc<Session>) -> Self {
        Self {
            azure,
            session,
            right: None,
        }
    }

    /// Returns a client whose tokens all have this right. So an operation that reads and then writes needs one
    /// token. The registry leaves out an action that the identity may not do.
    #[must_use]
    pub fn with_right(self, right: Right) -> Self {
        Self {
            right: Some(right),
            ..self
        }
    }

    /// Returns the scope of a token that has at least this right.
    fn scope(&self, right: Right, repository: &str) -> String {
        self.right.unwrap_or(right).scope(repository)
    }

    /// Fetches the token of later requests for a repository.
    ///
    /// # Errors
    /// Any request error.
    pub(crate) async fn prepare(&self, budget: &Budget, repository: &str) -> Result<(), Error> {
        let scope = self.scope(Right::Pull, repository);
        self.token(budget, &scope).await.map(drop)
    }

    /// Returns the registry's login server.
    #[must_use]
    pub fn login_server(&self) -> &str {
        self.session.login_server()
    }

    /// Sends a request with a token for the scope. Any status is an answer. A 404 is checked with a second
    /// look.
    ///
    /// If the registry rejects the token, renews it once with the scope in the challenge.
    async fn call(
        &self,
        budget: &Budget,
        operation: &Operation,
        scope: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        let first = self.call_once(budget, operation, scope, request).await?;
        if !absence::is_second_look_due(budget, operation, &first).await? {
            return Ok(first);
        }
        let second = self.call_once(budget, operation, scope, request).await;
        absence::second_answer(operation, &first, second)
    }

    /// Sends a request as [`Self::call`] does, but believes the registry's own first word that something
    /// doesn't exist.
    async fn call_unless_gone(
        &self,
        budget: &Budget,
        operation: &Operation,
        scope: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        let first = self.call_once(budget, operation, scope, request).await?;
        if absence::is_gone(&first)
            || !absence::is_second_look_due(budget, operation, &first).await?
        {
            return Ok(first);
        }
        let second = self.call_once(budget, operation, scope, request).await;
        absence::second_answer(operation, &first, second)
    }

    /// Sends a request as [`Self::call`] does, without a second look.
    async fn call_once(
        &self,
        budget: &Budget,
        operation: &Operation,
        scope: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        // So that a stopped operation reports this request and not the token request.
        budget
            .check()
            .map_err(|why| Error::stopped(operation, why))?;
        let request = request.clone().lanes(vec![rate_limits::registry(request)]);
        let token = self.token(budget, scope).await?;
        let bearer = token.bearer(operation)?;
        let signed = request.clone().header(AUTHORIZATION, bearer);
        let answer = self.azure.send_once(budget, operation, &signed).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let asked = Challenge::of(&answer).and_then(|challenge| challenge.scope);
        let again = async {
            let token = self
                .renewed_token(budget, scope, &token, asked.as_deref())
                .await?;
            let signed = request.header(AUTHORIZATION, token.bearer(operation)?);
            self.azure.send_once(budget, operation, &signed).await
        };
        match again.await {
            Ok(mut renewed) => {
                renewed.outcome_unknown |= answer.outcome_unknown;
                Ok(renewed)
            }
            Err(error) => Err(error.after(operation, &answer)),
        }
    }

    fn operation(&self, kind: OperationKind, repository: &str) -> Operation {
        Operation::new(kind, format!("{}/{repository}", self.login_server()))
    }

    fn url(&self, operation: &Operation, path: &str) -> Result<Url, Error> {
        Url::parse(&format!("https://{}{path}", self.login_server())).map_err(|error| {
            Error::unexpected(
                operation,
                format!("the login server is not a valid host: {error}"),
            )
        })
    }

    /// Resolves a link in an answer. A link to another host is an error, because it would receive the
    /// token.
    fn link(&self, operation: &Operation, link: &str) -> Result<Url, Error> {
        let root = self.url(operation, "/")?;
        root.join(link)
            .ok()
            .filter(|url| url.origin() == root.origin())
            .ok_or_else(|| Error::unexpected(operation, "it has a link to another host"))
    }
}

impl fmt::Debug for AcrClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcrClient")
            .field("login_server", &self.login_server())
            .finish_non_exhaustive()
    }
}

impl Right {
    fn scope(self, repository: &str) -> String {
        let actions = match self {
            // One token for all reads. The registry leaves out an action that the identity may not do.
            Self::Pull | Self::ListTags => "pull,metadata_read",
            Self::Push => "pull,push",
            Self::Delete => "pull,delete",
        };
        format!("repository:{repository}:{actions}")
    }
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod testing {
    use http::Method;
    use serde_json::json as value;

    use super::*;
    use crate::azure::testing::azure;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    pub(super) const LOGIN_SERVER: &str = "contoso.azurecr.io";
    pub(super) const REALM: &str = "https://contoso.azurecr.io/oauth2/token";

    /// Returns a registry's 401.
    pub(super) fn challenge(scope: &str) -> Response {
        let text = format!(r#"Bearer realm="{REALM}",service="{LOGIN_SERVER}"{scope}"#);
        reply(401).with("www-authenticate", &text)
    }

    /// Returns a script that begins with one sign-in.
    pub(super) fn signed_in() -> ScriptedTransport {
        ScriptedTransport::default()
            .on(
                Method::POST,
                "/oauth2/exchange",
                json(200, &value!({"refresh_token": "r-1"})),
            )
            .on(
                Method::POST,
                "/oauth2/token",
                json(200, &value!({"access_token": "a-1"})),
            )
    }

    pub(super) fn client(transport: &ScriptedTransport) -> AcrClient {
        azure(transport).acr(LOGIN_SERVER)
    }

    /// Returns the requests after the sign-in.
    pub(super) fn story(transport: &ScriptedTransport) -> Vec<String> {
        transport.story().split_off(2)
    }
}
