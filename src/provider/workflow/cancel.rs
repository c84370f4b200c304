//! The action `acr_continuous_patching_cancel_runs`: cancels every active run of the workflow's tasks, and
//! the runs that these queue meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::Error;
use crate::azure::id::RegistryId;
use crate::azure::run::Run;
use crate::provider::common::registry_id;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::action_arguments::{self, Arguments};
use crate::provider::workflow::left_active;
use crate::workflow::cancel_runs::{CancelRuns as Rounds, Round};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{Action, Context, Progress};
use terraform_plugin::schema::{Block, Schema};
use terraform_plugin::value::Value;

/// The action.
#[derive(Debug)]
pub(crate) struct CancelRuns {
    connection: Arc<Connection>,
    schema: Schema,
}

impl CancelRuns {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema(),
        }
    }
}

#[async_trait]
impl Action for CancelRuns {
    fn type_name(&self) -> &'static str {
        "acr_continuous_patching_cancel_runs"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

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
        let registry = arguments.registry.id();
        let mut cancelling = Rounds::new(&arguments.registry);
        let mut cancelled = BTreeSet::new();
        loop {
            let round = cancelling.next_round().await;
            match round.map_err(|error| not_cancelled(&error, registry))? {
                Round::NoneActive => break,
                Round::LeftActive(left) => return Err(still_active(registry, &left).into()),
                Round::Tried {
                    cancelled: runs,
                    failure,
                } => {
                    for run in runs {
                        // A run that ends slowly is cancelled again, but reported once.
                        let message = cancelled_line(&run);
                        if cancelled.insert(run.run_id) {
                            progress.report(message).await;
                        }
                    }
                    if let Some(failure) = failure {
                        return Err(not_cancelled(&failure, registry).into());
                    }
                }
            }
        }
        progress
            .report(outcome(&registry.registry, cancelled.len()))
            .await;
        Ok(Diagnostics::new())
    }
}

fn schema() -> Schema {
    let [registry_id, timeout] =
        action_arguments::attributes("The maximum time to wait until all runs have ended");
    Schema {
        version: 0,
        block: Block {
            attributes: vec![registry_id, timeout],
            description: "Cancels all queued and running runs of a Continuous Patching workflow: \
                          the trigger task, the scans and the patches. The workflow remains, and \
                          runs again on its schedule."
                .to_owned(),
            ..Block::default()
        },
    }
}

fn cancelled_line(run: &Run) -> String {
    format!("Cancelled run {}.", left_active::named(run))
}

fn outcome(registry: &str, cancelled: usize) -> String {
    match cancelled {
        0 => format!("{registry} has no active run to cancel."),
        1 => format!("Cancelled 1 run on {registry}. No run is active."),
        _ => format!("Cancelled {cancelled} runs on {registry}. No run is active."),
    }
}

const SUMMARY: &str = "Could not cancel all runs";

/// The error if runs ignore their cancellation.
fn still_active(registry: &RegistryId, left: &[Run]) -> Diagnostic {
    let happened = left_active::sentences(registry, left);
    Diagnostic::error(
        SUMMARY,
        format!("{happened}\n\nTo cancel them again, invoke the action again."),
    )
}

fn not_cancelled(error: &Error, registry: &RegistryId) -> Diagnostic {
    if error.is_gone() {
        return registry_id::not_found(&registry.to_string());
    }
    let Error::Stopped { .. } = error else {
        return report::failure(SUMMARY, error);
    };
    let happened = report::happened(error);
    let next = "Runs may still be active. Invoke the action again to cancel them. To allow more time, \
                set `timeout`.";
    Diagnostic::error(SUMMARY, format!("{happened}\n\n{next}"))
}
