//! Reads the events of an action as strictly as Terraform does.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::invoke_action::Event;
use terraform_plugin::protocol::generated::invoke_action::event::Type as Kind;
use tonic::Streaming;

/// The events of an action.
#[derive(Debug, Default)]
pub struct ActionEvents {
    /// The progress messages.
    pub messages: Vec<String>,
    /// The diagnostics of the completion.
    pub outcome: Vec<pb::Diagnostic>,
}

/// Reads all events. Exactly one completion must come last.
pub async fn collect_events(mut events: Streaming<Event>) -> ActionEvents {
    let mut all = ActionEvents::default();
    let mut has_ended = false;
    while let Some(event) = events.message().await.unwrap() {
        assert!(!has_ended, "an event after the completion");
        match event
            .r#type
            .expect("an event without a type crashes Terraform")
        {
            Kind::Progress(progress) => all.messages.push(progress.message),
            Kind::Completed(completed) => {
                all.outcome = completed.diagnostics;
                has_ended = true;
            }
        }
    }
    assert!(has_ended, "no completion after {all:?}");
    all
}

/// Reads the next event, which must be a progress message.
pub async fn message(events: &mut Streaming<Event>) -> String {
    let event = events.message().await.unwrap();
    match event.expect("a message").r#type {
        Some(Kind::Progress(progress)) => progress.message,
        other => panic!("expected a message, got {other:?}"),
    }
}
