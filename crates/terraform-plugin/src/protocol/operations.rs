//! Tracks the running operations, cancels them and waits for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};

use futures::FutureExt as _;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::framework::Context;

/// The running operations of one service. Clones share the same operations.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    /// Cancelled when the process ends. Parent of every other token.
    ended: CancellationToken,
    /// The token of the operations since the last stop.
    current: Arc<Mutex<CancellationToken>>,
    changes: TaskTracker,
}

/// A running change, as its call sees it. Resolves to the result.
#[derive(Debug)]
pub(crate) struct Change<T> {
    ended: JoinHandle<T>,
    cancelled: CancellationToken,
    /// Cancels the change when the host gives up the call.
    _until_dropped: DropGuard,
}

impl<T> Change<T> {
    /// Whether the change was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}

impl<T> Future for Change<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.ended.poll_unpin(task)
    }
}

impl Default for Operations {
    fn default() -> Self {
        let ended = CancellationToken::new();
        Self {
            current: Arc::new(Mutex::new(ended.child_token())),
            ended,
            changes: TaskTracker::new(),
        }
    }
}

impl Operations {
    /// Cancels every running operation. A host may continue to call a stopped provider, so later
    /// operations get a new token. After [`Operations::stop_for_good`] they stay cancelled.
    pub(crate) fn stop(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, self.ended.child_token()).cancel();
    }

    /// Cancels every running operation and all later ones, because the process ends.
    pub(crate) fn stop_for_good(&self) {
        self.ended.cancel();
    }

    /// Resolves when no change is running. That includes changes whose call the host gave up.
    pub(crate) async fn changes_ended(&self) {
        self.changes.close();
        self.changes.wait().await;
    }

    /// The context for an operation that starts now.
    pub(crate) fn context(&self) -> Context {
        Context {
            cancelled: self.token(),
        }
    }

    /// Runs a change in its own task, so that it can end in order if the host gives up the call.
    ///
    /// The call owns the result. When the call is dropped, the change is cancelled at once: no host will store
    /// what it does from then on. A call is also dropped when the host's connection ends.
    pub(crate) fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        change: impl FnOnce(Context) -> F,
    ) -> Change<T> {
        let cancelled = self.token().child_token();
        let context = Context {
            cancelled: cancelled.clone(),
        };
        Change {
            ended: self.changes.spawn(change(context).in_current_span()),
            cancelled: cancelled.clone(),
            _until_dropped: cancelled.drop_guard(),
        }
    }

    fn token(&self) -> CancellationToken {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_stop_cancels_running_operations_but_no_later_ones() {
        let operations = Operations::default();
        let before = operations.token();
        operations.stop();
        let after = operations.token();
        assert!(before.is_cancelled());
        assert!(!after.is_cancelled());
    }

    #[test]
    fn a_stop_for_good_also_cancels_later_operations() {
        let operations = Operations::default();
        let before = operations.token();
        operations.stop_for_good();
        assert!(before.is_cancelled());
        assert!(operations.token().is_cancelled());
    }

    #[test]
    fn a_stop_after_a_stop_for_good_does_not_admit_operations_again() {
        let operations = Operations::default();
        operations.stop_for_good();
        operations.stop();
        assert!(operations.token().is_cancelled());
    }

    #[tokio::test]
    async fn a_change_without_a_waiting_call_is_cancelled_and_still_counts_as_running() {
        let operations = Operations::default();
        let (go, started) = oneshot::channel::<()>();
        let (told, cancelled) = oneshot::channel();
        drop(operations.run(async |context| {
            context.cancelled.cancelled().await;
            told.send(()).unwrap();
            started.await
        }));

        cancelled.await.unwrap();
        assert_eq!(operations.changes_ended().now_or_never(), None);
        go.send(()).unwrap();
        operations.changes_ended().await;
    }

    #[tokio::test]
    async fn a_change_whose_call_is_dropped_cancels_no_other() {
        let operations = Operations::default();
        let cancelled = async |context: Context| context.cancelled.cancelled().await;
        let other = operations.run(cancelled);
        drop(operations.run(cancelled));
        tokio::task::yield_now().await;

        assert!(!other.is_cancelled());
        operations.stop();
        other.await.unwrap();
    }
}
