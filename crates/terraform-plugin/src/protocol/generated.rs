//! The code that `build.rs` makes of `proto/tfplugin6.proto`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    rustdoc::all,
    reason = "generated; the names are those of the protocol"
)]

tonic::include_proto!("tfplugin6");
