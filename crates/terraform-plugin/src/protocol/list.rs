//! The RPCs of list resources.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt as _, stream};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::DropGuard;
use tonic::codegen::BoxStream;
use tracing::{Instrument as _, debug};

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::error_text::panic_text;
use crate::framework::{
    Context, ListRequest, ListResource, ListResult, ListResults, Resource, WriteOnly, check_config,
};
use crate::protocol::generated as pb;
use crate::protocol::generated::list_resource::Event;
use crate::protocol::{from_proto, identity, protocol_diagnostics, to_proto};

/// Validates a configuration, first against the schema, then by the list resource.
pub(crate) async fn validate(
    list: &dyn ListResource,
    context: &Context,
    request: pb::validate_list_resource_config::Request,
) -> Result<pb::validate_list_resource_config::Response, Diagnostics> {
    let block = &list.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::NotAllowed);
    found.extend(list.validate_config(context, &config).await);
    Ok(pb::validate_list_resource_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Lists objects of `resource`, one event each, as fast as the host reads them.
///
/// The list is dropped as soon as the host has enough results or ends the call. A list changes nothing,
/// so this is safe.
pub(crate) fn list(
    list: Arc<dyn ListResource>,
    resource: Arc<dyn Resource>,
    context: &Context,
    request: pb::list_resource::Request,
) -> Result<BoxStream<Event>, Diagnostics> {
    let kind = list.schema().block.value_type();
    let request = ListRequest {
        config: from_proto::value("configuration", request.config, &kind)?,
        include_resource: request.include_resource_object,
        limit: u64::try_from(request.limit).unwrap_or_default(),
    };
    if request.limit == 0 {
        return Ok(Box::pin(stream::empty()));
    }
    let cancelled = context.cancelled.child_token();
    let context = Context {
        cancelled: cancelled.clone(),
    };
    let (results, received) = ListResults::channel();
    let listing = Listing {
        resource,
        received,
        include_resource: request.include_resource,
        left: request.limit,
        _until_dropped: cancelled.drop_guard(),
    };
    tokio::spawn(send_all(list, context, request, results).in_current_span());
    let events = stream::unfold(Some(listing), |listing| async {
        let (event, listing) = listing?.next().await?;
        Some((Ok(event), listing))
    });
    Ok(Box::pin(events))
}

async fn send_all(
    list: Arc<dyn ListResource>,
    context: Context,
    request: ListRequest,
    results: ListResults,
) {
    let all = AssertUnwindSafe(list.list(&context, request, &results)).catch_unwind();
    let ended = tokio::select! {
        ended = all => ended,
        () = results.closed() => Ok(Ok(())),
    };
    let failure = match ended {
        Ok(Ok(())) => Diagnostics::new(),
        // A list also ends with an empty error if the host wants no more results.
        Ok(Err(diagnostics)) if results.is_closed() => diagnostics,
        Ok(Err(diagnostics)) => diagnostics.of_failure(),
        Err(panic) => protocol_diagnostics::panicked("list", &panic_text(panic.as_ref())).into(),
    };
    debug!(failed = !failure.is_empty(), "the list has ended");
    if !failure.is_empty() {
        // The host may have ended the call.
        let _ = results.send(failure.into()).await;
    }
}

/// A running list.
struct Listing {
    resource: Arc<dyn Resource>,
    received: Receiver<ListResult>,
    include_resource: bool,
    /// How many more objects the host wants.
    left: u64,
    /// Cancels the list when the host wants no more.
    _until_dropped: DropGuard,
}

impl Listing {
    /// Returns the next event, and the list unless that event was the last.
    async fn next(mut self) -> Option<(Event, Option<Self>)> {
        let result = self.received.recv().await?;
        let is_object = !result.identity.is_null();
        let event = self.event(result);
        self.left -= u64::from(is_object);
        let is_over = self.left == 0 || has_error(&event);
        Some((event, (!is_over).then_some(self)))
    }

    fn event(&self, result: ListResult) -> Event {
        self.object(result).unwrap_or_else(|diagnostics| Event {
            diagnostic: to_proto::diagnostics(&diagnostics),
            ..Event::default()
        })
    }

    /// The event of an object.
    ///
    /// # Errors
    /// The result contains no object, or an invalid one.
    fn object(&self, result: ListResult) -> Result<Event, Diagnostics> {
        let ListResult {
            display_name,
            identity,
            resource,
            mut diagnostics,
        } = result;
        let schema = self.resource.identity_schema();
        let schema =
            schema.ok_or_else(|| protocol_diagnostics::no_identity(self.resource.type_name()))?;
        let identity = schema.complete(identity);
        if diagnostics.has_error() || (identity.is_null() && !diagnostics.is_empty()) {
            return Err(diagnostics);
        }
        let is_whole = schema.missing(&identity).next().is_none();
        if !identity::is_settled(&identity) || !is_whole {
            return Err(protocol_diagnostics::missing_identity("list").into());
        }
        let resource_object = match resource.filter(|_| self.include_resource) {
            Some(object) => Some(to_proto::state(self.resource.schema(), object)?),
            None if self.include_resource => {
                diagnostics.push(Diagnostic::warning(
                    "Object listed without its attributes",
                    format!(
                        "The host requested the attributes of {display_name:?}, but the provider \
                         returned none. Its configuration can't be generated."
                    ),
                ));
                None
            }
            None => None,
        };
        Ok(Event {
            identity: Some(to_proto::identity(schema, &identity)?),
            display_name,
            resource_object,
            diagnostic: to_proto::diagnostics(&diagnostics),
        })
    }
}

fn has_error(event: &Event) -> bool {
    let is_error = |found: &pb::Diagnostic| found.severity() == pb::diagnostic::Severity::Error;
    event.diagnostic.iter().any(is_error)
}
