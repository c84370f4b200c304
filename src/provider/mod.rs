//! The provider `acr`: its block, its resources, and the one connection to Azure that they share.

mod arguments;
mod clients;
mod cloud;
mod config;
mod credential;
mod environment;
mod given;
mod schema;
mod sign_in;
mod source;
mod user_agent;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::{Azure, AzureOptions};
use crate::diagnostics::Diagnostics;
use crate::framework::{ConfigureRequest, Function, Provider, Resource};
use crate::function;
use crate::http::{Pipeline, Transport};
use crate::resource::connection::{Connection, Link};
use crate::resource::continuous_patching_workflow::ContinuousPatchingWorkflow;
use crate::schema::Schema;
use crate::value::Value;

use config::{Config, Correlation};
use credential::{Pipelines, credential};
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

    async fn connect(&self, config: Config) -> Result<Azure, Diagnostics> {
        let pipelines = self.pipelines(&config.user_agent)?;
        let cloud = config.cloud.settle(&pipelines.azure).await?;
        let credential = credential(config.sign_in, &cloud, &pipelines)?;
        Ok(Azure::new(AzureOptions {
            cloud,
            credential: credential.with_auxiliary_tenants(&config.auxiliary_tenants),
            pipeline: pipelines.azure,
            correlation_id: match config.correlation_id {
                Correlation::None => None,
                Correlation::New => Some(uuid::Uuid::new_v4().to_string()),
                Correlation::Given(id) => Some(id),
            },
        }))
    }

    fn pipelines(&self, user_agent: &str) -> Result<Pipelines, Diagnostics> {
        let Some(transport) = &self.transport else {
            return Ok(clients::clients(&self.environment, user_agent)?);
        };
        let azure = Pipeline::new(Arc::clone(transport));
        let machine = azure.clone();
        Ok(Pipelines { azure, machine })
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
        let config = Config::read(&request.config, &self.environment, &request.host_version);
        let (config, warnings) = match config {
            Ok(config) => (config.clone(), Diagnostics::from_iter(config.warnings)),
            Err(diagnostics) => return diagnostics,
        };
        match self.connect(config).await {
            Ok(azure) => {
                self.connection.set(Link::Ready(azure));
                warnings
            }
            Err(mut diagnostics) => {
                diagnostics.extend(warnings);
                diagnostics
            }
        }
    }
}
