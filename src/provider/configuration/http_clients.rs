//! Builds the HTTP clients from the environment variables for proxies and certificate authorities.

use std::sync::Arc;

use crate::http::Pipeline;
use crate::http::client::{Client, ClientOptions};
use crate::provider::configuration::environment::Environment;
use terraform_plugin::diagnostics::Diagnostic;

/// Returns the HTTP pipeline for requests to Azure.
///
/// # Errors
///
/// If a proxy variable or `SSL_CERT_FILE` is not valid.
pub(super) fn azure(environment: &Environment, user_agent: &str) -> Result<Pipeline, Diagnostic> {
    let variable = |names| environment.first(names).map(str::to_owned);
    pipeline(&ClientOptions {
        user_agent: user_agent.to_owned(),
        https_proxy: variable(&["HTTPS_PROXY", "https_proxy"]),
        no_proxy: variable(&["NO_PROXY", "no_proxy"]),
        extra_ca_pem: extra_authorities(environment)?,
        ..ClientOptions::default()
    })
}

/// Returns the HTTP pipeline for managed identity endpoints. They are on the machine itself, so it allows
/// plain HTTP and uses no proxy.
///
/// # Errors
///
/// If `SSL_CERT_FILE` is not valid.
pub(super) fn managed_identity(
    environment: &Environment,
    user_agent: &str,
) -> Result<Pipeline, Diagnostic> {
    pipeline(&ClientOptions {
        user_agent: user_agent.to_owned(),
        extra_ca_pem: extra_authorities(environment)?,
        plain_http: true,
        ..ClientOptions::default()
    })
}

fn pipeline(options: &ClientOptions) -> Result<Pipeline, Diagnostic> {
    let client = Client::new(options).map_err(|error| {
        Diagnostic::error(
            "Could not set up HTTPS",
            format!("{error}. Check HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE."),
        )
    })?;
    Ok(Pipeline::new(Arc::new(client)))
}

fn extra_authorities(environment: &Environment) -> Result<Option<Vec<u8>>, Diagnostic> {
    let Some(file) = environment.first(&["SSL_CERT_FILE"]) else {
        return Ok(None);
    };
    std::fs::read(file).map(Some).map_err(|error| {
        Diagnostic::error(
            "Could not read SSL_CERT_FILE",
            format!(
                "Reading {file} failed: {error}. Set SSL_CERT_FILE to a PEM file with your CA certificates, \
                 or unset it."
            ),
        )
    })
}
