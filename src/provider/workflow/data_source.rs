//! The data source `acr_continuous_patching_workflow`: reads the workflow of a registry, whichever tool
//! created it.
//!
//! It has the attributes of the resource, except those that control an apply, which Azure does not store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::provider::common::registry_id;
use crate::provider::common::timeouts::Operation;
use crate::provider::common::validate::registry_and_timeouts;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::lookup::{Lookup, look_up};
use crate::provider::workflow::{TYPE_NAME, names, schema as workflow};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, DataSource, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::{Block, Schema};
use terraform_plugin::value::{AttributePath, Value};

/// The data source.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingWorkflow {
    connection: Arc<Connection>,
    schema: Schema,
}

impl ContinuousPatchingWorkflow {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema(),
        }
    }

    /// The state of the data source, from the workflow's state and the configuration.
    fn attributes(&self, state: Value, config: &Value) -> Value {
        let Value::Object(mut attributes) = state else {
            return state;
        };
        attributes.retain(|name, _| {
            let mut known = self.schema.block.attributes.iter();
            known.any(|attribute| attribute.name == *name)
        });
        for name in [names::REGISTRY_ID, names::TIMEOUTS] {
            attributes.insert(name.to_owned(), config.get(name).clone());
        }
        Value::Object(attributes)
    }
}

#[async_trait]
impl DataSource for ContinuousPatchingWorkflow {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        registry_and_timeouts(config, [])
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let registry = self.connection.registry_of(context, &config)?;
        match look_up(&registry).await {
            Ok(Lookup::Workflow { state, diagnostics }) => Ok(ReadDataSourceResponse {
                state: self.attributes(state, &config),
                diagnostics,
            }),
            Ok(Lookup::NoWorkflow) => Err(no_workflow(&registry.id().to_string()).into()),
            Ok(Lookup::NoRegistry) => {
                Err(registry_id::not_found(&registry.id().to_string()).into())
            }
            Err(error) => Err(report::failure("Could not read the workflow", &error).into()),
        }
    }
}

/// The schema, version 0.
fn schema() -> Schema {
    let mut attributes = vec![workflow::registry_id()];
    attributes.extend(workflow::facts());
    Schema {
        version: 0,
        block: Block {
            attributes,
            blocks: vec![workflow::timeouts("the workflow", &[Operation::Read])],
            description: "Reads the Continuous Patching workflow of an Azure Container Registry: \
                          its schedule, policy, tasks and role assignments. It does not matter \
                          which tool created the workflow."
                .to_owned(),
            deprecation: None,
        },
    }
}

fn no_workflow(registry: &str) -> Diagnostic {
    Diagnostic::error(
        "The registry has no workflow",
        format!(
            "The registry {registry} has none of the three tasks of Continuous Patching. Create a \
             workflow with the resource `acr_continuous_patching_workflow`. If this configuration \
             already does, add that resource to the `depends_on` of this data source."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}
