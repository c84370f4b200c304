//! The provider `acr`: its block, its resources, and the one connection to Azure that they share.

mod config;
mod environment;
mod schema;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::{Azure, AzureOptions, Credential};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::{ConfigureRequest, Function, Provider, Resource};
use crate::function;
use crate::http::Transport;
use crate::http::client::{Client, ClientOptions};
use crate::resource::connection::{Connection, Link};
use crate::resource::continuous_patching_workflow::ContinuousPatchingWorkflow;
use crate::schema::Schema;
use crate::value::Value;

use config::{Config, SignIn};
pub use environment::Environment;

/// The provider.
pub struct AcrProvider {
    schema: Schema,
    environment: Environment,
    /// What requests are sent by; [`None`] for a client that the environment describes.
    transport: Option<Arc<dyn Transport>>,
    connection: Arc<Connection>,
}

impl AcrProvider {
    /// The provider, in a process with this environment.
    pub fn new(environment: Environment) -> Self {
        Self {
            schema: schema::schema(),
            environment,
            transport: None,
            connection: Arc::default(),
        }
    }

    /// The same, sending its requests by `transport`: the one seam at which a test can count them,
    /// hold them or have them fail.
    pub fn with_transport(environment: Environment, transport: Arc<dyn Transport>) -> Self {
        Self {
            transport: Some(transport),
            ..Self::new(environment)
        }
    }

    fn connect(&self, request: &ConfigureRequest) -> Result<Azure, Diagnostics> {
        let config = Config::read(&request.config, &self.environment)?;
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::new(self.client(&request.host_version)?),
        };
        let credential = match config.sign_in {
            SignIn::ClientSecret {
                tenant_id,
                client_id,
                secret,
            } => Credential::client_secret(
                &config.cloud,
                &tenant_id,
                &client_id,
                &secret,
                Arc::clone(&transport),
            ),
            SignIn::AzureCli {
                tenant_id,
                subscription_id,
            } => Credential::azure_cli(tenant_id.as_deref(), subscription_id.as_deref()),
        };
        let credential = credential.map_err(|error| {
            Diagnostic::error(
                "Could not prepare signing in to Azure",
                format!("{error}. Check the provider block and the ARM_* environment variables."),
            )
        })?;
        Ok(Azure::new(AzureOptions {
            cloud: config.cloud,
            credential,
            transport,
            correlation_id: config
                .correlation_id
                .then(|| uuid::Uuid::new_v4().to_string()),
        }))
    }

    fn client(&self, host_version: &str) -> Result<Client, Diagnostic> {
        let variable = |names| self.environment.first(names).map(str::to_owned);
        let extra_ca_pem = variable(&["SSL_CERT_FILE"])
            .map(|file| {
                std::fs::read(&file).map_err(|error| {
                    Diagnostic::error(
                        "Could not read SSL_CERT_FILE",
                        format!(
                            "Reading {file}: {error}. Set SSL_CERT_FILE to a PEM file with the \
                             certificates of your authority, or unset it."
                        ),
                    )
                })
            })
            .transpose()?;
        let version = env!("CARGO_PKG_VERSION");
        Client::new(&ClientOptions {
            user_agent: format!(
                "HashiCorp Terraform/{host_version} (+https://www.terraform.io) \
                 terraform-provider-acr/{version}"
            ),
            https_proxy: variable(&["HTTPS_PROXY", "https_proxy"]),
            no_proxy: variable(&["NO_PROXY", "no_proxy"]),
            extra_ca_pem,
        })
        .map_err(|error| {
            Diagnostic::error(
                "Could not set up HTTPS",
                format!("{error}. Check HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE."),
            )
        })
    }
}

impl fmt::Debug for AcrProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcrProvider")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for AcrProvider {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(ContinuousPatchingWorkflow::new(Arc::clone(
            &self.connection,
        )))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        function::all()
    }

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        config::validate(config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        if config::is_unknown(&request.config) {
            self.connection.set(Link::Unknown);
            return Diagnostics::new();
        }
        match self.connect(&request) {
            Ok(azure) => {
                self.connection.set(Link::Ready(azure));
                Diagnostics::new()
            }
            Err(diagnostics) => diagnostics,
        }
    }
}
