//! The plugin protocol as hosts expect it, over gRPC in process.
//!
//! Tests named "mistake n" stand for the 25 likeliest mistakes of a provider that is written from
//! scratch. Those of handshake, TLS and logs (1 to 7, 9) need a socket and stand elsewhere; those
//! of a resource's own planning (16 to 18) are played by the provider's own resource.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails where it stands"
)]

mod acting;
mod applying;
mod data_sources;
mod functions;
mod generating;
mod identities;
mod interrupts;
mod listing;
mod planning;
mod provider_schema;
mod reading;
mod refusals;
mod validating;
mod values;
