//! What signing in is asked for with, gathered from the block, the environment and the files that they
//! name.

use std::path::PathBuf;

use url::Url;

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::provider::configuration::arguments::named;
use crate::provider::configuration::precedence::{Source, agree, content};
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Where a client certificate is.
#[derive(Clone, Debug)]
pub(super) enum CertificateFile {
    /// In the configuration itself, encoded in base64.
    Base64(Secret),
    /// In a file.
    Path(String),
}

/// Everything that signing in can be asked for with.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) tenant_id: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) subscription_id: Option<String>,
    pub(super) auxiliary_tenants: Vec<String>,
    pub(super) certificate: Option<CertificateFile>,
    pub(super) certificate_password: Secret,
    pub(super) client_secret: Option<Secret>,
    pub(super) use_oidc: bool,
    pub(super) use_aks_workload_identity: bool,
    /// A token, or the file that holds it.
    pub(super) id_token: Option<IdToken>,
    pub(super) request_url: Option<Url>,
    pub(super) request_token: Option<Secret>,
    pub(super) service_connection_id: Option<String>,
    pub(super) use_msi: bool,
    pub(super) identity_endpoint: IdentityEndpoint,
    pub(super) use_cli: bool,
}

impl Inputs {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// What can't be read, and what contradicts itself.
    pub(super) fn read(source: Source<'_>) -> Result<Self, Diagnostic> {
        let text = |name| source.text(name).map(str::to_owned);
        let pod = Pod::of(source)?;
        let client_id = source.text_or_file("client_id", "Client ID")?;
        let client_id = pod.or(client_id, "AZURE_CLIENT_ID", "client_id", "Client ID")?;
        let tenant_id = source.secret("tenant_id");
        let tenant_id = pod.or(tenant_id, "AZURE_TENANT_ID", "tenant_id", "Tenant ID")?;
        let plain = |value: Option<Secret>| value.map(|value| value.expose().to_owned());
        let base64 = source.secret("client_certificate");
        let file = text("client_certificate_path").map(CertificateFile::Path);
        let use_oidc = source.switch("use_oidc", false)?;
        let use_msi = source.switch("use_msi", false)?;
        Ok(Self {
            tenant_id: plain(tenant_id),
            client_id: plain(client_id),
            subscription_id: text("subscription_id"),
            auxiliary_tenants: source.auxiliary_tenants()?,
            certificate: base64.map(CertificateFile::Base64).or(file),
            // Blanks may be a part of it.
            certificate_password: Secret::new(
                source
                    .verbatim("client_certificate_password")
                    .unwrap_or_default(),
            ),
            client_secret: source.text_or_file("client_secret", "Client Secret")?,
            use_oidc,
            use_aks_workload_identity: pod.is_one,
            id_token: id_token(source, &pod)?,
            // Pipelines set it whether or not it is used.
            request_url: match use_oidc {
                true => url(source, "oidc_request_url", &["https"])?,
                false => None,
            },
            request_token: source.secret("oidc_request_token"),
            service_connection_id: text("ado_pipeline_service_connection_id"),
            use_msi,
            identity_endpoint: identity_endpoint(source, use_msi)?,
            use_cli: source.switch("use_cli", true)?,
        })
    }

    /// An application and its tenant.
    pub(super) fn application(&self) -> Option<(String, String)> {
        self.tenant_id.clone().zip(self.client_id.clone())
    }

    /// What an application in a tenant lacks.
    pub(super) fn lacking_application(&self) -> Vec<String> {
        let parts = [
            ("tenant_id", self.tenant_id.is_some()),
            ("client_id", self.client_id.is_some()),
        ];
        let missing = parts.into_iter().filter(|(_, is_set)| !is_set);
        missing.map(|(name, _)| named(name)).collect()
    }

    /// The ID token: a given one goes before one that Azure DevOps issues, and that before GitHub's.
    pub(super) fn id_token(&self) -> Option<IdToken> {
        if let Some(id_token) = &self.id_token {
            return Some(id_token.clone());
        }
        // The issuers are asked for OIDC only: a pod has its file, or nothing.
        let request_url = self.request_url.clone().filter(|_| self.use_oidc)?;
        let request_token = self.request_token.clone()?;
        Some(match self.service_connection_id.clone() {
            Some(service_connection_id) => IdToken::AzureDevOps {
                request_url,
                request_token,
                service_connection_id,
            },
            None => IdToken::GitHub {
                request_url,
                request_token,
            },
        })
    }

