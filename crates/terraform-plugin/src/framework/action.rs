//! Actions: what is done on demand, and leaves no trace in the state.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// How many messages wait for the host before whoever sends them does.
const MESSAGES: usize = 16;

/// An action.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// Its name in configurations.
    fn type_name(&self) -> &str;

    /// Its schema, of arguments only: an action computes nothing.
    fn schema(&self) -> &Schema;

    /// Checks a configuration without any network. Values may be unknown.
    async fn validate_config(&self, config: &Value) -> Diagnostics;

    /// Says beforehand what would keep the action from succeeding. Values may be unknown. By default
    /// that is what [`Action::validate_config`] finds, in a configuration of which more is known by now.
    async fn plan(&self, _context: &Context, config: &Value) -> Diagnostics {
        self.validate_config(config).await
    }

    /// Does it. Where the host gives up the call, `context` is cancelled, but the action runs on
    /// to its end. From then on its messages are lost, and only its outcome is shown.
    ///
    /// # Errors
    /// What has failed; warnings where nothing has.
    async fn invoke(
        &self,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics>;
}

/// Where an action says how far it is.
#[derive(Clone, Debug)]
pub struct Progress(mpsc::Sender<String>);

impl Progress {
    /// A way for messages, and its other end.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel(MESSAGES);
        (Self(sender), receiver)
    }

    /// Shows the user a message. Where nobody listens any more it is lost, which is no failure.
    pub async fn report(&self, message: impl Into<String>) {
        let _ = self.0.send(message.into()).await;
    }
}
