//! Turns accepted sockets into connections that are ready for gRPC.
//!
//! Failures are logged, because the host doesn't show their cause to the user.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use futures::stream::{Stream, StreamExt as _};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::process::connection::Connection;
use crate::process::shutdown::HostConnections;

/// How long to wait before the next try after the operating system refused a connection. A shortage,
/// for example of file descriptors, lasts for a while.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// How long a peer may take for the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of concurrent TLS handshakes. A host opens only one connection.
const MAX_TLS_HANDSHAKES: usize = 16;

/// The connections that are ready for gRPC, encrypted if `tls` is set. `host` counts them.
pub(super) fn connections(
    incoming: impl Stream<Item = io::Result<Connection>>,
    tls: Option<TlsAcceptor>,
    host: HostConnections,
) -> impl Stream<Item = Result<Connection, Infallible>> {
    incoming
        .filter_map(accepted)
        .map(move |stream| secure(stream, tls.clone()))
        .buffer_unordered(MAX_TLS_HANDSHAKES)
        .filter_map(std::future::ready)
        .map(move |connection| Ok(connection.counted(host.open())))
}

async fn accepted(stream: io::Result<Connection>) -> Option<Connection> {
    match stream {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::error!(%error, "a connection could not be accepted");
            sleep(RETRY_DELAY).await;
            None
        }
    }
}

async fn secure(stream: Connection, tls: Option<TlsAcceptor>) -> Option<Connection> {
    let Some(tls) = tls else { return Some(stream) };
    let encrypted = match timeout(TLS_TIMEOUT, tls.accept(stream)).await {
        Ok(encrypted) => encrypted,
        Err(too_late) => Err(too_late.into()),
    };
    encrypted
        .map(Connection::new)
        .inspect_err(|error| tracing::error!(%error, "a connection could not be encrypted"))
        .ok()
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_connection_is_retried_after_a_delay() {
        let refused = stream::repeat_with(|| Err(io::Error::other("too many open files")));
        let welcome = stream::iter([Ok(Connection::new(tokio::io::empty()))]);
        let incoming = refused.take(20).chain(welcome);

        let asked = Instant::now();
        let ready: Vec<_> = connections(incoming, None, HostConnections::new())
            .collect()
            .await;

        assert_eq!(ready.len(), 1);
        assert_eq!(asked.elapsed(), 20 * RETRY_DELAY);
    }
}
