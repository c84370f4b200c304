//! Shared test data: a run, and failures.

use http::StatusCode;

use crate::azure::Error;
use crate::azure::error::Refusal;
use crate::azure::id::RegistryId;
use crate::azure::operation::{Operation, OperationKind};
use crate::azure::run::{Run, RunStatus};
use crate::http::{Stopped, TransportError, TransportErrorKind};
use crate::patching::TaskName;
use terraform_plugin::diagnostics::Diagnostic;

const REGISTRY: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

pub(in crate::provider::workflow) fn registry() -> RegistryId {
    REGISTRY.parse().unwrap()
}

pub(in crate::provider::workflow) fn run(status: RunStatus, message: Option<&str>) -> Run {
    Run {
        id: registry().run_id("dt1"),
        run_id: "dt1".to_owned(),
        status,
        task: Some(TaskName::Trigger.to_string()),
        create_time: Some("2026-06-01T02:29:00.1234567+00:00".to_owned()),
        start_time: Some("2026-06-01T02:30:00.1234567+00:00".to_owned()),
        finish_time: Some("2026-06-01T02:33:20.9234567+00:00".to_owned()),
        error_message: message.map(str::to_owned),
    }
}

pub(in crate::provider::workflow) fn refused(status: u16, code: &str, message: &str) -> Error {
    Error::Response(Box::new(Refusal {
        operation: Operation::new(OperationKind::QueueRun, registry().task_id("t")),
        status: StatusCode::from_u16(status).unwrap(),
        code: code.to_owned(),
        message: message.to_owned(),
        correlation_id: None,
        request_id: None,
        claims: None,
        outcome_unknown: false,
    }))
}

pub(in crate::provider::workflow) fn unanswered(outcome_unknown: bool) -> Error {
    Error::Transport {
        operation: Operation::new(OperationKind::QueueRun, registry().task_id("t")),
        source: TransportError {
            kind: TransportErrorKind::Interrupted,
            host: "management.azure.com".to_owned(),
            outcome_unknown,
            source: None,
        },
    }
}

pub(in crate::provider::workflow) fn stopped(why: Stopped) -> Error {
    Error::Stopped {
        operation: Operation::new(OperationKind::QueueRun, registry().task_id("t")),
        why,
        last: None,
    }
}

pub(in crate::provider::workflow) fn rendered(
    diagnostics: impl IntoIterator<Item = Diagnostic>,
) -> String {
    let texts = diagnostics.into_iter().map(|it| {
        assert!(it.is_error());
        format!("# {}\n{}", it.summary, it.detail)
    });
    texts.collect::<Vec<_>>().join("\n\n")
}
