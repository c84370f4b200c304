//! Creates the credential for the selected authentication method.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::azure::credential::{Az, CertificateError, ClientCertificate};
use crate::azure::{Cloud, Credential, Error, Secret};
use crate::http::Pipeline;
use crate::provider::configuration::environment::Environment;
use crate::provider::configuration::inputs::CertificateFile;
use crate::provider::configuration::sign_in::SignIn;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Creates the credential. It sends no request, and reads no file except a client certificate. It calls
/// `machine` only for a managed identity. `environment` says where the Azure CLI is.
///
/// # Errors
///
/// If the certificate or an ID is not valid, or if `machine` fails.
pub(super) fn credential(
    sign_in: SignIn,
    cloud: &Cloud,
    azure: Pipeline,
    environment: &Environment,
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
        } => {
            let variable = |name| environment.verbatim(&[name]);
            let az = Az::new(
                variable("PATH"),
                variable("PATHEXT"),
                variable("SystemRoot"),
            );
            Credential::azure_cli(tenant_id.as_deref(), subscription_id.as_deref(), az)
        }
    };
    credential.map_err(|error| unusable(&error))
}

fn unusable(error: &Error) -> Diagnostic {
    Diagnostic::error(
        "Invalid authentication settings",
        format!(
            "The authentication settings are not valid: {error}. Check `tenant_id`, `client_id` and \
             `subscription_id` in the provider block and the ARM_* environment variables."
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
                "Set `client_certificate_password` (ARM_CLIENT_CERTIFICATE_PASSWORD) to the password of the \
                 file.",
            ),
            CertificateError::Expired(_) => (
                argument,
                "Create a new certificate, and register it with the application.",
            ),
            CertificateError::NotRsa | CertificateError::UnsupportedKey(_) => (
                argument,
                "Create a certificate with an RSA key of 2048 to 4096 bits, and register it with the \
                 application.",
            ),
            CertificateError::Encryption(_) => (
                argument,
                "Export the file again with AES-256, such as with `openssl pkcs12 -export`.",
            ),
            CertificateError::PasswordCharacter => (
                "client_certificate_password",
                "Export the file again with another password, and set `client_certificate_password` \
                 (ARM_CLIENT_CERTIFICATE_PASSWORD) to it.",
            ),
            _ => (
                argument,
                "Use a PKCS#12 (`.pfx`) file with one private key and its certificate, such as \
                 `openssl pkcs12 -export` creates. `client_certificate` takes the file encoded in base64.",
            ),
        };
        Diagnostic::error(
            "Could not use the client certificate",
            format!("The client certificate can't be used: {error}. {next}"),
        )
        .at(AttributePath::new(argument))
    })
}

/// Decodes base64. Pasted text may contain line breaks.
fn decoded(text: &Secret) -> Result<Vec<u8>, CertificateError> {
    let text: String = text.expose().split_whitespace().collect();
    STANDARD
        .decode(&*Zeroizing::new(text))
        .map_err(|error| CertificateError::Base64(without_byte(&error)))
}

/// The error with the position only, because an invalid byte is part of the secret.
fn without_byte(error: &DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(position, _) | DecodeError::InvalidLastSymbol(position, _) => {
            format!("invalid byte at position {position}")
        }
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_certificate_text_prints_no_byte_of_it() {
        for (text, position) in [("pla*ted=", 3), ("QUJD\nZZ==", 5)] {
            let Err(CertificateError::Base64(reason)) = decoded(&Secret::new(text.to_owned()))
            else {
                panic!("{text} is not base64");
            };
            assert_eq!(reason, format!("invalid byte at position {position}"));
        }
    }
}
