//! What ends the process in addition to the host's shutdown request: signals and a missing host.

use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::process::Mode;

/// How long a host that started the plugin may take to connect. A host connects as soon as it has
/// read the handshake line. It doesn't wait longer than this for the line either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How often to check that the host still runs.
#[cfg(unix)]
const PARENT_CHECK: Duration = Duration::from_millis(100);

/// Starts to watch signals. Resolves when the process should end: on SIGTERM, or when the host has
/// exited.
///
/// Ctrl-C in a terminal reaches both the host and the plugin. A hosted plugin ignores it and leaves
/// the decision to the host. Only a plugin for reattaching ends on Ctrl-C.
///
/// # Errors
/// The signal handlers can't be installed.
#[cfg(unix)]
pub(super) fn signals(mode: Mode) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let host = parent_id();
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::debug!("received SIGTERM"),
            _ = interrupt.recv(), if mode == Mode::Reattach => tracing::debug!("received SIGINT"),
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

/// Resolves if the host that started the plugin is not `connected` in time. This also catches a host
/// that exits before [`signals`] reads the parent process ID.
pub(super) async fn no_host_connects(mode: Mode, connected: CancellationToken) {
    let in_time = timeout(CONNECT_TIMEOUT, connected.cancelled()).await;
    if mode == Mode::Reattach || in_time.is_ok() {
        std::future::pending().await
    }
    tracing::warn!("no host has connected");
}

/// Resolves when `host` is no longer the parent process. A host that crashes doesn't stop its plugins.
#[cfg(unix)]
async fn orphaned(host: u32) {
    let mut ticks = tokio::time::interval(PARENT_CHECK);
    while parent_id() == host {
        ticks.tick().await;
    }
}
