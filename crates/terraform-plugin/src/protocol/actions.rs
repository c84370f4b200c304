//! The calls about actions.

use std::sync::Arc;

use futures::stream;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::codegen::BoxStream;

use crate::diagnostics::Diagnostics;
use crate::error_text::cut_off_text;
use crate::framework::{Action, Context, Progress, WriteOnly, check_config};
use crate::protocol::generated as pb;
use crate::protocol::generated::invoke_action::{Event, event};
use crate::protocol::{Operations, from_proto, protocol_diagnostics, to_proto};
use crate::value::Value;

/// Checks a configuration: by its schema, then by the action.
pub(crate) async fn validate(
    action: &dyn Action,
    request: pb::validate_action_config::Request,
) -> Result<pb::validate_action_config::Response, Diagnostics> {
    let block = &action.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::Allowed);
    found.extend(action.validate_config(&config).await);
    Ok(pb::validate_action_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Says what would keep an action from succeeding.
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

/// Does what an action does, in a task of its own: a host that gives up the call cancels it, but
/// doesn't cut it short. The events are its messages, and last of all its outcome.
///
/// What it still says after a stop is lost. Terraform takes no message any more once it stops, and
/// crashes on any event after one that it hasn't taken (1.14: its loop goes on after its body has
/// returned). The outcome alone it shows.
pub(crate) fn invoke(
    action: Arc<dyn Action>,
    operations: &Operations,
    request: pb::invoke_action::Request,
) -> Result<BoxStream<Event>, Diagnostics> {
    let config = config(action.as_ref(), request.config)?;
    if !config.is_wholly_known() {
        return Err(protocol_diagnostics::unknown_config("action").into());
    }
    let cancelled = operations.context().cancelled.child_token();
    let context = Context {
        cancelled: cancelled.clone(),
    };
    let (progress, messages) = Progress::channel();
    let outcome = operations.run(async move { action.invoke(&context, config, &progress).await });
    let running = Running {
        messages,
        outcome: Outcome::Awaited(outcome),
        cancelled: cancelled.clone(),
        _until_dropped: cancelled.drop_guard(),
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

/// An action that goes on.
struct Running {
    messages: Receiver<String>,
    outcome: Outcome,
    cancelled: CancellationToken,
    /// Cancels the action when the host gives up the call.
    _until_dropped: DropGuard,
}

enum Outcome {
    Awaited(JoinHandle<Result<Diagnostics, Diagnostics>>),
    /// It has ended; what it said last may still have to be passed on.
    Known(Diagnostics),
}

impl Running {
    /// The next event, and the rest of the action until it has ended.
    async fn next(mut self) -> (Event, Option<Self>) {
        loop {
            let ended = match &mut self.outcome {
                Outcome::Known(diagnostics) => {
                    return match self.messages.try_recv() {
                        Ok(message) if !self.cancelled.is_cancelled() => {
                            (progress(message), Some(self))
                        }
                        _ => (completed(diagnostics), None),
                    };
                }
                Outcome::Awaited(outcome) => tokio::select! {
                    biased;
                    Some(message) = self.messages.recv() => {
                        if self.cancelled.is_cancelled() {
                            continue;
                        }
                        return (progress(message), Some(self));
                    }
                    ended = outcome => ended,
                },
            };
            self.outcome = Outcome::Known(match ended {
                Ok(Ok(diagnostics) | Err(diagnostics)) => diagnostics,
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
