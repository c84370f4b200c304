//! A Unix socket in a private directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use futures::stream::StreamExt as _;
use nix::unistd::Group;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;

use crate::process::address::{Address, Network};
use crate::process::connection::Connection;
use crate::process::listener::Listener;

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
        .filter(|path| fits_in_the_handshake_line(path))
        .ok_or_else(|| {
            io::Error::other("the path has characters that a handshake line can't have")
        })?
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

/// Whether a host reads the path from its line unchanged.
fn fits_in_the_handshake_line(path: &str) -> bool {
    !path.contains(|character: char| character == '|' || character.is_control())
}
