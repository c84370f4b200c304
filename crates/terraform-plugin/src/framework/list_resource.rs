//! List resources: list the existing objects of a managed resource, managed or not.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// Lists the objects of a [`Resource`] that has an identity.
///
/// [`Resource`]: crate::framework::Resource
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// The type name of the managed resource.
    fn type_name(&self) -> &str;

    /// The schema of the list's configuration.
    fn schema(&self) -> &Schema;

    /// Validates a configuration without network access.
    async fn validate_config(&self, context: &Context, config: &Value) -> Diagnostics;

    /// Sends each object as soon as it is found. The future is dropped as soon as the host wants no
    /// more results.
    ///
    /// # Errors
    /// The list as a whole failed. An error about one object belongs in the result of that object.
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &ListResults,
    ) -> Result<(), Diagnostics>;
}

/// What to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRequest {
    /// The configuration, wholly known.
    pub config: Value,
    /// Whether the host requests [`ListResult::resource`].
    pub include_resource: bool,
    /// The maximum number of results. The host ignores further ones.
    pub limit: u64,
}

/// An existing object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListResult {
    /// The name to show to the user.
    pub display_name: String,
    /// The identity, complete and known.
    pub identity: Value,
    /// The state as a refresh would return it, if [`ListRequest::include_resource`] is set.
    pub resource: Option<Value>,
    /// Messages about the object. An error ends the list.
    pub diagnostics: Diagnostics,
}

/// Sends list results to the host.
#[derive(Clone, Debug)]
pub struct ListResults(mpsc::Sender<ListResult>);

/// The host wants no more results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host wants no more results")]
pub struct NoMoreWanted;

impl ListResults {
    /// Creates a channel for results. It buffers one result, so the list waits for the host.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<ListResult>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Sends a result as soon as the host has received the earlier ones.
    ///
    /// # Errors
    /// The host has enough results, or has ended the call.
    pub async fn send(&self, result: ListResult) -> Result<(), NoMoreWanted> {
        self.0.send(result).await.map_err(|_| NoMoreWanted)
    }

    /// Whether the host wants no more results.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Resolves when the host wants no more results.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl From<Diagnostics> for ListResult {
    /// A result with messages and no object.
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            diagnostics,
            ..Self::default()
        }
    }
}

impl From<NoMoreWanted> for Diagnostics {
    /// A list ends without an error if the host wants no more results.
    fn from(_: NoMoreWanted) -> Self {
        Self::new()
    }
}
