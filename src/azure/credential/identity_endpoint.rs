//! The endpoint that issues a machine's managed identity tokens: its URL, its API version and its header.

use std::fmt;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use url::Url;

use crate::azure::credential::audience;
use crate::azure::credential::sign_in_failure::{Problem, SignInAttempt};
use crate::azure::{Error, Secret};
use crate::http::{Request, host};

/// The managed identity endpoint of virtual machines.
const INSTANCE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The API version that every endpoint in the style of virtual machines supports.
const INSTANCE_METADATA_VERSION: &str = "2018-02-01";
/// The API version that introduced `X-IDENTITY-HEADER`.
const APP_SERVICE_VERSION: &str = "2019-08-01";

/// The endpoint that issues the machine's tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityEndpoint {
    url: Url,
    version: String,
    /// The identity header of App Service, or [`None`] for an endpoint in the style of virtual machines.
    key: Option<Secret>,
}

impl IdentityEndpoint {
    /// Returns the endpoint of virtual machines, or `url` in the same style.
    #[must_use]
    pub fn instance_metadata(url: Option<Url>, version: Option<&str>) -> Self {
        let known = || Url::parse(INSTANCE_METADATA).expect("the known endpoint is valid");
        Self {
            url: url.unwrap_or_else(known),
            version: version.unwrap_or(INSTANCE_METADATA_VERSION).to_owned(),
            key: None,
        }
    }

    /// Returns the endpoint of App Service, Functions and Container Apps, from `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`.
    #[must_use]
    pub fn app_service(url: Url, key: Secret, version: Option<&str>) -> Self {
        Self {
            url,
            version: version.unwrap_or(APP_SERVICE_VERSION).to_owned(),
            key: Some(key),
        }
    }

    /// Returns the request for a token.
    ///
    /// # Errors
    /// If the identity header is not valid.
    pub(super) fn request(&self, who: SignInAttempt<'_>, scope: &str) -> Result<Request, Error> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("api-version", &self.version)
            .append_pair("resource", audience(scope))
            .extend_pairs(who.client_id.map(|id| ("client_id", id)));
        let request = Request::new(Method::GET, url);
        let Some(key) = &self.key else {
            // This header shows that a server didn't forward the request by mistake.
            let name = HeaderName::from_static("metadata");
            return Ok(request.header(name, HeaderValue::from_static("true")));
        };
        let mut value = HeaderValue::try_from(key.expose()).map_err(|_| {
            who.fails(
                Problem::Value,
                "IDENTITY_HEADER is not a valid header value",
            )
        })?;
        value.set_sensitive(true);
        Ok(request.header(HeaderName::from_static("x-identity-header"), value))
    }
}

impl fmt::Debug for IdentityEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityEndpoint")
            .field("host", &host(&self.url))
            .field("path", &self.url.path())
            .field("version", &self.version)
            .field("key", &self.key)
            .finish()
    }
}
