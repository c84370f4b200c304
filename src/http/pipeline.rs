//! Sends each request: waits for its turn, and retries until the outcome is final or the budget is spent.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::http::concurrency::Concurrency;
use crate::http::retry::{Attempts, Outcome, leaves_outcome_unknown, pause_before_next};
use crate::http::throttle::{Throttle, Ticket};
use crate::http::{
    Budget, Effect, Request, Response, Stopped, Transport, TransportError, TransportErrorKind,
    host, log,
};

/// The timeout of one attempt, from the connection to the last byte of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a request has no final answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// No answer arrived.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The budget was spent.
    #[error("{why}")]
    Stopped {
        /// Whether the deadline or a cancellation ended it.
        why: Stopped,
        /// The outcome of the last attempt. `None` if there was no attempt.
        last: Option<Box<Result<Response, TransportError>>>,
    },
}

/// The only way to send requests. Its clones share the throttling state and the known hosts.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    throttle: Throttle,
    concurrency: Concurrency,
    /// The hosts that have answered at least once.
    known: Mutex<BTreeSet<String>>,
}

impl Pipeline {
    /// Creates a pipeline that sends through `transport`.
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

    /// Sends a request, and retries it if that can help and is safe.
    ///
    /// # Errors
    /// If no answer arrives or the budget is spent. An error status from the server is an answer.
    ///
    /// At the deadline the request is abandoned. A cancellation ends a read at once. It lets a write
    /// finish, so that its outcome is known.
    pub async fn send(&self, budget: &Budget, request: &Request) -> Result<Response, SendError> {
        let ticket = self.shared.throttle.ticket();
        self.send_with(ticket, budget, request).await
    }

    async fn send_with(
        &self,
        ticket: Ticket,
        budget: &Budget,
        request: &Request,
    ) -> Result<Response, SendError> {
        let stopped = |why, last: Option<Outcome>| {
            let last = last.map(Box::new);
            Err(SendError::Stopped { why, last })
        };
        let first = Instant::now();
        let mut attempts = 1;
        let mut outcome_unknown = false;
        let mut last = None;
        if let Err(why) = budget.check() {
            return stopped(why, None);
        }
        loop {
            let permit = match self.turn(ticket, budget, request).await {
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
            // A clear answer to a later attempt doesn't show whether an earlier attempt was carried out.
            outcome_unknown |= leaves_outcome_unknown(request.effect, &outcome);
            match &mut outcome {
                Ok(response) => response.outcome_unknown = outcome_unknown,
                Err(error) => error.outcome_unknown = outcome_unknown,
            }
            let tried = Attempts {
                attempts,
                elapsed: first.elapsed(),
                host_is_known: self.knows(request, &outcome),
            };
            let again = pause_before_next(tried, request.effect, &outcome, fastrand::f64())
                .filter(|_| given_up.is_none());
            log::attempt(request, attempts, start.elapsed(), &outcome, again);
            match given_up {
                Some(Stopped::Deadline) => return stopped(Stopped::Deadline, Some(outcome)),
                // The cancelled attempt itself didn't fail.
                Some(Stopped::Cancelled) => return stopped(Stopped::Cancelled, last),
                None => {}
            }
            let Some(pause) = again else {
                return Ok(outcome?);
            };
            if let Err(why) = budget.sleep(pause).await {
                return stopped(why, Some(outcome));
            }
            last = Some(outcome);
            attempts += 1;
        }
    }

    /// Sends a request as [`Pipeline::send`] does, but allows a failing host only `patience` to recover.
    /// After that the last attempt's outcome is final. A throttled request only waits for its turn, so it
    /// can use the whole budget.
    ///
    /// # Errors
    /// Same as [`Pipeline::send`].
    pub async fn send_within(
        &self,
        budget: &Budget,
        patience: Duration,
        request: &Request,
    ) -> Result<Response, SendError> {
        let ticket = self.shared.throttle.ticket();
        let short = budget.within(patience);
        match self.send_with(ticket, &short, request).await {
            Err(SendError::Stopped {
                why: Stopped::Deadline,
                last,
            }) if budget.check().is_ok() => match last.map(|last| *last) {
                Some(Ok(answer)) if answer.status != StatusCode::TOO_MANY_REQUESTS => Ok(answer),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(_)) | None => self.send_with(ticket, budget, request).await,
            },
            sent => sent,
        }
    }

    /// Whether the request's host has answered at least once.
    fn knows(&self, request: &Request, outcome: &Outcome) -> bool {
        let known = self.shared.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if outcome.is_ok() {
            known.insert(host(&request.url));
        }
        known.contains(&host(&request.url))
    }

    /// Waits for a request's turn. It holds no permit while it waits for the lane. If the lane closes
    /// during the wait for a permit, it waits again.
    async fn turn(
        &self,
        ticket: Ticket,
        budget: &Budget,
        request: &Request,
    ) -> Result<OwnedSemaphorePermit, Stopped> {
        loop {
            self.shared.throttle.pass(budget, request, ticket).await?;
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

/// Waits until an attempt must be abandoned: at the deadline, and for a read also on cancellation.
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
        outcome_unknown: false,
        source: None,
    }
}

#[cfg(test)]
mod shared_bucket;
#[cfg(test)]
mod tests;
