//! A stand-in for HashiCorp's provider `azurerm` in tests. It has only the resources and arguments that the examples
//! of this repository use, and trusts only the certificates in `SSL_CERT_FILE`.

mod arm;
mod client_config;
mod kinds;
mod managed;

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{ConfigureRequest, Context, DataSource, Provider, Resource};
use terraform_plugin::process::{self, Binary};
use terraform_plugin::schema::{Attribute, Block, Configurability, NestedBlock, Nesting, Schema};
use terraform_plugin::value::Type;

use crate::arm::{Account, Connection};
use crate::client_config::ClientConfig;
use crate::managed::Managed;

const BINARY: Binary = Binary {
    address: "registry.terraform.io/hashicorp/azurerm",
    crates: &["terraform_provider_azurerm"],
    version: env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    // Only a second call in the same process can fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Arc::new(AzureRm::default());
    process::run(
        BINARY,
        provider,
        std::env::args_os().skip(1),
        std::env::vars_os(),
    )
}

/// The provider.
#[derive(Debug)]
struct AzureRm {
    schema: Schema,
    connection: Connection,
}

impl Default for AzureRm {
    fn default() -> Self {
        let argument = |(name, variable): (&str, &str)| {
            let description = format!("Defaults to the environment variable `{variable}`.");
            Attribute::new(name, Type::String, Configurability::Optional, description).sensitive()
        };
        let features = NestedBlock {
            name: "features".to_owned(),
            nesting: Nesting::List,
            block: Block::default(),
            min_items: 1,
            max_items: 1,
        };
        let block = Block {
            attributes: Account::ARGUMENTS.map(argument).into(),
            blocks: vec![features],
            ..Block::default()
        };
        Self {
            schema: Schema { version: 0, block },
            connection: Connection::default(),
        }
    }
}

#[async_trait]
impl Provider for AzureRm {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        let managed = |kind| Managed::new(kind, self.connection.clone());
        vec![
            Arc::new(managed(kinds::CONTAINER_REGISTRY)),
            Arc::new(managed(kinds::RESOURCE_GROUP)),
            Arc::new(managed(kinds::ROLE_ASSIGNMENT)),
        ]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(ClientConfig::new(self.connection.clone()))]
    }

    async fn configure(&self, _: &Context, request: ConfigureRequest) -> Diagnostics {
        let account = Account::read(&request.config);
        match account.and_then(|account| self.connection.open(account)) {
            Ok(()) => Diagnostics::new(),
            Err(error) => {
                Diagnostic::error("Could not configure the provider", error.to_string()).into()
            }
        }
    }
}
