//! One answer of "too many requests" slows everybody down who asks for the same.
//!
//! Servers count requests in buckets: so many at once, and then so many a second. A [`Lane`] is what
//! shares a bucket. Nothing is slowed before a bucket is empty. Once it is, the lane closes for as long
//! as the server says, and then lets requests go one by one, at the rate at which the bucket fills, for
//! as long as any have to wait. So nobody's repetition takes what another one was waiting for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::http::retry::{Outcome, retry_after};
use crate::http::{Budget, Request, Response, Stopped, host};

/// What shares a limit at a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Tells it from the others of the same host.
    pub name: String,
    /// How many requests a second its bucket fills for, as the server documents it.
    pub per_second: f64,
}

/// The rate where nobody has said one: slow enough for any service that we know.
const UNKNOWN_RATE: f64 = 10.0;
/// How much slower than the documented rate, so that a clock that runs a little differently does no harm.
const MARGIN: f64 = 1.02;
/// How long a lane stays closed where the server doesn't say.
const UNSAID: Duration = Duration::from_secs(1);
/// How long nobody may have had to wait until a lane is open again. A bucket of Resource Manager is full
/// by then.
const QUIET: Duration = Duration::from_secs(20);
/// The longest time between two requests.
const SLOWEST: Duration = Duration::from_secs(30);
/// The part of the full rate that each request brings back after others have used up the bucket.
const RECOVERY: f64 = 0.01;

/// The lanes of a process.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    lanes: Mutex<HashMap<String, Pace>>,
}

impl Throttle {
    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// When the budget is spent before.
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
                    // Closed meanwhile: the turn is lost, and another is asked for.
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

    /// Whether a request's lane isn't closed at the moment.
    pub(crate) fn is_open(&self, request: &Request) -> bool {
        let lanes = self.lanes();
        let pace = lanes.get(&key(request));
        pace.is_none_or(|pace| pace.is_open(Instant::now()))
    }

    /// The refusal that has closed the lane of a request, for whoever has waited for it in vain.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Response> {
        self.lanes().get(&key(request))?.refusal.clone()
    }

    /// Learns from an answer to a request that was sent at that instant.
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
                "throttled: requests of this kind wait, and then go one by one"
            );
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<String, Pace>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal, and how long the server wants to be left alone, if that is what it says.
fn throttled(outcome: &Outcome) -> Option<(&Response, Duration)> {
    let response = outcome.as_ref().ok()?;
    let asked = retry_after(response).filter(|wait| !wait.is_zero());
    (response.status == StatusCode::TOO_MANY_REQUESTS).then(|| (response, asked.unwrap_or(UNSAID)))
}

/// Without a lane of its own, a request shares one with all of its kind at the host.
fn key(request: &Request) -> String {
    let host = host(&request.url);
    match (&request.lane, &request.method) {
        (Some(lane), _) => format!("{host} {}", lane.name),
        (None, &Method::GET | &Method::HEAD) => format!("{host} reads"),
        (None, &Method::DELETE) => format!("{host} deletes"),
        (None, _) => format!("{host} writes"),
    }
}

/// When a request may go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    /// At once.
    Now,
    /// Nobody knows yet; it may ask again then.
    At(Instant),
    /// Then, and nobody else.
    Yours(Instant),
}

/// The pace of one lane that has been closed at least once.
#[derive(Debug)]
struct Pace {
    /// The shortest time between two requests.
    full: Duration,
    /// The time between two requests at present.
    interval: Duration,
    /// When it was closed last.
    closed: Option<Instant>,
    /// Until when it is.
    opens: Option<Instant>,
    /// The next turn that nobody has yet.
    next: Option<Instant>,
    /// What has closed it.
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

    /// Whether a turn at that instant is still good.
    fn is_open(&self, turn: Instant) -> bool {
        self.opens.is_none_or(|opens| opens <= turn)
    }

    /// Closes the lane; says whether that is news. Requests that were under way when it was closed last
    /// are answered in the same way, and tell nothing new.
    fn close(&mut self, now: Instant, sent: Instant, wait: Duration) -> bool {
        let opens = now + wait;
        let news = self.closed.is_none_or(|closed| sent > closed);
        if news {
            // Paced, and still too fast: others share the bucket.
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

    /// When the given number of requests may go that all ask at once.
    fn turns(pace: &mut Pace, now: Instant, number: usize) -> Vec<Duration> {
        (0..number)
            .map(|_| match pace.turn(now) {
                Turn::Now => Duration::ZERO,
                Turn::At(instant) | Turn::Yours(instant) => instant - now,
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_lane_opens_at_the_documented_rate_and_no_faster() {
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
    async fn answers_to_one_wave_count_once_and_a_later_one_halves_the_rate() {
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
    async fn a_quiet_lane_is_open_again() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        pace.close(start, start, SECOND);
        assert_eq!(
            turns(&mut pace, start + SECOND + QUIET, 3),
            [Duration::ZERO; 3]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_refusal_holds_up_the_same_kind_of_request_and_no_other() {
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
    async fn whoever_waits_stops_with_the_operation() {
        let throttle = Throttle::default();
        let url = Url::parse("https://management.azure.com/x").unwrap();
        let get = Request::new(Method::GET, url);
        let busy = Ok(reply(429).with("retry-after", "500"));
        throttle.learn(&get, Instant::now(), &busy);
        let budget = Budget::new(60 * SECOND, CancellationToken::new());
        assert_eq!(throttle.pass(&budget, &get).await, Err(Stopped::Deadline));
    }
}
