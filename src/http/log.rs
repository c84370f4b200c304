//! Logs requests: method, host, path, status, duration, attempt and IDs.
//!
//! It never logs a body, a credential header or a query: links to blobs carry their signature in the
//! query.

use std::time::Duration;

use crate::http::{Request, Response, TransportError, host};

/// Logs one attempt, its outcome and the pause before the next attempt.
///
/// A throttled request waits in its lane instead. [`throttle`](crate::http::throttle) logs that once for
/// the whole lane.
pub(crate) fn attempt(
    request: &Request,
    attempt: u32,
    elapsed: Duration,
    outcome: &Result<Response, TransportError>,
    again: Option<Duration>,
) {
    let milliseconds = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    let (status, request_id, error, cause) = match outcome {
        Ok(response) => (
            Some(response.status.as_u16()),
            response.header("x-ms-request-id"),
            None,
            None,
        ),
        Err(error) => (None, None, Some(error.to_string()), error.cause()),
    };
    tracing::debug!(
        method = %request.method,
        host = host(&request.url),
        path = request.url.path(),
        status,
        ms = milliseconds(elapsed),
        attempt,
        request_id,
        error,
        cause,
        retry_in_ms = again.map(milliseconds),
        "http request"
    );
    if let Some(pause) = again {
        tracing::info!(
            host = host(&request.url),
            status,
            attempt,
            ms = milliseconds(pause),
            "waiting before the next attempt of a request"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Write};
    use std::sync::{Arc, Mutex};

    use http::Method;
    use http::header::{AUTHORIZATION, HeaderValue};
    use tracing::field::{Field, Visit};
    use tracing::{Event, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
    use url::Url;

    use super::*;
    use crate::http::scripted_transport::reply;

    /// Collects the logged text.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<String>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            event.record(&mut Line(&mut self.0.lock().unwrap()));
        }
    }

    struct Line<'a>(&'a mut String);

    impl Visit for Line<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, "{field}={value:?} ").unwrap();
        }
    }

    #[test]
    fn logs_the_request_without_its_secrets() {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::registry().with(kept.clone());
        let url = Url::parse("https://blobs.example/a/b?sig=planted").unwrap();
        let request = Request::new(Method::POST, url)
            .header(AUTHORIZATION, HeaderValue::from_static("Bearer planted"))
            .form(&[("client_secret", "planted")]);
        let response = reply(503)
            .with("x-ms-request-id", "r-1")
            .with("location", "planted")
            .with_body("planted");
        let pause = Some(Duration::from_secs(2));
        let outcome = Ok(response);
        tracing::subscriber::with_default(subscriber, || {
            // If another test logs for the first time while this subscriber starts, tracing can miss events.
            let logged = (0..1_000).any(|_| {
                tracing::callsite::rebuild_interest_cache();
                kept.0.lock().unwrap().clear();
                attempt(&request, 2, Duration::from_millis(30), &outcome, pause);
                kept.0.lock().unwrap().matches("message=").count() == 2
            });
            assert!(logged, "something is not logged");
        });
        insta::assert_snapshot!(
            kept.0.lock().unwrap(),
            @r#"message=http request method=POST host="blobs.example" path="/a/b" status=503 ms=30 attempt=2 request_id="r-1" retry_in_ms=2000 message=waiting before the next attempt of a request host="blobs.example" status=503 attempt=2 ms=2000"#
        );
    }
}
