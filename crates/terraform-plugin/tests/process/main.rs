//! A provider's process as hosts expect it, over the real socket: reads the line, connects with the
//! certificate that it announced, talks gRPC, asks the plugin to end.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails where it stands"
)]

mod encryption;
mod handshake;
mod hosts_that_vanish;
mod panics;
mod shutdown;
