//! The address where a host connects to the plugin.

use std::fmt;

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A Unix socket file.
    Unix,
    /// TCP on the loopback interface.
    Tcp,
}

/// The address of the plugin's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The kind of socket.
    pub(super) network: Network,
    /// The path of a Unix socket, or a TCP address and port.
    pub(super) location: String,
}

impl Network {
    /// The kind that go-plugin uses on this operating system.
    pub(super) fn usual() -> Self {
        if cfg!(windows) { Self::Tcp } else { Self::Unix }
    }
}

/// The name in the handshake line.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        })
    }
}
