//! The provider's binary.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::crypto::ring;
use terraform_plugin::process::{self, Binary};
use terraform_provider_acr::SOURCE_ADDRESS;
use terraform_provider_acr::provider::{AcrProvider, Environment};

const BINARY: Binary = Binary {
    address: SOURCE_ADDRESS,
    version: env!("CARGO_PKG_VERSION"),
    crates: &["terraform_provider_acr"],
};

fn main() -> ExitCode {
    // Two crates in this binary use rustls, so the process needs one default crypto provider. The call
    // fails only if another default is installed already.
    let _ = ring::default_provider().install_default();
    let environment: Environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let provider = Arc::new(AcrProvider::new(environment));
    process::run(BINARY, provider, env::args_os().skip(1), env::vars_os())
}
