//! The HTTP clients that the environment describes.

use std::sync::Arc;

use crate::http::Pipeline;
use crate::http::client::{Client, ClientOptions};
use crate::provider::configuration::environment::Environment;
use terraform_plugin::diagnostics::Diagnostic;

/// The way to Azure.
///
/// # Errors
///
/// Proxies and certificates that can't be used.
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

/// The way to the endpoints of managed identity, which are on the machine itself: plain http, and past
/// any proxy.
///
/// # Errors
///
/// Certificates that can't be used.
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
                "Reading {file}: {error}. Set SSL_CERT_FILE to a PEM file with the certificates of your \
                 authority, or unset it."
            ),
        )
    })
}
