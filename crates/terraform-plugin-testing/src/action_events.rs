//! The events of an action, read as strictly as Terraform does.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::invoke_action::Event;
use terraform_plugin::protocol::generated::invoke_action::event::Type as Kind;
use tonic::Streaming;

/// What an action has said.
#[derive(Debug, Default)]
pub struct ActionEvents {
    /// While it went on.
    pub messages: Vec<String>,
    /// At its end.
    pub outcome: Vec<pb::Diagnostic>,
}

/// Everything up to the end, which has to come once and last.
pub async fn collect_events(mut events: Streaming<Event>) -> ActionEvents {
    let mut all = ActionEvents::default();
    let mut has_ended = false;
    while let Some(event) = events.message().await.unwrap() {
        assert!(!has_ended, "an event after the completion");
        match event.r#type.expect("an event of no kind crashes Terraform") {
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

/// The next event, which has to be a message.
pub async fn message(events: &mut Streaming<Event>) -> String {
    let event = events.message().await.unwrap();
    match event.expect("a message").r#type {
        Some(Kind::Progress(progress)) => progress.message,
        other => panic!("no message but {other:?}"),
    }
}
