//! What ends the process in addition to the host's shutdown request: signals, and a host that is missing
//! or dead.

use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::Mode;

/// How long a host that started the plugin may take to connect. A host connects as soon as it has
/// read the handshake line. It doesn't wait longer than this for the line either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a host may take to connect again after its connection has ended. A host that still runs
/// connects again at once.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often to check that the host still runs. This is faster than to wait for
/// [`HostConnections::no_host_is_connected`], and also works before the host connects.
#[cfg(unix)]
const PARENT_CHECK: Duration = Duration::from_millis(100);

/// Starts to watch signals. Resolves when the process should end: on SIGTERM, or when the host has
/// exited.
///
/// Ctrl-C in a terminal (SIGINT) and the end of the terminal (SIGHUP) reach both the host and the
/// plugin. A hosted plugin ignores both and leaves the decision to the host. Under `nohup`, a host
/// continues after a SIGHUP. Only a plugin for reattaching ends on these signals.
///
/// # Errors
/// The signal handlers can't be installed.
#[cfg(unix)]
pub(super) fn signals(mode: Mode) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let host = parent_id();
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::debug!("received SIGTERM"),
            _ = interrupt.recv(), if mode == Mode::Reattach => tracing::debug!("received SIGINT"),
            _ = hangup.recv(), if mode == Mode::Reattach => tracing::debug!("received SIGHUP"),
            () = orphaned(host), if mode == Mode::Hosted => tracing::warn!("the host has exited"),
        }
    })
}

/// Starts to watch Ctrl-C. Resolves on Ctrl-C, unless a host started the plugin.
///
/// # Errors
/// The signal handler can't be installed.
#[cfg(windows)]
pub(super) fn signals(mode: Mode) -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        while interrupt.recv().await.is_some() {
            if mode == Mode::Reattach {
                return;
            }
        }
        std::future::pending().await
    })
}

/// Counts the open connections of the host. Clones share the count.
#[derive(Clone, Debug)]
pub(super) struct HostConnections(watch::Sender<usize>);

/// An open connection of the host. Dropped when the connection ends.
#[derive(Debug)]
pub(super) struct OpenConnection(watch::Sender<usize>);

impl HostConnections {
    /// No connection yet.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Counts a connection until its guard is dropped.
    pub(super) fn open(&self) -> OpenConnection {
        self.0.send_modify(|open| *open += 1);
        OpenConnection(self.0.clone())
    }

    /// Resolves if the host that started the plugin doesn't connect in time, or ends its last
    /// connection.
    ///
    /// A host keeps its connection until it shuts the plugin down. The operating system ends the
    /// connection of a host that dies. So this detects a dead host on every operating system.
    pub(super) async fn no_host_is_connected(self, mode: Mode) {
        if mode == Mode::Reattach {
            std::future::pending().await
        }
        let mut open = self.0.subscribe();
        let mut patience = CONNECT_TIMEOUT;
        loop {
            let in_time = timeout(patience, open.wait_for(|open| *open > 0))
                .await
                .is_ok();
            if !in_time {
                tracing::warn!("no host is connected");
                return;
            }
            // The sender is `self`, so the channel never closes.
            let _ = open.wait_for(|open| *open == 0).await;
            patience = RECONNECT_TIMEOUT;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Resolves when `host` is no longer the parent process. A host that crashes doesn't stop its plugins.
#[cfg(unix)]
async fn orphaned(host: u32) {
    let mut ticks = tokio::time::interval(PARENT_CHECK);
    while parent_id() == host {
        ticks.tick().await;
    }
}
