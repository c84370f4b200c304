//! The provider under real hosts: every Terraform and OpenTofu CLI on this machine, against a local Azure.
//!
//! Each test runs once per host, with its own simulator and its own folder.
//!
//! # Layout
//! - `lifecycle`: one workflow from its first apply to its destroy
//! - `registries`: several registries, each kind of registry, and registry IDs known only after apply
//! - `failures`: interrupts and faults during a create
//! - `drift`: changes outside Terraform, how a plan shows them, and how an apply repairs them
//! - `adoption`: import and upgrade of workflows that the Azure CLI created
//! - `leftovers`: remains of earlier workflows, parts that are already deleted, and unrelated role
//!   assignments
//! - `consistency`: changes that Azure shows late
//! - `diagnostics`: one error for one cause, however many operations it affects
//! - `bad_input`: invalid configurations, and the line that each error points at
//! - `signing_in`, `refused_sign_ins`: each authentication method, and its error messages
//! - `requests`: the user agent, partner ID and correlation ID of each request, and the log level
//! - `generated`: the golden schema and the registry pages
//! - `examples`: the examples on the pages, applied
//! - `custom_role`: the custom role on the page of the resource, compared with the requests of a lifecycle
//! - `guides`: the configurations in the guides, applied
//! - `links`: the links between the pages
//! - `snippets`: the Terraform code of each page, validated as a user would paste it
//! - `troubleshooting`: the messages in the guide of this name
//! - `fleet`: the module for many registries and the fleet example, with the stand-in for azurerm
//! - `functions`: functions in configurations
//! - `framework_example`: the framework's example provider
//! - `actions`: actions, invoked from the command line and by a trigger
//! - `status`: the patching status of each image
//! - `data_sources`: the data sources in configurations
//! - `listing`: the list resource
//! - `any_azure`: the life cycle in a registry of the user
//! - `plan_output`: what a plan prints
//! - `stage`, `planned`, `golden`, `provider_schema`, `docs_pages`, `schema_markdown`, `source_address`: shared
//!   helpers

#![allow(
    clippy::unwrap_used,
    reason = "a panic ends the test at the failing line"
)]

mod actions;
mod adoption;
mod any_azure;
mod bad_input;
mod consistency;
mod contradictions;
mod custom_role;
mod data_sources;
mod diagnostics;
mod docs_pages;
mod drift;
mod examples;
mod failures;
mod fleet;
mod framework_example;
mod functions;
mod generated;
mod golden;
mod guides;
mod leftovers;
mod lifecycle;
mod links;
mod listing;
mod plan_output;
mod planned;
mod provider_schema;
mod refused_sign_ins;
mod registries;
mod requests;
mod schema_markdown;
mod signing_in;
mod snippets;
mod source_address;
mod stage;
mod status;
mod troubleshooting;

use std::io::Write as _;

#[test]
fn at_least_one_host_is_installed() {
    let hosts: Vec<String> = stage::hosts().iter().map(ToString::to_string).collect();
    // Written to stderr directly, because the test runner captures `eprintln!`.
    let _ = writeln!(
        std::io::stderr(),
        "acceptance tests run under {}",
        hosts.join(" and ")
    );
    assert!(!hosts.is_empty());
}
