//! The data source `acr_continuous_patching_workflow`: the workflow of a registry, whoever set it
//! up and whatever became of it since.
//!
//! It has what an import would have, but for what says what applying does: of that there is
//! nothing in Azure.

use std::sync::Arc;

use async_trait::async_trait;

use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::lookup::{Lookup, look_up};
use crate::provider::workflow::work::Work;
use crate::provider::workflow::{TYPE_NAME, names, notices, schema as workflow, validate};
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

    /// What the state of a workflow says here, beside the configuration.
    fn told(&self, state: Value, config: &Value) -> Value {
        let Value::Object(mut told) = state else {
            return state;
        };
        told.retain(|name, _| {
            let mut attributes = self.schema.block.attributes.iter();
            attributes.any(|attribute| attribute.name == *name)
        });
        for name in [names::REGISTRY_ID, names::TIMEOUTS] {
            told.insert(name.to_owned(), config.get(name).clone());
        }
        Value::Object(told)
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

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        let durations = validate::durations(config);
        validate::registry(config)
            .into_iter()
            .chain(durations)
            .collect()
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let work = Work::look(&self.connection, context, &config)?;
        match look_up(&work.azure, &work.budget, &work.registry).await {
            Ok(Lookup::Workflow { state, diagnostics }) => Ok(ReadDataSourceResponse {
                state: self.told(state, &config),
                diagnostics,
            }),
            Ok(Lookup::NoWorkflow) => Err(no_workflow(&work.registry.to_string()).into()),
            Ok(Lookup::NoRegistry) => {
                Err(notices::no_such_registry(&work.registry.to_string()).into())
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
            blocks: vec![workflow::timeouts("the workflow", &[names::READ])],
            description: "Reads the Continuous Patching workflow of an Azure Container Registry, \
                          whoever set it up: its schedule, its policy, its tasks and their role \
                          assignments."
                .to_owned(),
            deprecation: None,
        },
    }
}

fn no_workflow(registry: &str) -> Diagnostic {
    Diagnostic::error(
        "There is no workflow",
        format!(
            "The registry {registry} has none of the three tasks of Continuous Patching. Set a \
             workflow up with the resource `acr_continuous_patching_workflow`. Where this \
             configuration does so, name that resource in the `depends_on` of this data source, \
             which is then read after it."
        ),
    )
    .at(AttributePath::new(names::REGISTRY_ID))
}
