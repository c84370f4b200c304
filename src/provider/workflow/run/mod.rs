//! The action `acr_continuous_patching_run`: queues a run of the trigger task, which selects the images and
//! queues a scan for each. With `wait`, the action reports the progress of the run until it ends.
//!
//! # Layout
//! - the action (this file), `queue`: queues exactly one run
//! - `watch`: waits for the run
//! - `log_tail`, `log_line`: selects the log lines to show
//! - `wording`, `outcome`: progress messages and diagnostics

#[cfg(test)]
pub(super) mod fixture;
mod log_line;
mod log_tail;
mod outcome;
mod queue;
mod watch;
pub(super) mod wording;

use std::sync::Arc;

use async_trait::async_trait;

use crate::provider::connection::Connection;
use crate::provider::workflow::action_arguments::{self, Arguments};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::{Action, Context, Progress};
use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
use terraform_plugin::value::{Type, Value};

const WAIT: &str = "wait";

/// The action.
#[derive(Debug)]
pub(crate) struct RunWorkflow {
    connection: Arc<Connection>,
    schema: Schema,
}

impl RunWorkflow {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema(),
        }
    }
}

#[async_trait]
impl Action for RunWorkflow {
    fn type_name(&self) -> &'static str {
        "acr_continuous_patching_run"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    // A plan does not read the registry. The same apply may create the workflow before it triggers the
    // action.
    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        action_arguments::validate(config)
    }

    async fn invoke(
        &self,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics> {
        let arguments = Arguments::read(&self.connection, context, &config)?;
        let registry = &arguments.registry;
        let run = queue::queue(registry).await?;
        progress.report(wording::queued(registry.id(), &run)).await;
        if config.get(WAIT).as_bool() == Some(true) {
            return watch::until_ended(&arguments, run, progress).await;
        }
        let how = wording::how_to_see_log(registry.id(), &run);
        progress.report(how).await;
        let interrupted = context.cancelled.is_cancelled();
        let told = interrupted.then(|| outcome::queued_despite_interrupt(registry.id(), &run));
        Ok(told.into_iter().collect())
    }
}

fn schema() -> Schema {
    let [registry_id, timeout] =
        action_arguments::attributes("The maximum time to queue the run and to wait for it");
    let wait = Attribute::new(
        WAIT,
        Type::Bool,
        Configurability::Optional,
        "Whether the action waits until the run ends, and shows its log meanwhile. The action then \
         fails if the run fails. It does not wait for the scans and patches that the run queues. \
         Defaults to `false`.",
    );
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                registry_id,
                timeout.with_note("The run continues in Azure after the timeout."),
                wait,
            ],
            description: "Runs a Continuous Patching workflow now, independent of its schedule. \
                          The action queues a run of the trigger task, which selects the images \
                          and queues a scan for each image."
                .to_owned(),
            ..Block::default()
        },
    }
}
