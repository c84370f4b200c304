//! The socket to which a host connects.
//!
//! If the temporary directory can't hold a Unix socket, the plugin tries other directories. At last, it
//! listens on TCP, which every host accepts.

#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::Path;

use futures::stream::{BoxStream, StreamExt as _};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;

use crate::process::address::{Address, Network};
use crate::process::connection::Connection;
use crate::process::handshake::{HostEnvironment, SocketDirectory};
use crate::process::tls::Tls;

/// A socket that accepts connections.
pub(super) struct Listener {
    /// The address of the socket.
    pub(super) address: Address,
    /// The accepted connections.
    pub(super) incoming: BoxStream<'static, io::Result<Connection>>,
    /// The directory of a socket file. Dropping the listener removes it.
    #[expect(dead_code, reason = "its drop removes the directory")]
    pub(super) directory: Option<TempDir>,
}

/// No socket could be opened.
#[derive(Debug, thiserror::Error)]
#[error("could not open a socket {}", list(.attempts))]
pub struct SocketError {
    /// The places that the plugin tried, in order.
    pub attempts: Vec<SocketAttempt>,
}

/// A place where the socket could not be opened.
#[derive(Debug)]
pub struct SocketAttempt {
    /// The place: `in` a directory, or `on` an address.
    pub place: String,
    /// Why it could not be opened.
    pub cause: io::Error,
}

impl fmt::Display for SocketAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

fn list(attempts: &[SocketAttempt]) -> String {
    let attempts: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    attempts.join("; ")
}

impl Listener {
    /// Opens the socket that the host's environment requests.
    ///
    /// Every user of the machine can connect to a TCP port. So TCP replaces a Unix socket only with `tls`.
    ///
    /// # Errors
    /// The socket could not be opened.
    pub(super) async fn bind(
        environment: &HostEnvironment,
        tls: Option<&Tls>,
    ) -> Result<Self, SocketError> {
        let mut attempts = Vec::new();
        if environment.network == Network::Unix {
            let group = environment.socket_group.as_deref();
            for directory in environment.socket_directory.candidates() {
                match unix_socket(directory, group) {
                    Ok(listener) => return Ok(listener),
                    Err(cause) => attempts.push(SocketAttempt {
                        place: format!("in {}", directory.display()),
                        cause,
                    }),
                }
            }
            let is_required = matches!(environment.socket_directory, SocketDirectory::Required(_));
            if is_required || tls.is_none() {
                return Err(SocketError { attempts });
            }
        }
        let ports = &environment.ports;
        tcp(ports.clone()).await.map_err(|cause| {
            attempts.push(SocketAttempt {
                place: format!("on 127.0.0.1, ports {} to {}", ports.start(), ports.end()),
                cause,
            });
            SocketError { attempts }
        })
    }
}

/// Listens on the first free port of the range.
async fn tcp(ports: RangeInclusive<u16>) -> io::Result<Listener> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let address = Address {
                    network: Network::Tcp,
                    location: listener.local_addr()?.to_string(),
                };
                let incoming = TcpListenerStream::new(listener)
                    .map(|stream| stream.and_then(without_delay))
                    .boxed();
                return Ok(Listener {
                    address,
                    incoming,
                    directory: None,
                });
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Sends each message at once. By default, a small message can wait for the acknowledgement of the last one.
fn without_delay(stream: TcpStream) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    Ok(Connection::new(stream))
}

#[cfg(unix)]
fn unix_socket(directory: &Path, group: Option<&str>) -> io::Result<Listener> {
    unix::bind(directory, group)
}

#[cfg(not(unix))]
fn unix_socket(_: &Path, _: Option<&str>) -> io::Result<Listener> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> HostEnvironment {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        HostEnvironment::read("registry.terraform.io/acme/cloud", variables).unwrap()
    }

    /// Binds for a host without TLS.
    async fn bind(variables: &[(&str, &str)]) -> Result<Listener, SocketError> {
        Listener::bind(&environment(variables), None).await
    }

    #[cfg(unix)]
    fn mode(path: &std::path::Path) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_socket_file_is_private_and_removed_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_str().unwrap();
        let listener = bind(&[("PLUGIN_UNIX_SOCKET_DIR", place)]).await.unwrap();

        let path = std::path::PathBuf::from(&listener.address.location);
        let own = path.parent().unwrap();
        assert_eq!(own.parent().unwrap(), directory.path());
        assert_eq!((mode(own), mode(&path)), (0o700, 0o600));

        drop(listener);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_group_has_access_to_the_socket_file_only() {
        use std::os::unix::fs::MetadataExt as _;

        let directory = tempfile::tempdir().unwrap();
        let group = directory.path().metadata().unwrap().gid();
        let listener = bind(&[
            ("PLUGIN_UNIX_SOCKET_DIR", directory.path().to_str().unwrap()),
            ("PLUGIN_UNIX_SOCKET_GROUP", &group.to_string()),
        ])
        .await
        .unwrap();

        let path = std::path::Path::new(&listener.address.location);
        let own = path.parent().unwrap();
        assert_eq!((mode(own), mode(path)), (0o710, 0o660));
        assert_eq!(own.metadata().unwrap().gid(), group);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_unknown_group_is_an_error_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_str().unwrap();
        let result = bind(&[
            ("PLUGIN_UNIX_SOCKET_DIR", place),
            ("PLUGIN_UNIX_SOCKET_GROUP", "no-such-group"),
        ])
        .await;

        let error = result.err().unwrap();
        insta::assert_snapshot!(error.attempts[0].cause, @"group `no-such-group` was not found");
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_port_in_use_is_skipped() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();

        let alone = tcp(port..=port).await;
        assert_eq!(alone.err().unwrap().kind(), io::ErrorKind::AddrInUse);

        let listener = tcp(0..=0).await.unwrap();
        assert!(listener.address.location.starts_with("127.0.0.1:"));
    }
}
