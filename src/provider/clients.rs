//! The HTTP clients that the environment describes.

use std::sync::Arc;

use crate::diagnostics::Diagnostic;
use crate::http::Pipeline;
use crate::http::client::{Client, ClientOptions};
use crate::provider::credential::Pipelines;
use crate::provider::environment::Environment;

/// Makes them.
///
/// # Errors
///
/// Proxies and certificates that can't be used.
pub(super) fn clients(
    environment: &Environment,
    user_agent: &str,
) -> Result<Pipelines, Diagnostic> {
    let variable = |names| environment.first(names).map(str::to_owned);
    let azure = ClientOptions {
        user_agent: user_agent.to_owned(),
        https_proxy: variable(&["HTTPS_PROXY", "https_proxy"]),
        no_proxy: variable(&["NO_PROXY", "no_proxy"]),
        extra_ca_pem: extra_authorities(environment)?,
        plain_http: false,
    };
    let machine = ClientOptions {
        https_proxy: None,
        no_proxy: None,
        plain_http: true,
        ..azure.clone()
    };
    Ok(Pipelines {
        azure: pipeline(&azure)?,
        machine: pipeline(&machine)?,
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
