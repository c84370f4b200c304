//! From the decision how to sign in to the credential that does it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::azure::credential::{CertificateError, ClientCertificate};
use crate::azure::{Cloud, Credential, Error, Secret};
use crate::http::Pipeline;
use crate::provider::configuration::inputs::CertificateFile;
use crate::provider::configuration::sign_in::SignIn;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Makes the credential. Of everything that it takes, only a certificate is read yet. What its requests
/// go through is made only where it is needed: to Azure, or to the machine itself.
///
/// # Errors
///
/// What can't be used.
pub(super) fn credential(
    sign_in: SignIn,
    cloud: &Cloud,
    azure: Pipeline,
    machine: impl FnOnce() -> Result<Pipeline, Diagnostic>,
) -> Result<Credential, Diagnostic> {
    let credential = match sign_in {
        SignIn::ClientCertificate {
            tenant_id,
            client_id,
            certificate,
            password,
        } => {
            let certificate = read(&certificate, &password)?;
            Credential::client_certificate(cloud, &tenant_id, &client_id, certificate, azure)
        }
        SignIn::ClientSecret {
            tenant_id,
            client_id,
            secret,
        } => Credential::client_secret(cloud, &tenant_id, &client_id, &secret, azure),
        SignIn::Oidc {
            tenant_id,
            client_id,
            id_token,
        } => Credential::oidc(cloud, &tenant_id, &client_id, id_token, azure),
        SignIn::ManagedIdentity {
            client_id,
            endpoint,
        } => Ok(Credential::managed_identity(
            endpoint,
            client_id.as_deref(),
            machine()?,
        )),
        SignIn::AzureCli {
            tenant_id,
            subscription_id,
        } => Credential::azure_cli(tenant_id.as_deref(), subscription_id.as_deref()),
    };
    credential.map_err(|error| unusable(&error))
}

fn unusable(error: &Error) -> Diagnostic {
    Diagnostic::error(
        "Could not prepare signing in to Azure",
        format!(
            "{error}. Check `tenant_id`, `client_id` and `subscription_id` in the provider block and the \
             ARM_* environment variables."
        ),
    )
}

fn read(file: &CertificateFile, password: &Secret) -> Result<ClientCertificate, Diagnostic> {
    let (data, argument) = match file {
        CertificateFile::Base64(text) => (decoded(text), "client_certificate"),
        CertificateFile::Path(path) => (
            std::fs::read(path)
                .map_err(|error| CertificateError::Unreadable(format!("{path}: {error}"))),
            "client_certificate_path",
        ),
    };
    let read = data
        .map(Zeroizing::new)
        .and_then(|data| ClientCertificate::from_pkcs12(&data, password, Timestamp::now()));
    read.map_err(|error| {
        let (argument, next) = match error {
            CertificateError::WrongPassword => (
                "client_certificate_password",
                "Set `client_certificate_password` (ARM_CLIENT_CERTIFICATE_PASSWORD) to the password that the \
                 file was made with.",
            ),
            CertificateError::Expired(_) => (
                argument,
                "Make a new certificate, and register it with the application.",
            ),
            _ => (
                argument,
                "It has to be a PKCS#12 (`.pfx`) file with one private key and its certificate, as \
                 `openssl pkcs12 -export` writes it; `client_certificate` takes that in base64.",
            ),
        };
        Diagnostic::error(
            "Could not use the client certificate",
            format!("The client certificate can't be used: {error}. {next}"),
        )
        .at(AttributePath::new(argument))
    })
}

/// Base64 as it is pasted: with line breaks, perhaps.
fn decoded(text: &Secret) -> Result<Vec<u8>, CertificateError> {
    let text: String = text.expose().split_whitespace().collect();
    // Of the error only the position is told: the byte at it belongs to the secret.
    STANDARD.decode(&*Zeroizing::new(text)).map_err(|error| {
        CertificateError::Base64(match error {
            base64::DecodeError::InvalidByte(position, _) => format!("at position {position}"),
            other => other.to_string(),
        })
    })
}
