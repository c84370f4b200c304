//! The RPCs of actions.

use std::sync::Arc;

use futures::stream;
use tokio::sync::mpsc::Receiver;
use tonic::codegen::BoxStream;

use crate::diagnostics::Diagnostics;
use crate::error_text::cut_off_text;
use crate::framework::{Action, Context, Progress, WriteOnly, check_config};
use crate::protocol::generated as pb;
use crate::protocol::generated::invoke_action::{Event, event};
use crate::protocol::operations::{Change, Operations};
use crate::protocol::{from_proto, protocol_diagnostics, to_proto};
use crate::value::Value;

/// Validates a configuration, first against the schema, then by the action.
pub(crate) async fn validate(
    action: &dyn Action,
    context: &Context,
    request: pb::validate_action_config::Request,
) -> Result<pb::validate_action_config::Response, Diagnostics> {
    let block = &action.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::Allowed);
    found.extend(action.validate_config(context, &config).await);
    Ok(pb::validate_action_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Plans an action: reports why it would fail.
pub(crate) async fn plan(
    action: &dyn Action,
    context: &Context,
    request: pb::plan_action::Request,
) -> Result<pb::plan_action::Response, Diagnostics> {
    let config = config(action, request.config)?;
    let found = action.plan(context, &config).await;
    Ok(pb::plan_action::Response {
        diagnostics: to_proto::diagnostics(&found),
        ..Default::default()
    })
}

/// Runs an action in its own task. The events are its messages, followed by its outcome.
///
/// If the host gives up the call, the action is cancelled but runs to its end.
///
/// After a stop, the messages of the action are dropped. Terraform then ignores messages, and crashes
/// on any event after an ignored one: in 1.14 its loop continues after its body has returned. Terraform
/// still shows the outcome.
pub(crate) fn invoke(
    action: Arc<dyn Action>,
    operations: &Operations,
    request: pb::invoke_action::Request,
) -> Result<BoxStream<Event>, Diagnostics> {
    let config = config(action.as_ref(), request.config)?;
    if !config.is_wholly_known() {
        return Err(protocol_diagnostics::unknown_config("action").into());
    }
    let (progress, messages) = Progress::channel();
    let change = async move |context: Context| action.invoke(&context, config, &progress).await;
    let running = Running {
        messages,
        change: operations.run(change),
        outcome: None,
    };
    let events = stream::unfold(Some(running), |running| async {
        let (event, running) = running?.next().await;
        Some((Ok(event), running))
    });
    Ok(Box::pin(events))
}

/// The event that ends an action.
pub(crate) fn completed(diagnostics: &Diagnostics) -> Event {
    Event {
        r#type: Some(event::Type::Completed(event::Completed {
            diagnostics: to_proto::diagnostics(diagnostics),
        })),
    }
}

fn config(action: &dyn Action, sent: Option<pb::DynamicValue>) -> Result<Value, Diagnostics> {
    from_proto::value("configuration", sent, &action.schema().block.value_type())
}

/// A running action.
struct Running {
    messages: Receiver<String>,
    change: Change<Result<Diagnostics, Diagnostics>>,
    /// The outcome of an action that has ended. Its last messages may still have to be sent.
    outcome: Option<Diagnostics>,
}

impl Running {
    /// Returns the next event, and the running action unless that event was the last.
    async fn next(mut self) -> (Event, Option<Self>) {
        loop {
            if let Some(diagnostics) = &self.outcome {
                return match self.messages.try_recv() {
                    Ok(message) if !self.change.is_cancelled() => (progress(message), Some(self)),
                    _ => (completed(diagnostics), None),
                };
            }
            let ended = tokio::select! {
                biased;
                Some(message) = self.messages.recv() => {
                    if self.change.is_cancelled() {
                        continue;
                    }
                    return (progress(message), Some(self));
                }
                ended = &mut self.change => ended,
            };
            self.outcome = Some(match ended {
                Ok(Ok(diagnostics)) => diagnostics,
                Ok(Err(diagnostics)) => diagnostics.of_failure(),
                Err(cut_off) => {
                    protocol_diagnostics::panicked("invoke", &cut_off_text(cut_off)).into()
                }
            });
        }
    }
}

fn progress(message: String) -> Event {
    Event {
        r#type: Some(event::Type::Progress(event::Progress { message })),
    }
}
