//! The provider `acr`: its block, its resources, and the one connection to Azure that they share.
//!
//! # Layout
//! - `configuration`: the provider block, and signing in
//! - `connection`, `registry_locks`: Azure, once it is configured, and one change of a registry at a time
//! - `workflow`: `acr_continuous_patching_workflow` and everything about it; another resource is another folder
//! - `functions`: the provider's functions
//! - `report`: Azure's failures in words for users
//! - `common`: what resources, data sources and actions share

mod common;
mod configuration;
mod connection;
mod functions;
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
    Action, ConfigureRequest, DataSource, Function, ListResource, Provider, Resource,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use configuration::Config;
pub use configuration::Environment;

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
            schema: configuration::schema(),
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

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        configuration::validate(config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
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
        let connected = config.connect(&self.environment, self.transport.as_ref());
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

    use super::*;
    use crate::http::scripted_transport::{ScriptedTransport, json};

    async fn configured(transport: &ScriptedTransport, block: Value) -> (AcrProvider, Diagnostics) {
        let transport = Arc::new(transport.clone());
        let provider = AcrProvider::with_transport(Environment::default(), transport);
        let request = ConfigureRequest {
            config: block,
            host_version: "1.11.4".to_owned(),
        };
        let diagnostics = provider.configure(request).await;
        (provider, diagnostics)
    }

    #[tokio::test]
    async fn a_metadata_host_is_asked_at_once_and_what_is_passed_over_is_said() {
        let told = value!({
            "name": "Stack",
            "authentication": {"loginEndpoint": "https://login.example/"},
            "resourceManager": "https://manager.example/",
        });
        let transport =
            ScriptedTransport::default().on(Method::GET, "/metadata/", json(200, &told));
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

    #[tokio::test]
    async fn a_certificate_that_can_not_be_used_is_said_at_its_argument() {
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
        client_certificate: The client certificate can't be used: it is not base64: at position 4. It has to be a PKCS#12 (`.pfx`) file with one private key and its certificate, as `openssl pkcs12 -export` writes it; `client_certificate` takes that in base64.
        client_certificate: The client certificate can't be used: it is no PKCS#12: unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [16] (constructed). It has to be a PKCS#12 (`.pfx`) file with one private key and its certificate, as `openssl pkcs12 -export` writes it; `client_certificate` takes that in base64.
        ");
    }
}
