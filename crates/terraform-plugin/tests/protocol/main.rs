//! Tests of the plugin protocol over gRPC in process.
//!
//! Tests named "mistake n" cover the 25 likeliest mistakes of a provider written from scratch. Mistakes
//! 1 to 7 and 9 are about handshake, TLS and logs. They need a socket, so other tests cover them.
//! Mistakes 16 to 18 are about a resource's planning, so the tests of the provider's own resource cover
//! them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

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
