//! List resources: which objects of a managed resource there are, managed or not.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// A list of the objects of a [`Resource`] that has an identity.
///
/// [`Resource`]: crate::framework::Resource
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// The name of the managed resource.
    fn type_name(&self) -> &str;

    /// The schema of what to look for.
    fn schema(&self) -> &Schema;

    /// Checks a configuration without any network.
    async fn validate_config(&self, config: &Value) -> Diagnostics;

    /// Sends each object as soon as it is found. It is dropped as soon as the host wants no more.
    ///
    /// # Errors
    /// What went wrong with the list as a whole. What is wrong with one object belongs into its
    /// result.
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
    /// Whether [`ListResult::resource`] is wanted.
    pub include_resource: bool,
    /// How many results are wanted. Those beyond are not taken.
    pub limit: u64,
}

/// An object that there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListResult {
    /// What to call it before the user.
    pub display_name: String,
    /// Its identity, whole and known.
    pub identity: Value,
    /// Its state as a refresh would find it, where the request asks for it.
    pub resource: Option<Value>,
    /// What there is to say about it. With an error the list ends.
    pub diagnostics: Diagnostics,
}

/// Where the results go.
#[derive(Clone, Debug)]
pub struct ListResults(mpsc::Sender<ListResult>);

/// The host wants no more results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no more results are wanted")]
pub struct NoMoreWanted;

impl ListResults {
    /// A way for results, and its other end. It holds one: whoever finds them waits for the host.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<ListResult>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Sends a result, as soon as the host has taken those before.
    ///
    /// # Errors
    /// The host has all it wanted, or is gone.
    pub async fn send(&self, result: ListResult) -> Result<(), NoMoreWanted> {
        self.0.send(result).await.map_err(|_| NoMoreWanted)
    }

    /// Resolves when the host wants no more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl From<Diagnostics> for ListResult {
    /// No object, only something to say.
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            diagnostics,
            ..Self::default()
        }
    }
}

impl From<NoMoreWanted> for Diagnostics {
    /// A list that the host has had enough of ends well.
    fn from(_: NoMoreWanted) -> Self {
        Self::new()
    }
}
