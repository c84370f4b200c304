//! Slows down all requests that share a rate limit once the server throttles one of them.
//!
//! Servers count requests in token buckets: a burst, and then a fixed number a second. The requests of
//! one [`Lane`] share a bucket. A lane slows no request before the server answers 429. The lane then
//! closes for as long as the server asks.
//!
//! After that it lets waiting requests go one by one, oldest first, at the rate at which the bucket
//! refills. Otherwise one request's retry could use up the token that another request waits for. If other
//! clients use up the bucket too, the lane slows down further, and recovers after the last refusal.

mod pace;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::http::retry::{Outcome, retry_after};
use crate::http::{Budget, Request, Response, Stopped, host};
pub(crate) use pace::Ticket;
use pace::{Pace, Turn};

/// A group of requests that share a rate limit at a server.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The name, unique within the host.
    pub name: String,
    /// The bucket's documented refill rate, in requests a second. `None` if it is not documented.
    pub per_second: Option<f64>,
    /// Whether a 429 is about this lane's limit. It closes only the first such lane of a request.
    pub is_closed_by: fn(&Response) -> bool,
}

/// The rate of a lane without a documented limit. Every known service allows more.
const UNKNOWN_RATE: f64 = 10.0;
/// How long a lane stays closed if the server gives no time.
const UNSAID: Duration = Duration::from_secs(1);

/// The lanes of the process.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    lanes: Mutex<HashMap<String, Pace>>,
    tickets: AtomicU64,
}

impl Throttle {
    /// Returns the ticket of a new request.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.tickets.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// If the budget is spent first.
    pub(crate) async fn pass(
        &self,
        budget: &Budget,
        request: &Request,
        ticket: Ticket,
    ) -> Result<(), Stopped> {
        // The narrowest lane first. A request that waits there takes no turn from the others in the wide lane.
        for lane in lanes(request).iter().rev() {
            self.pass_lane(budget, &key(request, lane), ticket).await?;
        }
        Ok(())
    }

    async fn pass_lane(&self, budget: &Budget, key: &str, ticket: Ticket) -> Result<(), Stopped> {
        let _place = Place {
            throttle: self,
            key,
            ticket,
        };
        loop {
            let now = Instant::now();
            let turn = self.paces().get_mut(key).map(|it| it.turn(ticket, now));
            match turn {
                None | Some(Turn::Now) => return Ok(()),
                Some(Turn::At(instant)) => budget.sleep(instant - now).await?,
                Some(Turn::Behind(older)) => tokio::select! {
                    biased;
                    why = budget.spent() => return Err(why),
                    () = older.notified() => {}
                },
            }
        }
    }

    /// Whether all lanes of the request are open now.
    pub(crate) fn is_open(&self, request: &Request) -> bool {
        let now = Instant::now();
        let paces = self.paces();
        lanes(request).iter().all(|lane| {
            let pace = paces.get(&key(request, lane));
            pace.is_none_or(|pace| pace.is_open(now))
        })
    }

    /// Returns the last 429 that closed a lane of the request, for a request that timed out while it waited.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        let paces = self.paces();
        lanes(request)
            .iter()
            .filter_map(|lane| paces.get(&key(request, lane))?.last_refusal())
            .max_by_key(|(closed, _)| *closed)
            .map(|(_, refusal)| refusal.clone())
    }

    /// Updates the lane that the outcome of a request sent at `sent` is about.
    pub(crate) fn learn(&self, request: &Request, sent: Instant, outcome: &Outcome) {
        let Some((refusal, wait)) = throttled(outcome) else {
            return;
        };
        let lanes = lanes(request);
        let is_about = |lane: &&Lane| (lane.is_closed_by)(refusal);
        let Some(lane) = lanes.iter().find(is_about).or(lanes.last()) else {
            return;
        };
        let rate = lane.per_second.unwrap_or(UNKNOWN_RATE);
        let mut paces = self.paces();
        let pace = paces
            .entry(key(request, lane))
            .or_insert_with(|| Pace::new(rate));
        if pace.close(Instant::now(), sent, wait, refusal) {
            tracing::warn!(
                host = host(&request.url),
                lane = lane.name,
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                per_second = pace.per_second(),
                "throttled: requests of this kind wait, then go one at a time"
            );
        }
    }

    fn paces(&self) -> MutexGuard<'_, HashMap<String, Pace>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a request in a lane's queue. Dropping it lets the next request go.
