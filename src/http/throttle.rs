//! Slows down all requests that share a rate limit once the server throttles one of them.
//!
//! Servers count requests in token buckets: a burst, and then a fixed number a second. The requests of
//! one [`Lane`] share a bucket. A lane slows no request before the server answers 429. The lane then
//! closes for as long as the server asks.
//!
//! After that it lets waiting requests go one by one, at the rate at which the bucket refills.
//! Otherwise one request's retry could use up the token that another request waits for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::http::retry::{Outcome, retry_after};
use crate::http::{Budget, Request, Response, Stopped, host};

/// A group of requests that share a rate limit at a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// The name, unique within the host.
    pub name: String,
    /// The bucket's documented refill rate, in requests a second.
    pub per_second: f64,
}

/// The rate of a lane without a documented limit. Every known service allows more.
const UNKNOWN_RATE: f64 = 10.0;
/// How much slower than the documented rate requests go, in case the clocks differ slightly.
const MARGIN: f64 = 1.02;
/// How long a lane stays closed if the server gives no time.
const UNSAID: Duration = Duration::from_secs(1);
/// A lane opens fully after this long without a waiting request. A Resource Manager bucket is full by
/// then.
const QUIET: Duration = Duration::from_secs(20);
/// The longest interval between two requests.
const SLOWEST: Duration = Duration::from_secs(30);
/// The share of the full rate that each request restores after other clients have used up the bucket.
const RECOVERY: f64 = 0.01;

/// The lanes of the process.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    lanes: Mutex<HashMap<String, Pace>>,
}

