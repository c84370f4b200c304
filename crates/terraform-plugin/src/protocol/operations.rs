//! What runs now: how it is cancelled, and how it is waited for.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::framework::Context;

/// The operations of one service. Clones are a handle on the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations {
    current: Arc<Mutex<CancellationToken>>,
    changes: TaskTracker,
}

impl Operations {
    /// Cancels every operation that has started. A host that has stopped a provider may go on
    /// calling it: what starts afterwards gets a token of its own.
    pub(crate) fn stop(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current).cancel();
    }

    /// Cancels every operation that has started, and those still to come: the process ends.
    pub(crate) fn stop_for_good(&self) {
        self.token().cancel();
    }

    /// Resolves when no change runs any more, of which the host may long have given up the call.
    pub(crate) async fn changes_ended(&self) {
        self.changes.close();
        self.changes.wait().await;
    }

    /// What an operation that starts now is given.
    pub(crate) fn context(&self) -> Context {
        Context {
            cancelled: self.token(),
        }
    }

    /// Runs a change in a task of its own: a call that the host gives up must not cut it short in
    /// the middle.
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
    fn a_stop_cancels_what_has_started_and_nothing_later() {
        let operations = Operations::default();
        let before = operations.token();
        operations.stop();
        let after = operations.token();
        assert!(before.is_cancelled());
        assert!(!after.is_cancelled());
    }

    #[test]
    fn a_stop_for_good_cancels_what_starts_later_too() {
        let operations = Operations::default();
        let before = operations.token();
        operations.stop_for_good();
        assert!(before.is_cancelled());
        assert!(operations.token().is_cancelled());
    }

    #[tokio::test]
    async fn a_change_that_nobody_waits_for_is_still_one_that_runs() {
        let operations = Operations::default();
        let (go, started) = oneshot::channel::<()>();
        drop(operations.run(started));

        assert_eq!(operations.changes_ended().now_or_never(), None);
        go.send(()).unwrap();
        operations.changes_ended().await;
    }
}
