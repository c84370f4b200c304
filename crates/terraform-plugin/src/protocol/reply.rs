//! Answers every RPC: decode, call, encode. Each error in between, even a panic, becomes a diagnostic.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::{FutureExt as _, StreamExt as _, stream};
use tonic::codegen::BoxStream;
use tonic::{Response, Status};
use tracing::Instrument as _;

use crate::diagnostics::Diagnostics;
use crate::error_text::panic_text;
use crate::protocol::call_log::{CallLog, CallTarget};
use crate::protocol::generated as pb;
use crate::protocol::{protocol_diagnostics, to_proto};

/// An answer.
pub(crate) trait Reply: Default {
    /// An answer that contains only diagnostics.
    fn only(diagnostics: &Diagnostics) -> Self;

    /// Its diagnostics.
    fn diagnostics(&self) -> &[pb::Diagnostic];
}

/// An event of a stream.
pub(crate) trait Event: Send + 'static {
    /// Its diagnostics.
    fn diagnostics(&self) -> &[pb::Diagnostic];
}

macro_rules! reply_with_diagnostics {
    ($($call:ident),* $(,)?) => {
        $(impl Reply for pb::$call::Response {
            fn only(diagnostics: &Diagnostics) -> Self {
                let mut reply = Self::default();
                reply.diagnostics.extend(to_proto::diagnostics(diagnostics));
                reply
            }

            fn diagnostics(&self) -> &[pb::Diagnostic] {
                &self.diagnostics
            }
        })*
    };
}

reply_with_diagnostics!(
    apply_resource_change,
    close_ephemeral_resource,
    configure_provider,
    generate_resource_config,
    get_functions,
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
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

/// A function has an error of its own. It may quote an argument, so it is no diagnostic in the log.
impl Reply for pb::call_function::Response {
    fn only(diagnostics: &Diagnostics) -> Self {
        Self {
            result: None,
            error: Some(pb::FunctionError {
                text: text(diagnostics),
                function_argument: None,
            }),
        }
    }

    fn diagnostics(&self) -> &[pb::Diagnostic] {
        &[]
    }
}

impl Reply for pb::stop_provider::Response {
    fn only(diagnostics: &Diagnostics) -> Self {
        Self {
            error: text(diagnostics),
        }
    }

    fn diagnostics(&self) -> &[pb::Diagnostic] {
        &[]
    }
}

impl Event for pb::list_resource::Event {
    fn diagnostics(&self) -> &[pb::Diagnostic] {
        &self.diagnostic
    }
}

impl Event for pb::invoke_action::Event {
    fn diagnostics(&self) -> &[pb::Diagnostic] {
        match &self.r#type {
            Some(pb::invoke_action::event::Type::Completed(completed)) => &completed.diagnostics,
            Some(pb::invoke_action::event::Type::Progress(_)) | None => &[],
        }
    }
}

/// The messages as one text.
fn text(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics
        .iter()
        .map(|found| format!("{}: {}", found.summary, found.detail));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs `work`, which calls provider code. A panic becomes an error.
pub(crate) fn catch<T>(
    operation: &str,
    work: impl FnOnce() -> Result<T, Diagnostics>,
) -> Result<T, Diagnostics> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref());
        Err(protocol_diagnostics::panicked(operation, &text).into())
    })
}

/// Answers the call `rpc` with the outcome of `operation`, and logs its end.
pub(crate) async fn answer<R: Reply>(
    rpc: &'static str,
    target: CallTarget,
    operation: impl Future<Output = Result<R, Diagnostics>>,
) -> Result<Response<R>, Status> {
    let mut call = CallLog::begin(rpc, &target);
    let ended = AssertUnwindSafe(operation)
        .catch_unwind()
        .instrument(call.span())
        .await;
    let reply = match ended {
        Ok(Ok(reply)) => reply,
        Ok(Err(diagnostics)) => R::only(&diagnostics.of_failure()),
        Err(panic) => {
            R::only(&protocol_diagnostics::panicked(rpc, &panic_text(panic.as_ref())).into())
        }
    };
    call.note(reply.diagnostics());
    call.answered();
    Ok(Response::new(reply))
}

