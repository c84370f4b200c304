//! The code that `build.rs` generates from `proto/tfplugin6.proto`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    rustdoc::all,
    reason = "generated, with the names of the protocol"
)]

tonic::include_proto!("tfplugin6");
