//! Answers every RPC: decode, call, encode. Each error in between, even a panic, becomes a diagnostic.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{FutureExt, stream};
use tokio::time::Instant;
use tonic::codegen::BoxStream;
use tonic::{Response, Status};
use tracing::{Instrument, Span, debug, error_span, info};

use crate::diagnostics::Diagnostics;
use crate::error_text::panic_text;
use crate::protocol::generated as pb;
use crate::protocol::{protocol_diagnostics, to_proto};

/// Numbers the calls, so that the log shows which lines belong together.
static CALLS: AtomicU64 = AtomicU64::new(1);

/// An answer that carries diagnostics.
pub(crate) trait Reply: Default {
    /// Its diagnostics.
    fn diagnostics_mut(&mut self) -> &mut Vec<pb::Diagnostic>;

    /// An answer that contains only diagnostics.
    fn only(diagnostics: &Diagnostics) -> Self {
        let mut reply = Self::default();
        *reply.diagnostics_mut() = to_proto::diagnostics(diagnostics);
        reply
    }
}

macro_rules! reply_with_diagnostics {
    ($($call:ident),* $(,)?) => {
        $(impl Reply for pb::$call::Response {
            fn diagnostics_mut(&mut self) -> &mut Vec<pb::Diagnostic> {
                &mut self.diagnostics
            }
        })*
    };
}

reply_with_diagnostics!(
    apply_resource_change,
    close_ephemeral_resource,
    configure_provider,
    generate_resource_config,
    get_metadata,
    get_provider_schema,
    import_resource_state,
    move_resource_state,
    open_ephemeral_resource,
    plan_action,
    plan_resource_change,
    read_data_source,
    read_resource,
    renew_ephemeral_resource,
    upgrade_resource_identity,
    upgrade_resource_state,
    validate_action_config,
    validate_data_resource_config,
    validate_ephemeral_resource_config,
    validate_list_resource_config,
    validate_provider_config,
    validate_resource_config,
);

/// The RPCs that carry out a user's request. [`answer`] logs their end at `INFO`, and the end of every
/// other RPC at `DEBUG`.
const OPERATIONS: [&str; 6] = [
    "ApplyResourceChange",
    "ImportResourceState",
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
    /// A list resource.
    ListResource(String),
    /// An action.
    Action(String),
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
            tf_list_resource_type = named(|it| match it {
                Self::ListResource(name) => Some(name),
                _ => None,
            }),
            tf_action_type = named(|it| match it {
                Self::Action(name) => Some(name),
                _ => None,
            }),
        )
    }
}

/// Answers the call `rpc` with the outcome of `operation`.
pub(crate) async fn answer<R: Reply>(
    rpc: &'static str,
    target: CallTarget,
    operation: impl Future<Output = Result<R, Diagnostics>>,
) -> Result<Response<R>, Status> {
    let began = Instant::now();
    let span = target.span(rpc);
    let ended = AssertUnwindSafe(operation)
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let mut reply = match ended {
        Ok(Ok(reply)) => reply,
        Ok(Err(diagnostics)) => R::only(&diagnostics),
        Err(panic) => {
            R::only(&protocol_diagnostics::panicked(rpc, &panic_text(panic.as_ref())).into())
        }
    };
    let diagnostics = reply.diagnostics_mut().len();
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if OPERATIONS.contains(&rpc) {
            info!(diagnostics, tf_req_duration_ms = took, "answered");
        } else {
            debug!(diagnostics, tf_req_duration_ms = took, "answered");
        }
    });
    Ok(Response::new(reply))
}

/// Answers a call for something that the provider doesn't support.
pub(crate) fn refuse<R: Reply>(diagnostics: &Diagnostics) -> Result<Response<R>, Status> {
    Ok(Response::new(R::only(diagnostics)))
}

/// Answers the call `rpc` with the events of `operation`.
///
/// If `operation` fails, the only event is the one from `refusal`. Tasks that `operation` starts log
/// under the call's span.
pub(crate) fn stream<E: Send + 'static>(
    rpc: &'static str,
    target: &CallTarget,
    operation: impl FnOnce() -> Result<BoxStream<E>, Diagnostics>,
    refusal: impl FnOnce(&Diagnostics) -> E,
) -> Result<Response<BoxStream<E>>, Status> {
    let span = target.span(rpc);
    Ok(Response::new(span.in_scope(|| {
        info!("answering with events");
        operation().unwrap_or_else(|refused| Box::pin(stream::iter([Ok(refusal(&refused))])))
    })))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::level_filters::LevelFilter;
    use tracing::{Event, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;

    #[tokio::test]
    async fn log_lines_identify_their_call_even_at_level_error() {
        let terse = tracing_subscriber::registry().with(LevelFilter::ERROR);
        let _guard = tracing::subscriber::set_default(terse);
        let mut around = Span::none();

        let call = async {
            around = Span::current();
            Ok(pb::get_metadata::Response::default())
        };
        answer("GetMetadata", CallTarget::Provider, call)
            .await
            .unwrap();

        assert_eq!(around.metadata().unwrap().name(), "rpc");
    }

    /// Counts the logged events.
    #[derive(Clone, Default)]
    struct Count(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn only_operations_are_logged_at_info() {
        let count = Count::default();
        let lines = count.clone().with_filter(LevelFilter::INFO);
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines));

        let call = async { Ok(pb::validate_resource_config::Response::default()) };
        let target = CallTarget::Resource("acr_thing".to_owned());
        answer("ValidateResourceConfig", target.clone(), call)
            .await
            .unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 0);

        let call = async { Ok(pb::read_resource::Response::default()) };
        answer("ReadResource", target, call).await.unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
