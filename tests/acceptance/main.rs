//! The provider under real hosts: every CLI of this machine, on a local Azure.
//!
//! Each test runs once per host, with a simulator and a folder of its own.
//!
//! # Layout
//! - `lifecycle`: one workflow from its first apply to its destroy
//! - `registries`: several registries, other kinds of them, and ones not known yet
//! - `failures`: interrupts and faults in the middle of a create
//! - `drift`: what others change, what of it shows, and how it is repaired
//! - `adoption`: workflows of the Azure CLI, imported and upgraded
//! - `leftovers`: what earlier workflows have left, what is gone already, and what is others'
//! - `consistency`: what Azure shows late
//! - `diagnostics`: one error for one cause, however many operations it affects
//! - `bad_input`: what is refused, and where the user is pointed
//! - `signing_in`, `refused_sign_ins`: each way of signing in, and what is said when it fails
//! - `requests`: what each request says of its sender, and how much of it is logged
//! - `generated`: the golden schema and the registry pages
//! - `examples`: what the pages show, applied
//! - `functions`: functions in configurations
//! - `framework_example`: the framework's example, a provider of its own
//! - `actions`: actions, invoked by hand and triggered
//! - `status`: what has become of the images
//! - `data_sources`: what configurations look up, and make of it
//! - `stage`, `planned`, `golden`, `provider_schema`, `docs_pages`, `schema_markdown`: what the tests are made of

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should stop there"
)]

mod actions;
mod adoption;
mod bad_input;
mod consistency;
mod data_sources;
mod diagnostics;
mod docs_pages;
mod drift;
mod examples;
mod failures;
mod framework_example;
mod functions;
mod generated;
mod golden;
mod leftovers;
mod lifecycle;
mod listing;

mod planned;
mod provider_schema;
mod refused_sign_ins;
mod registries;
mod requests;
mod schema_markdown;
mod signing_in;
mod stage;
mod status;

use std::io::Write as _;

#[test]
fn the_hosts_of_this_machine_are_known() {
    let hosts: Vec<String> = stage::hosts().iter().map(ToString::to_string).collect();
    // Past the test runner, which would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "acceptance tests run under {}",
        hosts.join(" and ")
    );
    assert!(!hosts.is_empty());
}
