//! What signing in is asked for with, gathered from the block, the environment and the files that they
//! name.

use std::path::PathBuf;

use url::Url;

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::diagnostics::Diagnostic;
use crate::provider::arguments::named;
use crate::provider::sign_in::{CertificateFile, Given};
use crate::provider::source::{Source, agree, content};
use crate::value::AttributePath;

impl Given {
    /// Gathers it.
    ///
    /// # Errors
    ///
    /// What can't be read, and what contradicts itself.
    pub(super) fn gather(source: Source<'_>) -> Result<Self, Diagnostic> {
        let text = |name| source.text(name).map(str::trim).map(str::to_owned);
        let pod = Pod::of(source)?;
        let client_id = source.text_or_file("client_id", "Client ID")?;
        let client_id = pod.or(client_id, "AZURE_CLIENT_ID", "client_id", "Client ID")?;
        let tenant_id = source.secret("tenant_id");
        let tenant_id = pod.or(tenant_id, "AZURE_TENANT_ID", "tenant_id", "Tenant ID")?;
        let plain = |value: Option<Secret>| value.map(|value| value.expose().to_owned());
        let base64 = source.secret("client_certificate");
        let file = text("client_certificate_path").map(CertificateFile::Path);
        let use_oidc = source.switch("use_oidc", false)?;
        Ok(Self {
            tenant_id: plain(tenant_id),
            client_id: plain(client_id),
            subscription_id: text("subscription_id"),
            auxiliary_tenants: source.auxiliary_tenants()?,
            certificate: base64.map(CertificateFile::Base64).or(file),
            certificate_password: Secret::new(
                source
                    .text("client_certificate_password")
                    .unwrap_or_default(),
            ),
            client_secret: source.text_or_file("client_secret", "Client Secret")?,
            use_oidc,
            use_aks_workload_identity: pod.is_one,
            id_token: id_token(source, &pod)?,
            // Pipelines set it whether or not it is used.
            request_url: match use_oidc {
                true => url(source, "oidc_request_url")?,
                false => None,
            },
            request_token: source.secret("oidc_request_token"),
            service_connection_id: text("ado_pipeline_service_connection_id"),
            use_msi: source.switch("use_msi", false)?,
            identity_endpoint: identity_endpoint(source)?,
            use_cli: source.switch("use_cli", true)?,
        })
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

    /// What the pod says, or what is given; both have to agree.
    fn or(
        self,
        given: Option<Secret>,
        variable: &str,
        argument: &str,
        what: &str,
    ) -> Result<Option<Secret>, Diagnostic> {
        let Some(own) = self.variable(variable).map(Secret::new) else {
            return Ok(given);
        };
        agree(given.as_ref(), &own, what, || mismatch(what))
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
    let given = source.text_or_file("oidc_token", WHAT)?;
    if let Some(file) = pod.variable("AZURE_FEDERATED_TOKEN_FILE") {
        let own = content(file, WHAT)?;
        agree(given.as_ref(), &own, WHAT, || mismatch(WHAT))?;
        return Ok(Some(IdToken::File(PathBuf::from(file))));
    }
    let file = source.text("oidc_token_file_path");
    let file = file.map(|file| IdToken::File(PathBuf::from(file)));
    Ok(file.or_else(|| given.map(IdToken::Given)))
}

/// The endpoint of managed identity: one of one's own, App Service's, or the one of virtual machines.
fn identity_endpoint(source: Source<'_>) -> Result<IdentityEndpoint, Diagnostic> {
    let version = source.environment.first(&["ARM_MSI_API_VERSION"]);
    let own = url(source, "msi_endpoint")?;
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

/// A URL. It isn't shown: some hold a key.
fn url(source: Source<'_>, name: &str) -> Result<Option<Url>, Diagnostic> {
    let invalid = |problem: &str| {
        Diagnostic::error(
            format!("Invalid value of `{name}`"),
            format!("{} is not a URL ({problem}).", named(name)),
        )
        .at(AttributePath::new(name))
    };
    let Some(text) = source.text(name) else {
        return Ok(None);
    };
    match Url::parse(text.trim()) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(Some(url)),
        Ok(_) => Err(invalid("it begins neither with https:// nor with http://")),
        Err(error) => Err(invalid(&error.to_string())),
    }
}
