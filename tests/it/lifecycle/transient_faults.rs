//! What goes wrong and passes is never noticed: each request of each operation fails once, in each of
//! the ways that a repetition gets over, and all is as if nothing had been.

use crate::lifecycle::failures::{Act, Case, Pace};
use crate::support::fault_injection::{At, TransportFault};

/// All that passes, and where it may be met.
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
    // A token that is no longer taken; where no token is sent, a 401 is final.
    (TransportFault::Status(401, None), At::FirstToken),
];

async fn nobody_notices(act: Act) {
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
async fn nobody_notices_while_creating() {
    nobody_notices(Act::Create).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_notices_while_updating() {
    nobody_notices(Act::Update).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_notices_while_refreshing() {
    nobody_notices(Act::Refresh).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_notices_while_destroying() {
    nobody_notices(Act::Delete).await;
}
