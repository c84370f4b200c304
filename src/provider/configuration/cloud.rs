//! Determines the endpoints of the cloud. `endpoint` takes precedence over `metadata_host`, and
//! `metadata_host` over `environment`.

use std::time::Duration;

use url::Url;

use crate::azure::cloud::{Cloud, MetadataHost};
use crate::http::{Budget, Pipeline};
use crate::provider::configuration::arguments::{
    AUDIENCE, AUTHORITY_HOST, ENDPOINT, ENDPOINTS, RESOURCE_MANAGER,
};
use crate::provider::configuration::precedence::Source;
use crate::provider::report;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::Context;
use terraform_plugin::value::AttributePath;

/// The timeout for reading the endpoints from a metadata host.
const PATIENCE: Duration = Duration::from_secs(60);

/// The configured cloud, before any request to a metadata host.
#[derive(Clone, Debug)]
pub(super) struct CloudChoice {
    base: Base,
    endpoints: Endpoints,
}

#[derive(Clone, Debug)]
enum Base {
    Known(Cloud),
    /// A host that serves the endpoints of the environment with this name.
    Metadata(MetadataHost, String),
}

/// The endpoints that `endpoint` sets.
#[derive(Clone, Debug)]
struct Endpoints {
    authority_host: Option<Url>,
    resource_manager: Option<Url>,
    audience: Option<String>,
}

impl CloudChoice {
    /// Reads the cloud from the configuration.
    ///
    /// # Errors
    ///
    /// If the environment is unknown, the metadata host is not valid, or an endpoint is not an https URL.
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

    /// Returns the cloud, and first reads it from the metadata host if one is set.
    ///
    /// # Errors
    ///
    /// If the metadata host doesn't return the endpoints.
    pub(super) async fn resolve(
        self,
        context: &Context,
        pipeline: &Pipeline,
    ) -> Result<Cloud, Diagnostic> {
        let cloud = match self.base {
            Base::Known(cloud) => cloud,
            Base::Metadata(host, name) => {
                let budget = Budget::new(PATIENCE, context.cancelled.clone());
                let cloud = host.cloud(&budget, pipeline, &name).await;
                cloud.map_err(|error| {
                    Diagnostic::error(
                        "Could not read the endpoints of the cloud",
                        format!(
                            "{} Check `metadata_host` (ARM_METADATA_HOSTNAME), or set all endpoints in \
                             `endpoint`.",
                            report::happened(&error)
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
        // Another Resource Manager has other registries.
        let has_same_registries = self
            .resource_manager
            .as_ref()
            .is_none_or(|own| *own == cloud.resource_manager);
        Cloud {
            registry_domain: cloud.registry_domain.filter(|_| has_same_registries),
            authority_host: self.authority_host.unwrap_or(cloud.authority_host),
            resource_manager: self.resource_manager.unwrap_or(cloud.resource_manager),
            resource_manager_audience: self.audience.unwrap_or(cloud.resource_manager_audience),
            ..cloud
        }
    }
}

/// Returns the named cloud or the metadata host. If `endpoint` sets all endpoints, the environment may have
/// any name and the provider sends no request.
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
                "`metadata_host` (ARM_METADATA_HOSTNAME) is not a host name. Use a name without a path, such \
                 as `management.azure.com`.",
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
                "The environment {name:?} was not found. Use `public`, `usgovernment`, `dod` or `china`. For \
                 another cloud, set `metadata_host`, or all endpoints in `endpoint`."
            ),
        )
        .at(AttributePath::new("environment"))
    })
}

/// Parses an endpoint. The error doesn't show the value, because it may contain a password.
pub(super) fn https(text: &str, argument: &str) -> Result<Url, Diagnostic> {
    let problem = match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "contains a user name or a password, which is not allowed".to_owned()
        }
        Ok(url) if url.scheme() == "https" && url.has_host() => return Ok(url),
        Ok(_) => "is not an https URL".to_owned(),
        Err(error) => format!("is not a URL ({error})"),
    };
    Err(Diagnostic::error(
        "Invalid endpoint",
        format!("`{argument}` {problem}. Use a URL such as `https://management.azure.com`."),
    )
    .at(AttributePath::new(ENDPOINT).attribute(argument)))
}
