//! Actions: operations that run on demand and don't change the state.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// How many messages are buffered for the host. After that, the action waits.
const MESSAGES: usize = 16;

/// An action.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The type name in configurations.
    fn type_name(&self) -> &str;

    /// The schema. It must not have computed attributes.
    fn schema(&self) -> &Schema;

    /// Validates a configuration without network access. Values may be unknown.
    async fn validate_config(&self, context: &Context, config: &Value) -> Diagnostics;

    /// Reports during the plan why the action would fail. Values may be unknown. Defaults to
    /// [`Action::validate_config`], because more values are known during the plan.
    async fn plan(&self, context: &Context, config: &Value) -> Diagnostics {
        self.validate_config(context, config).await
    }

    /// Runs the action and returns its warnings.
    ///
    /// If the host gives up the call or stops the provider, `context` is cancelled. The action still
    /// runs to its end. From then on its messages are lost, and the host shows only its outcome.
    ///
    /// # Errors
    /// The action failed.
    async fn invoke(
        &self,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics>;
}

/// Sends progress messages of an action to the host.
#[derive(Clone, Debug)]
pub struct Progress(mpsc::Sender<String>);

impl Progress {
    /// Creates a channel for messages.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel(MESSAGES);
        (Self(sender), receiver)
    }

    /// Shows a message to the user. If the host no longer listens, the message is lost without an
    /// error.
    pub async fn report(&self, message: impl Into<String>) {
        let _ = self.0.send(message.into()).await;
    }
}
