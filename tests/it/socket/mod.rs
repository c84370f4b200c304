//! Plays Terraform's part of go-plugin over the real socket: reads the line, connects with the
//! certificate that it announced, talks gRPC, asks the plugin to end.

mod by_hand;
mod encryption;
mod handshake;
mod host;
mod hosts_that_vanish;
mod identity;
mod process;
mod shutdown;
