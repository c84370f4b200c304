//! Tracks the running operations, cancels them and waits for them.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
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

    /// Runs a change in its own task, so that it continues if the host gives up the call.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.changes.spawn(change.in_current_span())
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
    use futures::FutureExt as _;
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
    async fn a_change_without_a_waiting_call_still_counts_as_running() {
        let operations = Operations::default();
        let (go, started) = oneshot::channel::<()>();
        drop(operations.run(started));

        assert_eq!(operations.changes_ended().now_or_never(), None);
        go.send(()).unwrap();
        operations.changes_ended().await;
    }
}