    /// What signing in with an ID token lacks for one.
    pub(super) fn lacking_id_token(&self) -> String {
        if !self.use_oidc {
            return "AZURE_FEDERATED_TOKEN_FILE".to_owned();
        }
        match (&self.request_url, &self.request_token) {
            (Some(_), None) => named("oidc_request_token"),
            (None, Some(_)) => named("oidc_request_url"),
            _ => format!(
                "an ID token: {}, {}, or {} with {}",
                named("oidc_token"),
                named("oidc_token_file_path"),
                named("oidc_request_url"),
                named("oidc_request_token")
            ),
        }
    }
}

/// An AKS pod with a workload identity, where the user says that this is one.
#[derive(Clone, Copy)]
struct Pod<'a> {
    source: Source<'a>,
    is_one: bool,
}

impl<'a> Pod<'a> {
    fn of(source: Source<'a>) -> Result<Self, Diagnostic> {
        let is_one = source.switch("use_aks_workload_identity", false)?;
        Ok(Self { source, is_one })
    }

    /// What the pod says of itself.
    fn variable(self, name: &str) -> Option<&'a str> {
        self.source
            .environment
            .first(&[name])
            .filter(|_| self.is_one)
    }

    /// What the pod says, or what is configured; both have to agree.
    fn or(
        self,
        configured: Option<Secret>,
        variable: &str,
        argument: &str,
        what: &str,
    ) -> Result<Option<Secret>, Diagnostic> {
        let Some(own) = self.variable(variable).map(Secret::new) else {
            return Ok(configured);
        };
        agree(configured.as_ref(), &own, what, || mismatch(what))
            .map_err(|error| error.at(AttributePath::new(argument)))?;
        Ok(Some(own))
    }
}

fn mismatch(what: &str) -> String {
    format!(
        "Mismatch between supplied {what} and that provided by AKS Workload Identity - please remove, ensure \
         they match, or disable use_aks_workload_identity."
    )
}

/// The ID token that is there already: a file goes before a value, since it is kept fresh.
fn id_token(source: Source<'_>, pod: &Pod<'_>) -> Result<Option<IdToken>, Diagnostic> {
    const WHAT: &str = "OIDC token";
    let token = source.text_or_file("oidc_token", WHAT)?;
    if let Some(file) = pod.variable("AZURE_FEDERATED_TOKEN_FILE") {
        let own = content(file, WHAT)?;
        agree(token.as_ref(), &own, WHAT, || mismatch(WHAT))?;
        return Ok(Some(IdToken::File(PathBuf::from(file))));
    }
    let file = source.text("oidc_token_file_path");
    let file = file.map(|file| IdToken::File(PathBuf::from(file)));
    Ok(file.or_else(|| token.map(IdToken::Given)))
}

/// The endpoint of managed identity: one of one's own, App Service's, or the one of virtual machines.
/// Where none is used, what the variables say of it may be anything.
fn identity_endpoint(source: Source<'_>, is_used: bool) -> Result<IdentityEndpoint, Diagnostic> {
    let version = source.environment.first(&["ARM_MSI_API_VERSION"]);
    let own = match is_used {
        true => url(source, "msi_endpoint", &["http", "https"])?,
        false => None,
    };
    let service = source.environment.first(&["IDENTITY_ENDPOINT"]);
    let service = service.and_then(|service| Url::parse(service).ok());
    let key = source.environment.first(&["IDENTITY_HEADER"]);
    Ok(match (service, key) {
        // It may be named in both ways.
        (Some(service), Some(key)) if own.as_ref().is_none_or(|own| *own == service) => {
            IdentityEndpoint::app_service(service, Secret::new(key), version)
        }
        _ => IdentityEndpoint::instance_metadata(own, version),
    })
}

/// A URL with one of these schemes. It isn't shown: some hold a key.
fn url(source: Source<'_>, name: &str, schemes: &[&str]) -> Result<Option<Url>, Diagnostic> {
    let invalid = |problem: &str| {
        Diagnostic::error(
            format!("Invalid value of `{name}`"),
            format!("{} can't be used: {problem}.", named(name)),
        )
        .at(AttributePath::new(name))
    };
    let Some(text) = source.text(name) else {
        return Ok(None);
    };
    match Url::parse(text) {
        Ok(url) if url.has_host() && schemes.contains(&url.scheme()) => Ok(Some(url)),
        Ok(_) => {
            let schemes: Vec<String> = schemes.iter().map(|it| format!("{it}://")).collect();
            let problem = format!("it has to begin with {}", schemes.join(" or "));
            Err(invalid(&problem))
        }
        Err(error) => Err(invalid(&format!("it is not a URL ({error})"))),
    }
}
