//! Where a host finds the plugin: a kind of socket, and its place.

use std::fmt;

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A unix socket: a file.
    Unix,
    /// TCP on the loopback interface.
    Tcp,
}

/// Where a host finds us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The kind of socket.
    pub(super) network: Network,
    /// The path of the socket, or address and port.
    pub(super) location: String,
}

impl Network {
    /// What go-plugin uses on this system.
    pub(super) fn usual() -> Self {
        if cfg!(windows) { Self::Tcp } else { Self::Unix }
    }
}

/// As the handshake line names it.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        })
    }
}
