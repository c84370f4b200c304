//! A byte stream from the host over any kind of socket, encrypted or not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

use crate::process::shutdown::OpenConnection;

/// A connection in the form that gRPC needs.
pub(super) struct Connection {
    stream: Box<dyn Bytes>,
    /// Counts the connection until it ends.
    _open: Option<OpenConnection>,
}

/// The byte stream of a connection.
trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

impl Connection {
    /// Wraps a stream.
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            _open: None,
        }
    }

    /// Counts the connection as one of the host.
    pub(super) fn counted(self, open: OpenConnection) -> Self {
        Self {
            _open: Some(open),
            ..self
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Bytes> {
        Pin::new(&mut *self.get_mut().stream)
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    /// NO-OP: because the plugin has one host and doesn't use its address.
    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
