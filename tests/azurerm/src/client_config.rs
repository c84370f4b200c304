//! The data source `azurerm_client_config`.

use async_trait::async_trait;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::framework::{Context, DataSource, ReadDataSourceResult};
use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
use terraform_plugin::value::{Type, Value};

use crate::arm::{Connection, Error};

const ATTRIBUTES: [&str; 4] = ["subscription_id", "tenant_id", "client_id", "object_id"];

/// The data source.
#[derive(Debug)]
pub(crate) struct ClientConfig {
    schema: Schema,
    connection: Connection,
}

impl ClientConfig {
    pub(crate) fn new(connection: Connection) -> Self {
        let attribute = |name| Attribute::new(name, Type::String, Configurability::Computed, "");
        let block = Block {
            attributes: ATTRIBUTES.map(attribute).into(),
            ..Block::default()
        };
        let schema = Schema { version: 0, block };
        Self { schema, connection }
    }

    async fn find(&self) -> Result<Value, Error> {
        let arm = self.connection.arm()?;
        let account = &arm.account;
        let ids = [
            &account.subscription_id,
            &account.tenant_id,
            &account.client_id,
        ];
        let ids = ids.into_iter().cloned().map(Some);
        let values = ids.chain([arm.object_id().await?]).map(Value::from);
        Ok(Value::object(ATTRIBUTES.into_iter().zip(values)))
    }
}

#[async_trait]
impl DataSource for ClientConfig {
    fn type_name(&self) -> &'static str {
        "azurerm_client_config"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn read(&self, _: &Context, _: Value) -> ReadDataSourceResult {
        let failure = |error: Error| Diagnostic::error("Could not read", error.to_string());
        Ok(self.find().await.map_err(failure)?.into())
    }
}