impl Throttle {
    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// If the budget is spent first.
    pub(crate) async fn pass(&self, budget: &Budget, request: &Request) -> Result<(), Stopped> {
        loop {
            let now = Instant::now();
            let Some(turn) = self.lanes().get_mut(&key(request)).map(|it| it.turn(now)) else {
                return Ok(());
            };
            match turn {
                Turn::Now => return Ok(()),
                Turn::At(instant) => budget.sleep(instant - now).await?,
                Turn::Yours(instant) => {
                    budget.sleep(instant - now).await?;
                    // If the lane closed in the meantime, the turn is lost and the request asks for
                    // another.
                    if self
                        .lanes()
                        .get(&key(request))
                        .is_none_or(|pace| pace.is_open(instant))
                    {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether the request's lane is open now.
    pub(crate) fn is_open(&self, request: &Request) -> bool {
        let lanes = self.lanes();
        let pace = lanes.get(&key(request));
        pace.is_none_or(|pace| pace.is_open(Instant::now()))
    }

    /// Returns the 429 that closed the request's lane, for a request that timed out while it waited.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        self.lanes().get(&key(request))?.refusal.clone()
    }

    /// Updates the lane from the outcome of a request sent at `sent`.
    pub(crate) fn learn(&self, request: &Request, sent: Instant, outcome: &Outcome) {
        let Some((refusal, wait)) = throttled(outcome) else {
            return;
        };
        let rate = request
            .lane
            .as_ref()
            .map_or(UNKNOWN_RATE, |it| it.per_second);
        let now = Instant::now();
        let mut lanes = self.lanes();
        let pace = lanes.entry(key(request)).or_insert_with(|| Pace::new(rate));
        pace.refusal = Some(refusal.clone());
        if pace.close(now, sent, wait) {
            tracing::warn!(
                host = host(&request.url),
                lane = request.lane.as_ref().map(|lane| lane.name.as_str()),
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                per_second = pace.per_second(),
                "throttled: requests of this kind wait, then go one at a time"
            );
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<String, Pace>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a throttled answer and how long the server asks to wait.
fn throttled(outcome: &Outcome) -> Option<(&Response, Duration)> {
    let response = outcome.as_ref().ok()?;
    let asked = retry_after(response).filter(|wait| !wait.is_zero());
    (response.status == StatusCode::TOO_MANY_REQUESTS).then(|| (response, asked.unwrap_or(UNSAID)))
}

/// A request without a lane shares one with all requests of its kind at the host.
fn key(request: &Request) -> String {
    let host = host(&request.url);
    match (&request.lane, &request.method) {
        (Some(lane), _) => format!("{host} {}", lane.name),
        (None, &Method::GET | &Method::HEAD) => format!("{host} reads"),
        (None, &Method::DELETE) => format!("{host} deletes"),
        (None, _) => format!("{host} writes"),
    }
}

/// When a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    /// Immediately.
    Now,
    /// Not known yet. The request asks again at this time.
    At(Instant),
    /// At this time, which is reserved for this request.
    Yours(Instant),
}

/// The pace of a lane that has been closed at least once.
#[derive(Debug)]
struct Pace {
    /// The shortest interval between two requests.
    full: Duration,
    /// The current interval between two requests.
    interval: Duration,
    /// When the lane was last closed.
    closed: Option<Instant>,
    /// When the lane opens.
    opens: Option<Instant>,
    /// The next free turn.
    next: Option<Instant>,
    /// The 429 that closed the lane.
    refusal: Option<Response>,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        let full = Duration::from_secs_f64(MARGIN / per_second.max(0.001));
        Self {
            full,
            interval: full,
            closed: None,
            opens: None,
            next: None,
            refusal: None,
        }
    }

    fn turn(&mut self, now: Instant) -> Turn {
        let Some(next) = self.next else {
            return Turn::Now;
        };
        if let Some(opens) = self.opens.filter(|opens| now < *opens) {
            return Turn::At(opens);
        }
        if now.saturating_duration_since(next) >= QUIET {
            self.next = None;
            self.interval = self.full;
            return Turn::Now;
        }
        let turn = next.max(now);
        self.next = Some(turn + self.interval);
        self.interval = self.interval.div_f64(1.0 + RECOVERY).max(self.full);
        if turn > now {
            Turn::Yours(turn)
        } else {
            Turn::Now
        }
    }

    /// Whether a turn at that time is still valid.
    fn is_open(&self, turn: Instant) -> bool {
        self.opens.is_none_or(|opens| opens <= turn)
    }

    /// Closes the lane, and returns whether this is a new refusal. A request sent before the last refusal
    /// only repeats it.
    fn close(&mut self, now: Instant, sent: Instant, wait: Duration) -> bool {
        let opens = now + wait;
        let news = self.closed.is_none_or(|closed| sent > closed);
        if news {
            // The requests were paced and still too fast, so other clients share the bucket.
            if self.next.is_some() {
                self.interval = (self.interval * 2).min(SLOWEST);
            }
            self.closed = Some(now);
            self.next = Some(opens);
        }
        self.opens = self.opens.max(Some(opens));
        self.next = self.next.max(self.opens);
        news
    }

    fn per_second(&self) -> f64 {
        1.0 / self.interval.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;
    use url::Url;

    use super::*;
    use crate::http::scripted_transport::reply;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns when each of `number` simultaneous requests may be sent.
    fn turns(pace: &mut Pace, now: Instant, number: usize) -> Vec<Duration> {
        (0..number)
            .map(|_| match pace.turn(now) {
                Turn::Now => Duration::ZERO,
                Turn::At(instant) | Turn::Yours(instant) => instant - now,
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_reopens_at_the_documented_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        assert!(pace.close(start, start, 3 * SECOND));
        assert_eq!(turns(&mut pace, start, 2), [3 * SECOND, 3 * SECOND]);
        let opens = start + 3 * SECOND;
        let waits = turns(&mut pace, opens, 50);
        assert_eq!(waits[0], Duration::ZERO);
        assert_eq!(waits[49], Duration::from_millis(49 * 102));
    }

    #[tokio::test(start_paused = true)]
    async fn simultaneous_refusals_count_once_and_a_later_one_halves_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        assert!(pace.close(start + SECOND, start, SECOND));
        assert!(!pace.close(start + SECOND, start, 2 * SECOND));
        let opens = start + 3 * SECOND;
        assert_eq!(pace.turn(start + 2 * SECOND), Turn::At(opens));
        assert!(pace.close(opens, opens, SECOND));
        let waits = turns(&mut pace, opens + SECOND, 2);
        assert_eq!(waits[1], Duration::from_millis(204));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_lane_opens_fully() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        pace.close(start, start, SECOND);
        assert_eq!(
            turns(&mut pace, start + SECOND + QUIET, 3),
            [Duration::ZERO; 3]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_delays_only_requests_of_the_same_kind() {
        let throttle = Throttle::default();
        let url = Url::parse("https://management.azure.com/x").unwrap();
        let get = Request::new(Method::GET, url.clone());
        let put = Request::new(Method::PUT, url);
        let budget = Budget::new(60 * SECOND, CancellationToken::new());
        let busy = Ok(reply(429).with("retry-after", "5"));
        throttle.learn(&put, Instant::now(), &busy);
        let start = Instant::now();
        throttle.pass(&budget, &get).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        throttle.pass(&budget, &put).await.unwrap();
        assert_eq!(start.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_request_stops_at_the_deadline() {
        let throttle = Throttle::default();
        let url = Url::parse("https://management.azure.com/x").unwrap();
        let get = Request::new(Method::GET, url);
        let busy = Ok(reply(429).with("retry-after", "500"));
        throttle.learn(&get, Instant::now(), &busy);
        let budget = Budget::new(60 * SECOND, CancellationToken::new());
        assert_eq!(throttle.pass(&budget, &get).await, Err(Stopped::Deadline));
    }
}
