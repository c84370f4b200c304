//! Tests of the plugin process over a real socket.
//!
//! The tests act as a host: they read the handshake line, connect with the certificate in it, call gRPC
//! and request a shutdown.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod encryption;
mod handshake;
mod hosts_that_vanish;
mod panics;
mod shutdown;
mod sockets;
