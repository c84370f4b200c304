//! Collects the authentication inputs from the provider block, the environment, and the files that these
//! name.

use std::path::PathBuf;

use url::Url;

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::azure::id::problem_of_subscription;
use crate::provider::configuration::arguments::named;
use crate::provider::configuration::precedence::{Source, agree, content};
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// The source of a client certificate.
#[derive(Clone, Debug)]
pub(super) enum CertificateFile {
    /// The certificate itself, encoded in base64.
    Base64(Secret),
    /// The path of the certificate file.
    Path(String),
}

/// All inputs that select and configure an authentication method.
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
    /// An ID token, or the file that contains it.
    pub(super) id_token: Option<IdToken>,
    pub(super) request_url: Option<Url>,
    pub(super) request_token: Option<Secret>,
    pub(super) service_connection_id: Option<String>,
    pub(super) use_msi: bool,
    pub(super) identity_endpoint: IdentityEndpoint,
    pub(super) use_cli: bool,
}

impl Inputs {
    /// Reads the inputs.
    ///
    /// # Errors
    ///
    /// If a file can't be read, a value is invalid, or two sources of a value don't match.
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
            subscription_id: subscription_id(source.text("subscription_id"))?,
            auxiliary_tenants: source.auxiliary_tenants()?,
            certificate: base64.map(CertificateFile::Base64).or(file),
            // A password may start or end with spaces.
            certificate_password: Secret::new(
                source
                    .verbatim("client_certificate_password")
                    .unwrap_or_default(),
            ),
            client_secret: source.text_or_file("client_secret", "Client Secret")?,
            use_oidc,
            use_aks_workload_identity: pod.is_enabled,
            id_token: id_token(source, &pod)?,
            // Pipelines set this URL even if the provider doesn't use OIDC.
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

    /// Returns the tenant ID and the client ID, if both are set.
    pub(super) fn application(&self) -> Option<(String, String)> {
        self.tenant_id.clone().zip(self.client_id.clone())
    }

    /// Returns which of the tenant ID and the client ID are missing, as messages name them.
    pub(super) fn missing_application(&self) -> Vec<String> {
        let parts = [
            ("tenant_id", self.tenant_id.is_some()),
            ("client_id", self.client_id.is_some()),
        ];
        let missing = parts.into_iter().filter(|(_, is_set)| !is_set);
        missing.map(|(name, _)| named(name)).collect()
    }

    /// Returns the source of the ID token. A configured token takes precedence over Azure DevOps, and Azure
    /// DevOps over GitHub.
    pub(super) fn id_token(&self) -> Option<IdToken> {
        if let Some(id_token) = &self.id_token {
            return Some(id_token.clone());
        }
        // The request URL and token apply to `use_oidc` only, and not to AKS workload identity.
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

    /// Returns what is missing to get an ID token, as messages name it.
    pub(super) fn missing_id_token(&self) -> String {
        if !self.use_oidc {
            return "AZURE_FEDERATED_TOKEN_FILE".to_owned();
        }
        match (&self.request_url, &self.request_token) {
            (Some(_), None) => named("oidc_request_token"),
            (None, Some(_)) => named("oidc_request_url"),
            _ => format!(
                "an ID token from {}, {}, or {} with {}",
                named("oidc_token"),
                named("oidc_token_file_path"),
                named("oidc_request_url"),
                named("oidc_request_token")
            ),
        }
    }
}

/// Checks the subscription ID, if one is set.
pub(super) fn subscription_id(id: Option<&str>) -> Result<Option<String>, Diagnostic> {
    match id.and_then(problem_of_subscription) {
        None => Ok(id.map(str::to_owned)),
        Some(problem) => Err(Diagnostic::error(
            "Invalid subscription ID",
            format!(
                "The value of {} is not valid: {problem}. Use the ID of the subscription, not its name. \
                 `az account show --query id` prints the ID.",
                named("subscription_id")
            ),
        )
        .at(AttributePath::new("subscription_id"))),
    }
}

/// The workload identity of an AKS pod, if `use_aks_workload_identity` enables it.
#[derive(Clone, Copy)]
struct Pod<'a> {
    source: Source<'a>,
    is_enabled: bool,
}

impl<'a> Pod<'a> {
    fn of(source: Source<'a>) -> Result<Self, Diagnostic> {
        let is_enabled = source.switch("use_aks_workload_identity", false)?;
        Ok(Self { source, is_enabled })
    }

    /// Returns an environment variable that AKS sets in the pod.
    fn variable(self, name: &str) -> Option<&'a str> {
        self.source
            .environment
            .first(&[name])
            .filter(|_| self.is_enabled)
    }

    /// Returns the pod's value, or the configured value. If both are set, they must match.
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
        "Mismatch between the supplied {what} and the {what} provided by AKS Workload Identity. Remove the \
         supplied {what}, make both match, or disable `use_aks_workload_identity`."
    )
}

/// Returns the configured ID token. A file takes precedence over a value, because a file can contain a newer
/// token later.
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

/// Returns the managed identity endpoint: `msi_endpoint`, App Service's, or the default for virtual machines.
/// Without `use_msi`, an invalid `msi_endpoint` is not an error.
fn identity_endpoint(source: Source<'_>, is_used: bool) -> Result<IdentityEndpoint, Diagnostic> {
    let version = source.text("msi_api_version");
    let own = match is_used {
        true => url(source, "msi_endpoint", &["http", "https"])?,
        false => None,
    };
    let service = source.environment.first(&["IDENTITY_ENDPOINT"]);
    let service = service.and_then(|service| Url::parse(service).ok());
    let key = source.environment.first(&["IDENTITY_HEADER"]);
    Ok(match (service, key) {
        // `msi_endpoint` may repeat the URL of App Service's endpoint.
        (Some(service), Some(key)) if own.as_ref().is_none_or(|own| *own == service) => {
            IdentityEndpoint::app_service(service, Secret::new(key), version)
        }
        _ => IdentityEndpoint::instance_metadata(own, version),
    })
}

/// Parses a URL that must have one of these schemes. The error doesn't show it, because some contain a key.
fn url(source: Source<'_>, name: &str, schemes: &[&str]) -> Result<Option<Url>, Diagnostic> {
    let invalid = |problem: &str| {
        Diagnostic::error(
            format!("Invalid value for `{name}`"),
            format!("{} {problem}.", named(name)),
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
            let problem = format!("must start with {}", schemes.join(" or "));
            Err(invalid(&problem))
        }
        Err(error) => Err(invalid(&format!("is not a URL ({error})"))),
    }
}
