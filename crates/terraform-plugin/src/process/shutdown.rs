//! What ends the process, or doesn't, apart from the host's own request.

use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::process::Mode;

/// How long a host that has started us may take to connect. It does so as soon as it has read the
/// one line, for which it waits no longer than this either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How often to look whether the host is still there.
#[cfg(unix)]
const PARENT_CHECK: Duration = Duration::from_secs(2);

/// Starts to watch, and resolves when the process should end: on SIGTERM, and when the host is
/// gone. Ctrl-C in a terminal reaches the host and us alike, and there it is the host that decides;
/// only a plugin that was started by hand ends on it.
///
/// # Errors
/// The system gives us no signals.
#[cfg(unix)]
pub(super) fn signals(mode: Mode) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let host = parent_id();
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::debug!("ended by SIGTERM"),
            _ = interrupt.recv(), if mode == Mode::Reattach => tracing::debug!("ended by SIGINT"),
            () = orphaned(host), if mode == Mode::Hosted => tracing::warn!("the host is gone"),
        }
    })
}

/// Starts to watch, and resolves when the process should end: on Ctrl-C, unless a host started us.
///
/// # Errors
/// The system gives us no signals.
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

/// Resolves when a host that has started us does not become `connected` in time. Where it is
/// gone before we know our parent, nothing else tells.
pub(super) async fn no_host_connects(mode: Mode, connected: CancellationToken) {
    let in_time = timeout(CONNECT_TIMEOUT, connected.cancelled()).await;
    if mode == Mode::Reattach || in_time.is_ok() {
        std::future::pending().await
    }
    tracing::warn!("no host has connected");
}

/// Resolves when `host` is no longer our parent. A host that crashes ends no plugin.
#[cfg(unix)]
async fn orphaned(host: u32) {
    let mut ticks = tokio::time::interval(PARENT_CHECK);
    while parent_id() == host {
        ticks.tick().await;
    }
}
