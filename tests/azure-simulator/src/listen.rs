//! The listeners of a running simulator, and the thread that serves them.

use std::io;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::proxy;
use crate::server::Service;

/// The listeners: HTTPS, the proxy, and plain HTTP.
pub(crate) struct Listeners([std::net::TcpListener; 3]);

impl Listeners {
    /// Binds the ports; 0 selects a free port.
    pub(crate) fn bind(ports: [u16; 3]) -> io::Result<Self> {
        let bind = |port| {
            let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
            listener.set_nonblocking(true).map(|()| listener)
        };
        let [https, proxy, plain] = ports;
        Ok(Self([bind(https)?, bind(proxy)?, bind(plain)?]))
    }

    /// Returns the addresses of the listeners.
    pub(crate) fn addresses(&self) -> io::Result<[SocketAddr; 3]> {
        let [https, proxy, plain] = &self.0;
        Ok([
            https.local_addr()?,
            proxy.local_addr()?,
            plain.local_addr()?,
        ])
    }
}

/// Serves the listeners in a thread until the sender of `stopped` is dropped.
pub(crate) fn serve(
    service: Service,
    listeners: Listeners,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let [https, proxy, plain] = {
        let _inside = runtime.enter();
        let [https, proxy, plain] = listeners.0;
        [
            TcpListener::from_std(https)?,
            TcpListener::from_std(proxy)?,
            TcpListener::from_std(plain)?,
        ]
    };
    thread::Builder::new()
        .name("azure-simulator".to_owned())
        .spawn(move || {
            runtime.spawn(service.clone().listen(https));
            runtime.spawn(service.clone().listen_plain(plain));
            runtime.spawn(proxy::listen(service, proxy));
            // Returns when the sender is dropped or sends.
            let _ = runtime.block_on(stopped);
            // A normal shutdown would wait for connections that hang because of a fault.
            runtime.shutdown_background();
        })
}
