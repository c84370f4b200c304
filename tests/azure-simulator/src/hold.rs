//! Requests that a fault holds until a test releases them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What happens to the held requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// They are carried out, unless that has happened already, and their clients get the responses.
    Answer,
    /// Their connections are cut. A request that has not been carried out never will be.
    Cut,
}

/// The held requests.
#[derive(Clone, Debug)]
pub(crate) struct Holds {
    release: watch::Sender<Option<Release>>,
    count: Arc<AtomicUsize>,
}

impl Holds {
    /// Returns the number of held requests.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until the test releases the held requests. The request counts as held until the result is
    /// dropped, so after its response.
    pub(crate) async fn wait(self) -> (Release, Counted) {
        let mut release = self.release.subscribe();
        let counted = Counted::new(self.count);
        let released = match release.wait_for(Option::is_some).await {
            Ok(released) => released.unwrap_or(Release::Cut),
            // The simulator has ended.
            Err(_) => Release::Cut,
        };
        (released, counted)
    }

    /// Releases the held requests.
    pub(crate) fn release(&self, how: Release) {
        self.release.send_replace(Some(how));
    }

    /// Makes later requests wait again.
    pub(crate) fn close(&self) {
        self.release.send_replace(None);
    }
}

impl Default for Holds {
    fn default() -> Self {
        Self {
            release: watch::Sender::new(None),
            count: Arc::default(),
        }
    }
}

/// Counts a held request, also if its client goes away.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
