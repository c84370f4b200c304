//! Logs the end of every call, with the summaries of its diagnostics.
//!
//! Details are not logged, because the host shows them to the user. They may contain secrets of the
//! configuration.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use tracing::{Span, debug, error_span, info};

use crate::protocol::generated as pb;
use crate::protocol::generated::diagnostic::Severity;

/// Numbers the calls, so that the log shows which lines belong together.
static CALLS: AtomicU64 = AtomicU64::new(1);

/// The RPCs that carry out a user's request. Their end is logged at `INFO`, and the end of every other
/// RPC at `DEBUG`.
const OPERATIONS: [&str; 8] = [
    "ApplyResourceChange",
    "ImportResourceState",
    "InvokeAction",
    "ListResource",
    "PlanAction",
    "PlanResourceChange",
    "ReadDataSource",
    "ReadResource",
];

/// The target of an RPC: a kind of type, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallTarget {
    /// The provider as a whole.
    Provider,
    /// A managed resource.
    Resource(String),
    /// A data source.
    DataSource(String),
    /// An ephemeral resource.
    EphemeralResource(String),
    /// A list resource.
    ListResource(String),
    /// An action.
    Action(String),
    /// A function.
    Function(String),
}

impl CallTarget {
    /// Creates the log span of the call, with the keys that all providers use. It has the highest
    /// level, because a span below the log level adds no fields.
    fn span(&self, rpc: &'static str) -> Span {
        let named = |is: fn(&Self) -> Option<&str>| is(self);
        error_span!(
            "rpc",
            tf_req_id = CALLS.fetch_add(1, Ordering::Relaxed),
            tf_rpc = rpc,
            tf_resource_type = named(|it| match it {
                Self::Resource(name) => Some(name),
                _ => None,
            }),
            tf_data_source_type = named(|it| match it {
                Self::DataSource(name) => Some(name),
                _ => None,
            }),
            tf_ephemeral_resource_type = named(|it| match it {
                Self::EphemeralResource(name) => Some(name),
                _ => None,
            }),
            tf_list_resource_type = named(|it| match it {
                Self::ListResource(name) => Some(name),
                _ => None,
            }),
            tf_action_type = named(|it| match it {
                Self::Action(name) => Some(name),
                _ => None,
            }),
            tf_function_name = named(|it| match it {
                Self::Function(name) => Some(name),
                _ => None,
            }),
        )
    }
}

/// The log of one call. Dropped before [`CallLog::answered`], it logs that the host gave up the call.
pub(crate) struct CallLog {
    rpc: &'static str,
    span: Span,
    began: Instant,
    errors: usize,
    warnings: usize,
    /// The different summaries with their severity.
    summaries: BTreeSet<String>,
    is_answered: bool,
}

impl CallLog {
    /// Starts the log of the call `rpc`.
    pub(crate) fn begin(rpc: &'static str, target: &CallTarget) -> Self {
        Self {
            rpc,
            span: target.span(rpc),
            began: Instant::now(),
            errors: 0,
            warnings: 0,
            summaries: BTreeSet::new(),
            is_answered: false,
        }
    }

    /// The span in which the call runs.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes diagnostics of the answer.
    pub(crate) fn note(&mut self, diagnostics: &[pb::Diagnostic]) {
        for diagnostic in diagnostics {
            let severity = match diagnostic.severity() {
                Severity::Error => {
                    self.errors += 1;
                    "error"
                }
                Severity::Warning | Severity::Invalid => {
                    self.warnings += 1;
                    "warning"
                }
            };
            self.summaries
                .insert(format!("{severity}: {}", diagnostic.summary));
        }
    }

    /// Logs that the call is answered.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }

    fn line(&self, message: &str) {
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let summaries: Vec<&str> = self.summaries.iter().map(String::as_str).collect();
        let summaries = (!summaries.is_empty()).then(|| summaries.join("; "));
        macro_rules! line {
            ($log:ident) => {
                $log!(
                    tf_req_duration_ms = took,
                    diagnostic_error_count = self.errors,
                    diagnostic_warning_count = self.warnings,
                    diagnostic_summaries = summaries.as_deref(),
                    "{message}"
                )
            };
        }
        self.span.in_scope(|| {
            if OPERATIONS.contains(&self.rpc) {
                line!(info);
            } else {
                line!(debug);
            }
        });
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.line(if self.is_answered {
            "answered"
        } else {
            "the host gave up the call"
        });
    }
}
