//! The socket to which a host connects.

use std::env;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use futures::stream::{BoxStream, StreamExt as _};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use crate::process::address::{Address, Network};
use crate::process::connection::Connection;
use crate::process::handshake::HostEnvironment;

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

/// The socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("could not open a socket {place}")]
pub struct SocketError {
    /// The place of the socket: `in` a directory, or `on` an address.
    pub place: String,
    source: io::Error,
}

impl Listener {
    /// Opens the socket that the host's environment requests.
    ///
    /// # Errors
    /// The socket could not be opened.
    pub(super) async fn bind(environment: &HostEnvironment) -> Result<Self, SocketError> {
        let HostEnvironment {
            ports,
            socket_directory: directory,
            socket_group: group,
            ..
        } = environment;
        match environment.network {
            Network::Unix => {
                let directory = directory.clone().unwrap_or_else(env::temp_dir);
                unix::bind(&directory, group.as_deref()).map_err(|source| SocketError {
                    place: format!("in {}", directory.display()),
                    source,
                })
            }
            Network::Tcp => tcp(ports.clone()).await.map_err(|source| SocketError {
                place: format!("on 127.0.0.1, ports {} to {}", ports.start(), ports.end()),
                source,
            }),
        }
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
                    .map(|stream| stream.map(Connection::new))
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

#[cfg(unix)]
mod unix {
    use std::fs::{self, Permissions};
    use std::io;
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::path::Path;

    use futures::stream::StreamExt as _;
    use nix::unistd::Group;
    use tokio::net::UnixListener;
    use tokio_stream::wrappers::UnixListenerStream;

    use super::Listener;
    use crate::process::address::{Address, Network};
    use crate::process::connection::Connection;

    /// Creates a socket file with access for the current user, and for `group` if it is set.
    ///
    /// The file is in its own private directory, so that other users can't reach it before its
    /// permissions are set. The names are short, because a socket path may have only about 100 bytes.
    pub(super) fn bind(parent: &Path, group: Option<&str>) -> io::Result<Listener> {
        let directory = tempfile::Builder::new()
            .prefix("tf-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        if let Some(group) = group {
            admit(group, &socket, 0o660)?;
            admit(group, directory.path(), 0o710)?;
        }
        let location = socket
            .to_str()
            .ok_or_else(|| io::Error::other("the socket path is not UTF-8"))?
            .to_owned();
        Ok(Listener {
            address: Address {
                network: Network::Unix,
                location,
            },
            incoming: UnixListenerStream::new(listener)
                .map(|stream| stream.map(Connection::new))
                .boxed(),
            directory: Some(directory),
        })
    }

    /// Sets the group of `path` to `group`, a name or an ID, and its permissions to `mode`.
    fn admit(group: &str, path: &Path, mode: u32) -> io::Result<()> {
        let id = match group.parse() {
            Ok(id) => id,
            Err(_) => Group::from_name(group)?
                .ok_or_else(|| io::Error::other(format!("group `{group}` was not found")))?
                .gid
                .as_raw(),
        };
        chown(path, None, Some(id))?;
        fs::set_permissions(path, Permissions::from_mode(mode))
    }
}

#[cfg(not(unix))]
mod unix {
    use std::io;
    use std::path::Path;

    use super::Listener;

    pub(super) fn bind(_: &Path, _: Option<&str>) -> io::Result<Listener> {
        Err(io::ErrorKind::Unsupported.into())
    }
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
        let listener = Listener::bind(&environment(&[("PLUGIN_UNIX_SOCKET_DIR", place)]))
            .await
            .unwrap();

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
        let listener = Listener::bind(&environment(&[
            ("PLUGIN_UNIX_SOCKET_DIR", directory.path().to_str().unwrap()),
            ("PLUGIN_UNIX_SOCKET_GROUP", &group.to_string()),
        ]))
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
        let result = Listener::bind(&environment(&[
            ("PLUGIN_UNIX_SOCKET_DIR", place),
            ("PLUGIN_UNIX_SOCKET_GROUP", "no-such-group"),
        ]))
        .await;

        let error = result.err().unwrap();
        insta::assert_snapshot!(error.source, @"group `no-such-group` was not found");
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
