//! Builds the HTTP clients from the environment variables for proxies and certificate authorities.

use std::sync::Arc;

use crate::http::client::{Client, ClientError, ClientOptions};
use crate::http::{Pipeline, pem_files};
use crate::provider::configuration::environment::Environment;
use terraform_plugin::diagnostics::Diagnostic;

const HTTPS_PROXY: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Returns the HTTP pipeline for requests to Azure.
///
/// # Errors
///
/// If a proxy variable, `SSL_CERT_FILE` or `SSL_CERT_DIR` is not valid.
pub(super) fn azure(environment: &Environment, user_agent: &str) -> Result<Pipeline, Diagnostic> {
    let variable = |names| environment.first(names).map(str::to_owned);
    let options = ClientOptions {
        user_agent: user_agent.to_owned(),
        https_proxy: variable(&HTTPS_PROXY),
        no_proxy: variable(&NO_PROXY),
        extra_ca_pem: extra_authorities(environment)?,
        ..ClientOptions::default()
    };
    pipeline(environment, options)
}

/// Returns the HTTP pipeline for managed identity endpoints. They are on the machine itself, so it allows
/// plain HTTP and uses no proxy.
///
/// # Errors
///
/// If `SSL_CERT_FILE` or `SSL_CERT_DIR` is not valid.
pub(super) fn managed_identity(
    environment: &Environment,
    user_agent: &str,
) -> Result<Pipeline, Diagnostic> {
    let options = ClientOptions {
        user_agent: user_agent.to_owned(),
        extra_ca_pem: extra_authorities(environment)?,
        plain_http: true,
        ..ClientOptions::default()
    };
    pipeline(environment, options)
}

fn pipeline(environment: &Environment, options: ClientOptions) -> Result<Pipeline, Diagnostic> {
    let client = Client::new(options).map_err(|error| match error {
        ClientError::Proxy(error) => {
            let name = environment.set(&HTTPS_PROXY).unwrap_or(HTTPS_PROXY[0]);
            Diagnostic::error(
                format!("{name} is not a valid proxy"),
                format!(
                    "The proxy in {name} can't be used: {error}. Set {name} to an address such as \
                     http://proxy.example:8080 or socks5://proxy.example:1080, or unset it."
                ),
            )
        }
        ClientError::Trust(error) => Diagnostic::error(
            "Could not set up HTTPS",
            format!("{error}. Check SSL_CERT_FILE and SSL_CERT_DIR."),
        ),
        ClientError::Build(error) => {
            Diagnostic::error("Could not set up HTTPS", format!("{error}."))
        }
    })?;
    Ok(Pipeline::new(Arc::new(client)))
}

/// Returns the certificates of `SSL_CERT_FILE` and of the folders in `SSL_CERT_DIR`.
fn extra_authorities(environment: &Environment) -> Result<Option<Vec<u8>>, Diagnostic> {
    let mut pem = Vec::new();
    if let Some(file) = environment.first(&["SSL_CERT_FILE"]) {
        let content = std::fs::read(file);
        pem.push(content.map_err(|error| {
            Diagnostic::error(
                "Could not read SSL_CERT_FILE",
                format!(
                    "Reading {file} failed: {error}. Set SSL_CERT_FILE to a PEM file with your CA \
                     certificates, or unset it."
                ),
            )
        })?);
    }
    let folders = environment.first(&["SSL_CERT_DIR"]);
    let folders = folders.into_iter().flat_map(std::env::split_paths);
    for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
        pem.push(pem_files(&folder).map_err(|error| {
            Diagnostic::error(
                "Could not read SSL_CERT_DIR",
                format!(
                    "Reading {} failed: {error}. Set SSL_CERT_DIR to folders with your CA certificates as \
                     PEM files, or unset it.",
                    folder.display()
                ),
            )
        })?);
    }
    Ok((!pem.is_empty()).then(|| pem.join(&b'\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_proxy_is_an_error_that_names_the_variable() {
        let refused = |name: &str, address: &str| {
            let environment = [(name, address)].into_iter().collect();
            let error = azure(&environment, "test").unwrap_err();
            let text = format!("{}: {}", error.summary, error.detail);
            assert!(!text.contains("planted"), "{text}");
            text
        };
        let texts = [
            refused("HTTPS_PROXY", "ftp://user:planted@proxy.example"),
            refused("https_proxy", "http://user:planted@["),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        HTTPS_PROXY is not a valid proxy: The proxy in HTTPS_PROXY can't be used: the provider does not support proxies with the scheme ftp. Set HTTPS_PROXY to an address such as http://proxy.example:8080 or socks5://proxy.example:1080, or unset it.
        https_proxy is not a valid proxy: The proxy in https_proxy can't be used: the address is not valid. Set https_proxy to an address such as http://proxy.example:8080 or socks5://proxy.example:1080, or unset it.
        ");
    }

    #[test]
    fn certificates_come_from_the_file_and_from_all_folders() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let write = |folder: &tempfile::TempDir, name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
            let pem = authority.self_signed(&key).unwrap().pem();
            std::fs::write(folder.path().join(name), &pem).unwrap();
            pem
        };
        let in_folders = folders.each_ref().map(|folder| write(folder, "ca.pem"));
        let elsewhere = tempfile::tempdir().unwrap();
        let in_file = write(&elsewhere, "bundle.pem");
        let file = elsewhere.path().join("bundle.pem");
        let joined = std::env::join_paths(folders.each_ref().map(tempfile::TempDir::path)).unwrap();
        let environment: Environment = [
            ("SSL_CERT_FILE", file.to_str().unwrap()),
            ("SSL_CERT_DIR", joined.to_str().unwrap()),
        ]
        .into_iter()
        .collect();
        let pem = extra_authorities(&environment).unwrap().unwrap();
        let pem = String::from_utf8(pem).unwrap();
        for expected in [&in_file, &in_folders[0], &in_folders[1]] {
            assert!(pem.contains(expected.as_str()));
        }
        azure(&environment, "test").unwrap();
    }

    #[test]
    fn a_folder_that_can_not_be_read_is_an_error_that_names_the_variable() {
        let environment = [("SSL_CERT_DIR", "/missing/folder")].into_iter().collect();
        let error = extra_authorities(&environment).unwrap_err();
        assert_eq!(error.summary, "Could not read SSL_CERT_DIR");
        assert!(
            error.detail.starts_with("Reading /missing/folder failed: "),
            "{}",
            error.detail
        );
    }
}
