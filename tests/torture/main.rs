//! Faults and interrupts at each request of each operation, through a real host. Nothing that exists in Azure
//! is lost: one more apply converges, and one destroy leaves nothing.
//!
//! # Layout
//! - `fault`: the faults, and the cases that combine them with operations and requests
//! - `stage`: a host, a simulated Azure, and copies of both states
//! - `strike`: one operation with a fault
//! - `check`: one more apply and one destroy after it
//! - `history`: several operations with faults and changes by others
//! - `canonical`: equal texts for equal states
//! - `processes`: the processes that a host has started
//! - `campaign`: many cases, several at once
//! - `report`: the table, and `TORTURE.md`
//!
//! `make torture` runs all cases. The other tests run a sample. `TORTURE_SEED` selects it.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a panic ends the test at the failing line"
)]

mod campaign;
mod canonical;
mod check;
mod fault;
mod history;
mod processes;
mod report;
mod stage;
mod strike;

use crate::campaign::Campaign;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_the_faults_loses_nothing() {
    let campaign = Campaign::sample(24);
    campaign.run().await.assert_nothing_lost();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes hours; `make torture` runs it"]
async fn every_fault_at_every_request_loses_nothing() {
    let report = Campaign::full().run().await;
    // A repetition of some cases says nothing about all of them.
    if campaign::only().is_none() {
        report.write();
    }
    report.assert_nothing_lost();
}
