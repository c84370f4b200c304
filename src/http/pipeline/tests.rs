use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use http::Method;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::http::scripted_transport::{ScriptedTransport, reply};

async fn send(
    transport: &(impl Transport + Clone + 'static),
    budget: &Budget,
    request: &Request,
) -> Result<Response, SendError> {
    let pipeline = Pipeline::new(Arc::new(transport.clone()));
    pipeline.send(budget, request).await
}

fn get() -> Request {
    Request::new(
        Method::GET,
        Url::parse("https://example.com/thing").unwrap(),
    )
}

fn minute() -> Budget {
    Budget::new(Duration::from_secs(60), CancellationToken::new())
}

#[tokio::test(start_paused = true)]
async fn retries_when_the_server_is_unavailable() {
    let transport = ScriptedTransport::default()
        .on(Method::GET, "/thing", reply(503))
        .fail(Method::GET, "/thing", TransportErrorKind::Interrupted)
        .on(Method::GET, "/thing", reply(200));
    let response = send(&transport, &minute(), &get()).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(transport.requests().len(), 3);
}

fn put() -> Request {
    Request {
        effect: Effect::Repeatable,
        method: Method::PUT,
        ..get()
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_stays_unknown_after_a_later_attempt_is_refused() {
    let cut = || {
        ScriptedTransport::default().fail(Method::PUT, "/thing", TransportErrorKind::Interrupted)
    };
    let refused = cut().on(Method::PUT, "/thing", reply(403));
    assert!(
        send(&refused, &minute(), &put())
            .await
            .unwrap()
            .outcome_unknown
    );
    let unreachable = (0..3).fold(cut(), |transport, _| {
        transport.fail(Method::PUT, "/thing", TransportErrorKind::Connect)
    });
    let Err(SendError::Transport(error)) = send(&unreachable, &minute(), &put()).await else {
        panic!("no answer expected");
    };
    assert!(error.outcome_unknown && error.kind == TransportErrorKind::Connect);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_read_or_of_a_refused_write_is_known() {
    let read = ScriptedTransport::default()
        .on(Method::GET, "/thing", reply(500))
        .on(Method::GET, "/thing", reply(403));
    assert!(
        !send(&read, &minute(), &get())
            .await
            .unwrap()
            .outcome_unknown
    );
    let refused = ScriptedTransport::default()
        .on(Method::PUT, "/thing", reply(429))
        .on(Method::PUT, "/thing", reply(403));
    assert!(
        !send(&refused, &minute(), &put())
            .await
            .unwrap()
            .outcome_unknown
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_error_contains_the_last_failure() {
    let transport = ScriptedTransport::default().on(
        Method::GET,
        "/thing",
        reply(429).with("retry-after", "300"),
    );
    let error = send(&transport, &minute(), &get()).await.unwrap_err();
    let SendError::Stopped { why, last } = error else {
        panic!("stopped expected");
    };
    assert_eq!(why, Stopped::Deadline);
    assert_eq!(last.unwrap().unwrap().status, 429);
}

fn hour() -> Budget {
    Budget::new(Duration::from_secs(3600), CancellationToken::new())
}

#[tokio::test(start_paused = true)]
async fn patience_limits_a_failing_host_but_not_a_throttled_request() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let busy = (0..20).fold(ScriptedTransport::default(), |transport, _| {
        transport.on(Method::GET, "/thing", reply(503))
    });
    let pipeline = Pipeline::new(Arc::new(busy));
    let start = Instant::now();
    let answer = pipeline.send_within(&hour(), PATIENCE, &get()).await;
    assert_eq!(answer.unwrap().status, 503);
    assert!(start.elapsed() <= PATIENCE);
    let throttled = ScriptedTransport::default()
        .on(Method::GET, "/thing", reply(429).with("retry-after", "60"))
        .on(Method::GET, "/thing", reply(200));
    let pipeline = Pipeline::new(Arc::new(throttled));
    let answer = pipeline.send_within(&hour(), PATIENCE, &get()).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_operation_sends_nothing() {
    let transport = ScriptedTransport::default();
    let budget = minute();
    budget.cancelled.cancel();
    let error = send(&transport, &budget, &get()).await.unwrap_err();
    assert!(matches!(
        error,
        SendError::Stopped {
            why: Stopped::Cancelled,
            last: None
        }
    ));
    assert!(transport.requests().is_empty());
}

/// Answers after a delay. It can cancel the operation while the request is in flight.
#[derive(Clone)]
struct Hangs {
    answer_after: Duration,
    called_off: Option<CancellationToken>,
}

#[async_trait]
impl Transport for Hangs {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(token) = &self.called_off {
            token.cancel();
        }
        tokio::time::sleep(self.answer_after).await;
        Ok(reply(201))
    }
}

fn called_off(budget: &Budget) -> Hangs {
    Hangs {
        answer_after: Duration::from_secs(20),
        called_off: Some(budget.cancelled.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_in_flight_finishes_after_a_cancellation() {
    let budget = minute();
    let transport = called_off(&budget);
    assert_eq!(send(&transport, &budget, &put()).await.unwrap().status, 201);
    assert!(send(&transport, &budget, &put()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_read_in_flight_ends_on_cancellation() {
    let budget = minute();
    let start = Instant::now();
    let error = send(&called_off(&budget), &budget, &get()).await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert!(matches!(
        error,
        Err(SendError::Stopped {
            why: Stopped::Cancelled,
            last: None
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_times_out_after_a_minute_and_is_retried() {
    let hangs = Hangs {
        answer_after: Duration::from_secs(300),
        called_off: None,
    };
    let budget = Budget::new(Duration::from_secs(3600), CancellationToken::new());
    let start = Instant::now();
    let Err(SendError::Transport(error)) = send(&hangs, &budget, &put()).await else {
        panic!("no answer expected");
    };
    assert!(error.kind == TransportErrorKind::Timeout && error.outcome_unknown);
    let minutes = start.elapsed().as_secs() / 60;
    assert_eq!(minutes, 4);
}

#[tokio::test(start_paused = true)]
async fn one_throttled_write_delays_all_writes_and_holds_no_permit() {
    let busy = || reply(429).with("retry-after", "20");
    let mut transport = ScriptedTransport::default().on(Method::PUT, "/thing", busy());
    for _ in 0..100 {
        transport = transport.on(Method::PUT, "/thing", reply(200));
    }
    transport = transport.on(Method::GET, "/thing", reply(200));
    let pipeline = Pipeline::new(Arc::new(transport.clone()));
    let (budget, put, get) = (minute(), put(), get());
    let start = Instant::now();
    pipeline.send(&budget, &put).now_or_never();
    let writes = join_all((0..100).map(|_| async {
        pipeline.send(&budget, &put).await.unwrap();
        start.elapsed()
    }));
    let read = async {
        pipeline.send(&budget, &get).await.unwrap();
        start.elapsed()
    };
    let (mut writes, read) = tokio::join!(writes, read);
    writes.sort();
    assert_eq!(read, Duration::ZERO);
    assert_eq!(writes[0].as_secs(), 20);
    // Ten a second, the rate of a lane without a documented limit.
    let took = (writes[99] - writes[0]).as_secs_f64();
    assert!((9.9..10.5).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_at_the_deadline_and_a_writes_outcome_is_unknown() {
    let transport = Hangs {
        answer_after: Duration::from_secs(300),
        called_off: None,
    };
    for (request, outcome_unknown) in [(get(), false), (put(), true)] {
        let start = Instant::now();
        let error = send(&transport, &minute(), &request).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        let SendError::Stopped { why, last } = error else {
            panic!("stopped expected");
        };
        let last = last.unwrap().unwrap_err();
        assert_eq!(why, Stopped::Deadline);
        assert_eq!(last.kind, TransportErrorKind::Timeout);
        assert_eq!(last.outcome_unknown, outcome_unknown);
    }
}
