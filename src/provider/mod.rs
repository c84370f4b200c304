//! The provider `acr`: its block, its resources, and the connection to Azure that they share.
//!
//! # Layout
//! - `configuration`: the provider block and authentication
//! - `connection`, `registry_locks`: the connection to Azure, and the locks for changes to a registry
//! - `workflow`: `acr_continuous_patching_workflow` and everything about it. Another resource gets another
//!   folder.
//! - `functions`: the provider's functions
//! - `report`: turns Azure errors into diagnostics
//! - `common`: code that resources, data sources and actions share

mod common;
mod configuration;
mod connection;
mod functions;
mod registry_claims;
mod registry_locks;
mod report;
mod workflow;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::http::Transport;
use crate::provider::connection::{Connection, Link};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::{
    Action, ConfigureRequest, Context, DataSource, Function, ListResource, Provider, Resource,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use configuration::Config;
pub use configuration::Environment;

/// The provider.
pub struct AcrProvider {
    schema: Schema,
    environment: Environment,
    /// The HTTP transport, or [`None`] to build one from the environment variables.
    transport: Option<Arc<dyn Transport>>,
    connection: Arc<Connection>,
}

impl AcrProvider {
    /// Creates the provider with these environment variables.
    pub fn new(environment: Environment) -> Self {
        Self {
            schema: configuration::schema(),
            environment,
            transport: None,
            connection: Arc::default(),
        }
    }

    /// Creates the provider with an HTTP transport. Tests use it to count, delay or fail requests.
    pub fn with_transport(environment: Environment, transport: Arc<dyn Transport>) -> Self {
        Self {
            transport: Some(transport),
            ..Self::new(environment)
        }
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
        workflow::resources(&self.connection)
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        workflow::data_sources(&self.connection)
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        workflow::list_resources(&self.connection)
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        workflow::actions(&self.connection)
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        functions::all()
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        configuration::validate(config)
    }

    async fn configure(&self, context: &Context, request: ConfigureRequest) -> Diagnostics {
        if configuration::is_unknown(&request.config) {
            self.connection.set(Link::Unknown);
            return Diagnostics::new();
        }
        let config = Config::read(&request.config, &self.environment, &request.host_version);
        let mut config = match config {
            Ok(config) => config,
            Err(diagnostics) => return diagnostics,
        };
        let warnings = std::mem::take(&mut config.warnings);
        let subscription = config.subscription_id.take();
        let connected = config.connect(context, &self.environment, self.transport.as_ref());
        let mut diagnostics = match connected.await {
            Ok(azure) => {
                self.connection.set(Link::Ready {
                    azure,
                    subscription,
                });
                Diagnostics::new()
            }
            Err(diagnostics) => diagnostics,
        };
        diagnostics.extend(warnings);
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::http::scripted_transport::{ScriptedTransport, failure, json};
    use crate::http::{Request, Response, TransportError, TransportErrorKind};

    async fn configured(transport: &ScriptedTransport, block: Value) -> (AcrProvider, Diagnostics) {
        let transport = Arc::new(transport.clone());
        let provider = AcrProvider::with_transport(Environment::default(), transport);
        let request = ConfigureRequest {
            config: block,
            host_version: "1.11.4".to_owned(),
        };
        let diagnostics = provider.configure(&Context::default(), request).await;
        (provider, diagnostics)
    }

    #[tokio::test]
    async fn configure_reads_the_metadata_host_and_warns_about_skipped_methods() {
        let answer = value!({
            "name": "Stack",
            "authentication": {"loginEndpoint": "https://login.example/"},
            "resourceManager": "https://manager.example/",
        });
        let transport =
            ScriptedTransport::default().on(Method::GET, "/metadata/", json(200, &answer));
        let block = Value::object([
            ("metadata_host", Value::from("manager.example")),
            ("use_oidc", true.into()),
        ]);
        let (provider, diagnostics) = configured(&transport, block).await;
        assert!(!diagnostics.is_empty() && !diagnostics.has_error());
        let azure = provider.connection.ready().unwrap();
        assert_eq!(
            azure.cloud().resource_manager.as_str(),
            "https://manager.example/"
        );
        transport.assert_done();
    }

    /// A network in which no host answers.
    struct Silence;

    #[async_trait]
    impl Transport for Silence {
        async fn send(&self, _: Request) -> Result<Response, TransportError> {
            std::future::pending().await
        }
    }

    /// A network in which no host is reachable.
    struct Unreachable;

    #[async_trait]
    impl Transport for Unreachable {
        async fn send(&self, _: Request) -> Result<Response, TransportError> {
            let refused = std::io::Error::other("connection refused");
            Err(TransportError {
                source: Some(Arc::new(refused)),
                ..failure(TransportErrorKind::Connect)
            })
        }
    }

    /// Configures the provider with a metadata host, and returns the errors.
    async fn with_metadata_host(transport: impl Transport + 'static, context: &Context) -> String {
        let provider = AcrProvider::with_transport(Environment::default(), Arc::new(transport));
        let request = ConfigureRequest {
            config: Value::object([("metadata_host", Value::from("manager.example"))]),
            host_version: "1.11.4".to_owned(),
        };
        let said = provider.configure(context, request).await;
        let lines = said
            .iter()
            .map(|it| format!("{}: {}", it.summary, it.detail));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_ends_the_wait_for_a_metadata_host() {
        const INTERRUPT: Duration = Duration::from_secs(2);
        let (context, asked) = (Context::default(), Instant::now());
        let interrupt = async {
            tokio::time::sleep(INTERRUPT).await;
            context.cancelled.cancel();
        };

        let (said, ()) = tokio::join!(with_metadata_host(Silence, &context), interrupt);

        assert_eq!(asked.elapsed(), INTERRUPT);
        insta::assert_snapshot!(said, @"Could not read the endpoints of the cloud: While reading cloud metadata from manager.example: The operation was interrupted. Check `metadata_host` (ARM_METADATA_HOSTNAME), or set all endpoints in `endpoint`.");
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_about_a_metadata_host_names_its_cause() {
        let said = with_metadata_host(Unreachable, &Context::default()).await;

        insta::assert_snapshot!(said, @"Could not read the endpoints of the cloud: While reading cloud metadata from manager.example: example.com is unreachable: connection refused. Check `metadata_host` (ARM_METADATA_HOSTNAME), or set all endpoints in `endpoint`.");
    }

    #[tokio::test]
    async fn an_invalid_certificate_is_an_error_at_its_argument() {
        let block = |certificate: &str| {
            Value::object(
                [
                    ("tenant_id", "tenant"),
                    ("client_id", "client"),
                    ("client_certificate", certificate),
                ]
                .map(|(name, text)| (name, Value::from(text))),
            )
        };
        let transport = ScriptedTransport::default();
        let mut said = Vec::new();
        for certificate in ["plan*ted", "cGxhbnRlZA=="] {
            let (provider, diagnostics) = configured(&transport, block(certificate)).await;
            assert!(provider.connection.if_ready().is_none());
            said.extend(
                diagnostics
                    .iter()
                    .map(|it| format!("{}: {}", it.path.clone().unwrap_or_default(), it.detail)),
            );
        }
        insta::assert_snapshot!(said.join("\n"), @"
        client_certificate: The client certificate can't be used: it is not valid base64: invalid byte at position 4. Use a PKCS#12 (`.pfx`) file with one private key and its certificate, such as `openssl pkcs12 -export` creates. `client_certificate` takes the file encoded in base64.
        client_certificate: The client certificate can't be used: it is not PKCS#12: unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [16] (constructed). Use a PKCS#12 (`.pfx`) file with one private key and its certificate, such as `openssl pkcs12 -export` creates. `client_certificate` takes the file encoded in base64.
        ");
    }
}