struct Place<'a> {
    throttle: &'a Throttle,
    key: &'a str,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(pace) = self.throttle.paces().get_mut(self.key) {
            pace.leave(self.ticket);
        }
    }
}

/// Returns a throttled answer and how long the server asks to wait.
fn throttled(outcome: &Outcome) -> Option<(&Response, Duration)> {
    let response = outcome.as_ref().ok()?;
    let asked = retry_after(response).filter(|wait| !wait.is_zero());
    (response.status == StatusCode::TOO_MANY_REQUESTS).then(|| (response, asked.unwrap_or(UNSAID)))
}

fn key(request: &Request, lane: &Lane) -> String {
    format!("{} {}", host(&request.url), lane.name)
}

/// A request without a lane shares one with all requests of its kind at the host.
fn lanes(request: &Request) -> Vec<Lane> {
    if !request.lanes.is_empty() {
        return request.lanes.clone();
    }
    let kind = match request.method {
        Method::GET | Method::HEAD => "reads",
        Method::DELETE => "deletes",
        _ => "writes",
    };
    vec![Lane {
        name: kind.to_owned(),
        per_second: None,
        is_closed_by: |_| true,
    }]
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;
    use url::Url;

    use super::*;
    use crate::http::scripted_transport::reply;

    const SECOND: Duration = Duration::from_secs(1);

    fn request(method: Method) -> Request {
        let url = Url::parse("https://management.azure.com/x").unwrap();
        Request::new(method, url)
    }

    fn minute() -> Budget {
        Budget::new(60 * SECOND, CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_delays_only_requests_of_the_same_kind() {
        let throttle = Throttle::default();
        let (get, put) = (request(Method::GET), request(Method::PUT));
        let budget = minute();
        let busy = Ok(reply(429).with("retry-after", "5"));
        throttle.learn(&put, Instant::now(), &busy);
        let start = Instant::now();
        let pass = |request| throttle.pass(&budget, request, throttle.ticket());
        pass(&get).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        pass(&put).await.unwrap();
        assert_eq!(start.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_request_stops_at_the_deadline() {
        let throttle = Throttle::default();
        let get = request(Method::GET);
        let busy = Ok(reply(429).with("retry-after", "500"));
        throttle.learn(&get, Instant::now(), &busy);
        let stopped = throttle.pass(&minute(), &get, throttle.ticket()).await;
        assert_eq!(stopped, Err(Stopped::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_stops_waiting_lets_the_next_one_go() {
        let throttle = Throttle::default();
        let get = request(Method::GET);
        let busy = Ok(reply(429).with("retry-after", "5"));
        throttle.learn(&get, Instant::now(), &busy);
        let (stops, waits) = (throttle.ticket(), throttle.ticket());
        let short = minute().within(SECOND);
        let budget = minute();
        let start = Instant::now();
        let (stopped, passed) = tokio::join!(
            throttle.pass(&short, &get, stops),
            throttle.pass(&budget, &get, waits),
        );
        assert_eq!(stopped, Err(Stopped::Deadline));
        passed.unwrap();
        assert_eq!(start.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_closes_the_lane_that_it_is_about() {
        let lane = |name: &str, is_closed_by| Lane {
            name: name.to_owned(),
            per_second: None,
            is_closed_by,
        };
        let is_wide = |answer: &Response| answer.header("wide").is_some();
        let of =
            |name| request(Method::GET).lanes(vec![lane("all", is_wide), lane(name, |_| true)]);
        let (one, other) = (of("one"), of("other"));
        let throttle = Throttle::default();
        let refuse = |answer| throttle.learn(&one, Instant::now(), &Ok(answer));
        let busy = || reply(429).with("retry-after", "5");
        refuse(busy());
        assert!(!throttle.is_open(&one) && throttle.is_open(&other));
        assert!(throttle.refusal(&other).is_none());
        refuse(busy().with("wide", "yes"));
        assert!(!throttle.is_open(&other));
        let (start, budget) = (Instant::now(), minute());
        let pass = throttle.pass(&budget, &other, throttle.ticket());
        pass.await.unwrap();
        assert_eq!(start.elapsed(), 5 * SECOND);
    }
}