/// Answers the call `rpc` with the events of `operation`, and logs their end.
///
/// If `operation` fails, the only event is the one from `refusal`. Tasks that `operation` starts log
/// under the call's span.
pub(crate) fn stream<E: Event>(
    rpc: &'static str,
    target: &CallTarget,
    operation: impl FnOnce() -> Result<BoxStream<E>, Diagnostics>,
    refusal: impl FnOnce(&Diagnostics) -> E,
) -> Result<Response<BoxStream<E>>, Status> {
    let call = CallLog::begin(rpc, target);
    let events = call.span().in_scope(|| catch(rpc, operation));
    let events = events.unwrap_or_else(|refused| {
        let refused = refused.of_failure();
        Box::pin(stream::iter([Ok(refusal(&refused))]))
    });
    let logged = stream::unfold((events, call), |(mut events, mut call)| async {
        let Some(event) = events.next().await else {
            call.answered();
            return None;
        };
        if let Ok(event) = &event {
            call.note(event.diagnostics());
        }
        Some((event, (events, call)))
    });
    Ok(Response::new(Box::pin(logged)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::level_filters::LevelFilter;
    use tracing::{Span, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;
    use crate::diagnostics::Diagnostic;

    #[tokio::test]
    async fn log_lines_identify_their_call_even_at_level_error() {
        let terse = tracing_subscriber::registry().with(LevelFilter::ERROR);
        let _guard = tracing::subscriber::set_default(terse);
        until_offered(|| {
            let call = CallLog::begin("GetMetadata", &CallTarget::Provider);
            !call.span().is_disabled()
        });
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

    /// Waits until tracing offers a call site to this thread's subscriber. If another test reaches a call site for
    /// the first time while a subscriber starts, tracing can miss the pair of them.
    fn until_offered(is_offered: impl Fn() -> bool) {
        const TRIES: usize = 1_000;
        let offered = (0..TRIES).any(|_| {
            tracing::callsite::rebuild_interest_cache();
            is_offered()
        });
        assert!(offered, "the call site is never offered");
    }

    /// The fields of each logged line, except its duration.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

    struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() != "tf_req_duration_ms" {
                self.0.insert(field.name(), format!("{value:?}"));
            }
        }
    }

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut fields = BTreeMap::new();
            event.record(&mut Fields(&mut fields));
            self.0.lock().unwrap().push(fields);
        }
    }

    impl Lines {
        /// Collects the lines of `level` and above that this thread logs until the guard is dropped.
        fn collect(level: LevelFilter) -> (Self, tracing::subscriber::DefaultGuard) {
            let lines = Self::default();
            let layer = lines.clone().with_filter(level);
            let subscriber = tracing_subscriber::registry().with(layer);
            let guard = tracing::subscriber::set_default(subscriber);
            let expected = if level == LevelFilter::DEBUG { 2 } else { 1 };
            until_offered(|| {
                for rpc in ["GetMetadata", "ReadResource"] {
                    CallLog::begin(rpc, &CallTarget::Provider).answered();
                }
                std::mem::take(&mut *lines.0.lock().unwrap()).len() == expected
            });
            (lines, guard)
        }

        fn text(&self) -> String {
            let lines = self.0.lock().unwrap();
            let lines = lines.iter().map(|line| {
                let fields = line.iter().map(|(name, value)| format!("{name}={value}"));
                fields.collect::<Vec<_>>().join(" ")
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    }

    fn findings() -> Diagnostics {
        let error = |detail| Diagnostic::error("Can't read", detail);
        let warning = Diagnostic::warning("Odd value", "planted secret");
        [error("one"), warning, error("two")].into_iter().collect()
    }

    #[tokio::test]
    async fn only_operations_are_logged_at_info() {
        let (lines, _guard) = Lines::collect(LevelFilter::INFO);

        let call = async { Ok(pb::validate_resource_config::Response::default()) };
        let target = CallTarget::Resource("acr_thing".to_owned());
        answer("ValidateResourceConfig", target.clone(), call)
            .await
            .unwrap();
        assert_eq!(lines.0.lock().unwrap().len(), 0);

        let call = async { Ok(pb::read_resource::Response::default()) };
        answer("ReadResource", target, call).await.unwrap();
        assert_eq!(lines.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn the_end_of_a_call_is_logged_with_the_summaries_of_its_diagnostics() {
        let (lines, _guard) = Lines::collect(LevelFilter::DEBUG);

        let call = async { Err::<pb::read_resource::Response, _>(findings()) };
        answer("ReadResource", CallTarget::Provider, call)
            .await
            .unwrap();

        insta::assert_snapshot!(lines.text(), @r#"diagnostic_error_count=2 diagnostic_summaries="error: Can't read; warning: Odd value" diagnostic_warning_count=1 message=answered"#);
    }

    #[tokio::test]
    async fn the_end_of_a_stream_is_logged_with_the_summaries_of_its_diagnostics() {
        let (lines, _guard) = Lines::collect(LevelFilter::DEBUG);
        let event = |diagnostics: &Diagnostics| pb::list_resource::Event {
            diagnostic: to_proto::diagnostics(diagnostics),
            ..Default::default()
        };

        let refuse = || Err(findings());
        let answer = stream("ListResource", &CallTarget::Provider, refuse, event).unwrap();
        let mut events = answer.into_inner();
        events.next().await.unwrap().unwrap();
        assert_eq!(lines.text(), "");
        assert!(events.next().await.is_none());

        insta::assert_snapshot!(lines.text(), @r#"diagnostic_error_count=2 diagnostic_summaries="error: Can't read; warning: Odd value" diagnostic_warning_count=1 message=answered"#);
    }

    #[tokio::test]
    async fn a_call_that_the_host_gives_up_is_logged() {
        let (lines, _guard) = Lines::collect(LevelFilter::DEBUG);

        let call = std::future::pending::<Result<pb::read_resource::Response, _>>();
        let answer = answer("ReadResource", CallTarget::Provider, call);
        assert!(answer.now_or_never().is_none());

        insta::assert_snapshot!(lines.text(), @"diagnostic_error_count=0 diagnostic_warning_count=0 message=the host gave up the call");
    }

    #[tokio::test]
    async fn a_failure_without_an_error_is_answered_with_one() {
        for failure in [
            Diagnostics::new(),
            Diagnostic::warning("Odd value", "").into(),
        ] {
            let call = async { Err::<pb::import_resource_state::Response, _>(failure) };
            let answered = answer("ImportResourceState", CallTarget::Provider, call).await;
            let said = answered.unwrap().into_inner().diagnostics;
            let last = said.last().unwrap();
            assert_eq!(last.summary, "Provider failed without an error");
            assert_eq!(last.severity(), pb::diagnostic::Severity::Error);
        }
    }
}
