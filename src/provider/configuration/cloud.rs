//! Which cloud: the endpoints that are given go before those that a host tells, and these before
//! those of a name.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use crate::azure::cloud::{Cloud, MetadataHost};
use crate::http::{Budget, Pipeline};
use crate::provider::configuration::arguments::{
    AUDIENCE, AUTHORITY_HOST, ENDPOINT, ENDPOINTS, RESOURCE_MANAGER,
};
use crate::provider::configuration::precedence::Source;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// How long a metadata host may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which cloud it is, as far as that is known without a network.
#[derive(Clone, Debug)]
pub(super) struct CloudChoice {
    base: Base,
    endpoints: Endpoints,
}

#[derive(Clone, Debug)]
enum Base {
    Known(Cloud),
    /// A host that tells the endpoints of the environment of this name.
    Metadata(MetadataHost, String),
}

/// Endpoints that are given one by one.
#[derive(Clone, Debug)]
struct Endpoints {
    authority_host: Option<Url>,
    resource_manager: Option<Url>,
    audience: Option<String>,
}

impl CloudChoice {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// A name that isn't one, or an endpoint that isn't https.
    pub(super) fn read(source: Source<'_>) -> Result<Self, Diagnostic> {
        let endpoint = |name: &str| {
            source
                .endpoint(name)
                .map(|text| https(text, name))
                .transpose()
        };
        let endpoints = Endpoints {
            authority_host: endpoint(AUTHORITY_HOST)?,
            resource_manager: endpoint(RESOURCE_MANAGER)?,
            audience: source.endpoint(AUDIENCE).map(str::to_owned),
        };
        let base = base(source)?;
        Ok(Self { base, endpoints })
    }

    /// The cloud; a metadata host is asked for it.
    ///
    /// # Errors
    ///
    /// When that host doesn't tell.
    pub(super) async fn resolve(self, pipeline: &Pipeline) -> Result<Cloud, Diagnostic> {
        let cloud = match self.base {
            Base::Known(cloud) => cloud,
            Base::Metadata(host, name) => {
                let budget = Budget::new(PATIENCE, CancellationToken::new());
                let cloud = host.cloud(&budget, pipeline, &name).await;
                cloud.map_err(|error| {
                    Diagnostic::error(
                        "Could not learn the endpoints of the cloud",
                        format!(
                            "Asking {host}: {error}. Check `metadata_host` (ARM_METADATA_HOSTNAME), or name \
                             the endpoints in `endpoint`."
                        ),
                    )
                    .at(AttributePath::new("metadata_host"))
                })?
            }
        };
        Ok(self.endpoints.over(cloud))
    }
}

impl Endpoints {
    fn over(self, cloud: Cloud) -> Cloud {
        Cloud {
            authority_host: self.authority_host.unwrap_or(cloud.authority_host),
            resource_manager: self.resource_manager.unwrap_or(cloud.resource_manager),
            resource_manager_audience: self.audience.unwrap_or(cloud.resource_manager_audience),
            ..cloud
        }
    }
}

/// The cloud that is named or told. With all endpoints of one's own it may have any name, and nobody
/// needs to be asked.
fn base(source: Source<'_>) -> Result<Base, Diagnostic> {
    let name = source.text("environment").unwrap_or("public");
    let all = ENDPOINTS
        .iter()
        .all(|argument| source.endpoint(argument.name).is_some());
    if all {
        return Ok(Base::Known(
            Cloud::named(name).unwrap_or_else(Cloud::public),
        ));
    }
    if let Some(host) = source.text("metadata_host") {
        let host = MetadataHost::parse(host).ok_or_else(|| {
            Diagnostic::error(
                "Invalid metadata host",
                "It is not the name of a host. Give it as `management.azure.com` would be given for the \
                 public cloud, without a path.",
            )
            .at(AttributePath::new("metadata_host"))
        })?;
        let name = source.text("environment").unwrap_or_default();
        return Ok(Base::Metadata(host, name.to_owned()));
    }
    Cloud::named(name).map(Base::Known).ok_or_else(|| {
        Diagnostic::error(
            "Unknown environment",
            format!(
                "No environment was found with the name {name:?}. Use `public`, `usgovernment`, `dod` or \
                 `china`, or name the endpoints in `endpoint` or by `metadata_host`."
            ),
        )
        .at(AttributePath::new("environment"))
    })
}

/// An endpoint of the block. What is refused isn't shown: it may hold a password.
pub(super) fn https(text: &str, argument: &str) -> Result<Url, Diagnostic> {
    let problem = match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "it holds a name or a password, and endpoints take none".to_owned()
        }
        Ok(url) if url.scheme() == "https" && url.has_host() => return Ok(url),
        Ok(_) => "it is not an https URL".to_owned(),
        Err(error) => format!("it is not a URL ({error})"),
    };
    Err(Diagnostic::error(
        "Invalid endpoint",
        format!(
            "`{argument}` can't be used: {problem}. Give it as `https://management.azure.com` is given for \
             the public cloud."
        ),
    )
    .at(AttributePath::new(ENDPOINT).attribute(argument)))
}
