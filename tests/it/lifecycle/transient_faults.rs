//! Transient faults cause no diagnostic and no difference. Each request of each operation fails once with
//! each fault that the provider retries.

use crate::lifecycle::failures::{Act, Case, Pace};
use crate::support::fault_injection::{At, TransportFault};

/// The transient faults, and the requests that each affects.
const TRANSIENT_FAULTS: &[(TransportFault, At)] = &[
    (TransportFault::Status(408, None), At::EachOnce),
    (TransportFault::Status(429, None), At::EachOnce),
    (TransportFault::Status(429, Some("7")), At::EachOnce),
    (TransportFault::Status(500, None), At::EachOnce),
    (TransportFault::Status(503, None), At::EachOnce),
    (TransportFault::Status(503, Some("20")), At::EachOnce),
    (TransportFault::NoConnection, At::EachOnce),
    (TransportFault::Cut, At::EachOnce),
    (TransportFault::CutAfter, At::EachOnce),
    (TransportFault::Hang, At::EachOnce),
    (TransportFault::HangAfter, At::EachOnce),
    (TransportFault::Halved, At::EachReadOnce),
    // A replica of Azure that has not seen the resource yet, and a proxy.
    (TransportFault::Absent, At::EachResourceOnce),
    (TransportFault::NoPage, At::EachResourceOnce),
    // An expired token. A 401 for a request without a token is permanent.
    (TransportFault::Status(401, None), At::FirstToken),
];

async fn assert_retried(act: Act) {
    for (fault, at) in TRANSIENT_FAULTS {
        let name = format!("{act:?}, {fault:?}");
        let mut case = Case::begin(act, Pace::Prompt, name.clone()).await;
        case.stage.wire.inject_fault(*fault, *at);
        assert_eq!(case.carry_out().await, [], "{name}");
        case.stage.wire.clear_fault();
        if act == Act::Delete {
            case.stage.nothing_left();
        } else {
            let wanted = case.wanted.clone();
            case.stage.nothing_to_do(&wanted).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_during_a_create() {
    assert_retried(Act::Create).await;
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_during_an_update() {
    assert_retried(Act::Update).await;
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_during_a_refresh() {
    assert_retried(Act::Refresh).await;
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_during_a_destroy() {
    assert_retried(Act::Delete).await;
}
