//! The way of every request: it waits for its turn, is sent, and is sent again until its outcome is final
//! or the budget is spent.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::http::concurrency::Concurrency;
use crate::http::retry::{Outcome, Tried, after, leaves_doubt};
use crate::http::throttle::Throttle;
use crate::http::{
    Budget, Effect, Request, Response, Stopped, Transport, TransportError, TransportErrorKind,
    host, log,
};

/// How long one attempt may take, from the connection to the last byte of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a request got no final answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// No answer at all.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The budget was spent.
    #[error("{why}")]
    Stopped {
        /// What ended it.
        why: Stopped,
        /// What the last attempt came to, if there was one.
        last: Option<Box<Result<Response, TransportError>>>,
    },
}

/// The one way to send a request. Clones share what they have learnt of the hosts.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    throttle: Throttle,
    concurrency: Concurrency,
    /// The hosts that have answered anything.
    known: Mutex<BTreeSet<String>>,
}

impl Pipeline {
    /// A pipeline that ends in a transport.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            shared: Arc::new(Shared {
                transport,
                throttle: Throttle::default(),
                concurrency: Concurrency::default(),
                known: Mutex::default(),
            }),
        }
    }

    /// Sends a request, again where that helps and does no harm.
    ///
    /// # Errors
    ///
    /// When no answer came, or the budget is spent. A refusal by the server is an answer.
    ///
    /// What hangs is given up at the deadline. A cancellation ends what changes nothing at once, and lets
    /// everything else finish, so that its outcome is known.
    pub async fn send(&self, budget: &Budget, request: &Request) -> Result<Response, SendError> {
        let stopped = |why, last: Option<Outcome>| {
            let last = last.map(Box::new);
            Err(SendError::Stopped { why, last })
        };
        let first = Instant::now();
        let mut attempts = 1;
        let mut doubtful = false;
        let mut last = None;
        if let Err(why) = budget.check() {
            return stopped(why, None);
        }
        loop {
            let permit = match self.turn(budget, request).await {
                Ok(permit) => permit,
                Err(why) => {
                    let refusal = || self.shared.throttle.refusal(request).map(Ok);
                    return stopped(why, last.or_else(refusal));
                }
            };
            let start = Instant::now();
            let (mut outcome, given_up) = tokio::select! {
                biased;
                outcome = self.shared.transport.send(request.clone()) => (outcome, None),
                why = patience(budget, request.effect) => (Err(unanswered(request)), Some(why)),
                () = tokio::time::sleep(ATTEMPT_TIMEOUT) => (Err(unanswered(request)), None),
            };
            drop(permit);
            self.shared.throttle.learn(request, start, &outcome);
            // A clear answer to a later attempt says nothing of what an earlier one has done.
            doubtful |= leaves_doubt(request.effect, &outcome);
            match &mut outcome {
                Ok(response) => response.doubtful = doubtful,
                Err(error) => error.doubtful = doubtful,
            }
            let tried = Tried {
                attempts,
                elapsed: first.elapsed(),
                host_is_known: self.knows(request, &outcome),
            };
            let again = after(tried, request.effect, &outcome, fastrand::f64())
                .filter(|_| given_up.is_none());
            log::attempt(request, attempts, start.elapsed(), &outcome, again);
            match given_up {
                Some(Stopped::Deadline) => return stopped(Stopped::Deadline, Some(outcome)),
                // That there was no answer yet is no failure to tell.
                Some(Stopped::Cancelled) => return stopped(Stopped::Cancelled, last),
                None => {}
            }
            let Some(pause) = again else {
                return Ok(outcome?);
            };
            if !budget.outlasts(pause) {
                return stopped(Stopped::Deadline, Some(outcome));
            }
            if let Err(why) = budget.sleep(pause).await {
                return stopped(why, Some(outcome));
            }
            last = Some(outcome);
            attempts += 1;
        }
    }

    /// Sends a request as [`Pipeline::send`] does, and gives a host that doesn't recover no longer than
    /// `patience`: what came of the last attempt is final then. Whoever is throttled only waits for its
    /// turn, and has all the time of the budget.
    ///
    /// # Errors
    ///
    /// As of [`Pipeline::send`].
    pub async fn send_within(
        &self,
        budget: &Budget,
        patience: Duration,
        request: &Request,
    ) -> Result<Response, SendError> {
        match self.send(&budget.within(patience), request).await {
            Err(SendError::Stopped {
                why: Stopped::Deadline,
                last,
            }) if budget.check().is_ok() => match last.map(|last| *last) {
                Some(Ok(answer)) if answer.status != StatusCode::TOO_MANY_REQUESTS => Ok(answer),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(_)) | None => self.send(budget, request).await,
            },
            sent => sent,
        }
    }

    /// Whether the request's host has ever answered.
    fn knows(&self, request: &Request, outcome: &Outcome) -> bool {
        let known = self.shared.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if outcome.is_ok() {
            known.insert(host(&request.url));
        }
        known.contains(&host(&request.url))
    }

    /// Waits for the turn of a request. Whoever waits for a lane holds no permit, and whose lane has
    /// been closed while it waited for a permit waits again.
    async fn turn(
        &self,
        budget: &Budget,
        request: &Request,
    ) -> Result<OwnedSemaphorePermit, Stopped> {
        loop {
            self.shared.throttle.pass(budget, request).await?;
            let permit = self.shared.concurrency.permit(budget, request).await?;
            if self.shared.throttle.is_open(request) {
                return Ok(permit);
            }
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

/// Waits as long as an attempt may take.
async fn patience(budget: &Budget, effect: Effect) -> Stopped {
    if effect == Effect::Nothing {
        return budget.spent().await;
    }
    tokio::time::sleep_until(budget.deadline).await;
    Stopped::Deadline
}

fn unanswered(request: &Request) -> TransportError {
    TransportError {
        kind: TransportErrorKind::Timeout,
        host: host(&request.url),
        doubtful: false,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::FutureExt;
    use futures::future::join_all;
    use http::Method;
    use tokio_util::sync::CancellationToken;
    use url::Url;

    use super::*;
    use crate::http::scripted::{ScriptedTransport, reply};

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
    async fn a_busy_server_is_asked_again() {
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
    async fn doubt_outlives_a_clear_no_to_a_later_attempt() {
        let cut = || {
            ScriptedTransport::default().fail(
                Method::PUT,
                "/thing",
                TransportErrorKind::Interrupted,
            )
        };
        let refused = cut().on(Method::PUT, "/thing", reply(403));
        assert!(send(&refused, &minute(), &put()).await.unwrap().doubtful);
        let unreachable = (0..3).fold(cut(), |transport, _| {
            transport.fail(Method::PUT, "/thing", TransportErrorKind::Connect)
        });
        let Err(SendError::Transport(error)) = send(&unreachable, &minute(), &put()).await else {
            panic!("no answer expected");
        };
        assert!(error.doubtful && error.kind == TransportErrorKind::Connect);
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_nothing_and_what_is_refused_at_once_leave_no_doubt() {
        let read = ScriptedTransport::default()
            .on(Method::GET, "/thing", reply(500))
            .on(Method::GET, "/thing", reply(403));
        assert!(!send(&read, &minute(), &get()).await.unwrap().doubtful);
        let refused = ScriptedTransport::default()
            .on(Method::PUT, "/thing", reply(429))
            .on(Method::PUT, "/thing", reply(403));
        assert!(!send(&refused, &minute(), &put()).await.unwrap().doubtful);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_failure_survives_the_deadline() {
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
    async fn a_pause_that_would_outlast_the_time_is_not_waited_for() {
        let transport = ScriptedTransport::default().on(
            Method::GET,
            "/thing",
            reply(503).with("retry-after", "90"),
        );
        let start = Instant::now();
        let error = send(&transport, &minute(), &get()).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::ZERO);
        let SendError::Stopped {
            why: Stopped::Deadline,
            last: Some(last),
        } = error
        else {
            panic!("stopped expected");
        };
        assert_eq!(last.unwrap().status, 503);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_with_the_last_answer_and_not_for_who_is_throttled() {
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

    /// Takes its time to answer; the operation may be called off meanwhile.
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
    async fn a_write_in_flight_finishes_although_the_operation_is_cancelled() {
        let budget = minute();
        let transport = called_off(&budget);
        assert_eq!(send(&transport, &budget, &put()).await.unwrap().status, 201);
        assert!(send(&transport, &budget, &put()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_in_flight_ends_with_the_operation() {
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
    async fn an_attempt_has_a_minute_and_then_there_is_another() {
        let hangs = Hangs {
            answer_after: Duration::from_secs(300),
            called_off: None,
        };
        let budget = Budget::new(Duration::from_secs(3600), CancellationToken::new());
        let start = Instant::now();
        let Err(SendError::Transport(error)) = send(&hangs, &budget, &put()).await else {
            panic!("no answer expected");
        };
        assert!(error.kind == TransportErrorKind::Timeout && error.doubtful);
        let minutes = start.elapsed().as_secs() / 60;
        assert_eq!(minutes, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn one_refusal_holds_up_all_of_its_kind_and_no_permit_is_held_meanwhile() {
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
        // Ten a second, as where nobody has said a rate.
        let took = (writes[99] - writes[0]).as_secs_f64();
        assert!((9.9..10.5).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_hangs_is_given_up_at_the_deadline_and_a_write_leaves_doubt() {
        let transport = Hangs {
            answer_after: Duration::from_secs(300),
            called_off: None,
        };
        for (request, doubtful) in [(get(), false), (put(), true)] {
            let start = Instant::now();
            let error = send(&transport, &minute(), &request).await.unwrap_err();
            assert_eq!(start.elapsed(), Duration::from_secs(60));
            let SendError::Stopped { why, last } = error else {
                panic!("stopped expected");
            };
            let last = last.unwrap().unwrap_err();
            assert_eq!(why, Stopped::Deadline);
            assert_eq!(last.kind, TransportErrorKind::Timeout);
            assert_eq!(last.doubtful, doubtful);
        }
    }
}
